"""Values and helpers of tests that write jobs to the table."""

from cloud.dynamodb.job_record import JobRecord, due_shard
from cloud.dynamodb.job_store import (
    InspectedUpload,
    JobStore,
)
from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.results import Result

ERROR = ErrorDetail(code=ErrorCode.INTERNAL, message="It broke.")
RESULT = Result(pictures=[], engine=Engine.PREVIEW, seed=7)
PHOTO = InspectedUpload("image/jpeg", 640, 480, 1234)


def is_due(store: JobStore, job_id: str) -> bool:
    return job_id in store.due(due_shard(job_id), 9e9, limit=100)


def now(store: JobStore, job: JobRecord) -> JobRecord:
    """Return a job as it is stored."""
    found = store.get(job.job_id)
    assert found is not None
    return found
