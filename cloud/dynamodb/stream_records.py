"""Stream records of the jobs table: the newest state of each job in a batch."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cloud.dynamodb.job_record import JobRecord
from cloud.observability import logger


@dataclass(frozen=True)
class JobChange:
    """Newest state of a job in a batch of stream records, with its sequence number and time (epoch seconds)."""

    record: JobRecord
    sequence_number: str
    at: float


def latest_changes(stream_records: Iterable[Mapping[str, Any]]) -> list[JobChange]:
    """Return the newest state of each job, in stream order. Invalid records are logged and skipped."""
    found: dict[str, JobChange] = {}
    for stream_record in stream_records:
        image = stream_record.get("dynamodb", {})
        if "NewImage" not in image:
            continue
        try:
            record = JobRecord.from_item(image["NewImage"])
        except ValueError as error:
            job_id = image.get("Keys", {}).get("job_id", {}).get("S")
            logger.warning("stream record is invalid", job_id=job_id, reason=str(error))
            continue
        known = found.get(record.job_id)
        if known is None or known.record.seq < record.seq:
            at = float(image.get("ApproximateCreationDateTime", time.time()))
            found[record.job_id] = JobChange(record, image["SequenceNumber"], at)
    return sorted(found.values(), key=lambda change: int(change.sequence_number))
