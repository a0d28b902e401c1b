"""Size limit of a page of jobs: a page ends early when its answer would be too large for Lambda."""

from collections.abc import Callable, Sequence

from cloud.dynamodb.job_record import JobRecord, timestamp
from darkroom.contract.jobs import Job

# Lambda answers with at most 6 MB, in which the body is a JSON text again: its quotation marks take two bytes.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_PAGE_BYTES = 4_000_000

Position = tuple[str, str]


def jobs_that_fit(
    records: Sequence[JobRecord], position: Position | None, public: Callable[[JobRecord], Job]
) -> tuple[list[Job], Position | None]:
    """Return the public jobs of a page, and the position of the next one: at least one job, at most ``MAX_PAGE_BYTES``.

    ``position`` is where the next page begins if all ``records`` fit.
    """
    jobs: list[Job] = []
    size = 0
    for record in records:
        job = public(record)
        size += len(job.model_dump_json().encode())
        if jobs and size > MAX_PAGE_BYTES:
            last = jobs[-1]
            return jobs, (timestamp(last.created_at), last.job_id)
        jobs.append(job)
    return jobs, position
