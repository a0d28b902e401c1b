"""Pages of jobs: each fits into a function's answer, however large its jobs are, and no job is left out."""

import json

import pytest

from cloud.dynamodb.job_record import timestamp
from darkroom.contract.kinds import Kind
from handlers.http_api.page_size import jobs_that_fit
from handlers.http_api.response_models import JobPage
from tests.handlers.calls import Call
from tests.handlers.job_requests import job_request
from tests.handlers.large_jobs import largest_job, presign

LAMBDA_BYTES = 6 * 1024 * 1024
LARGEST_PAGE = 100


@pytest.mark.parametrize("character", ["\u3042", '"'])
def test_a_page_of_the_largest_jobs_fits_into_a_functions_answer(character: str) -> None:
    job = largest_job(Kind.RENDER_SCENES, character)
    records = [job.model_copy(update={"job_id": f"{number:032x}"}) for number in range(LARGEST_PAGE)]
    jobs, position = jobs_that_fit(records, None, lambda record: record.public(presign))
    body = JobPage(jobs=jobs, cursor="x" * 400).model_dump_json()
    assert len(json.dumps({"body": body}, ensure_ascii=False).encode()) < LAMBDA_BYTES
    assert 1 < len(jobs) < LARGEST_PAGE
    assert position == (timestamp(job.created_at), jobs[-1].job_id)


@pytest.mark.usefixtures("environment")
def test_pages_that_end_early_leave_out_no_job(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [call("POST", "/jobs", job_request()).body["job"]["job_id"] for _ in range(3)]
    monkeypatch.setattr("handlers.http_api.page_size.MAX_PAGE_BYTES", 1)
    seen = []
    cursor = None
    for _ in made:
        page = call("GET", "/jobs", query={"limit": 100} | ({} if cursor is None else {"cursor": cursor})).body
        seen += [job["job_id"] for job in page["jobs"]]
        cursor = page["cursor"]
    assert (seen, cursor) == (made[::-1], None)
