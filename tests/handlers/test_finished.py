"""Outcomes of attempts: each is applied once, also if its notice is late or duplicate."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.invocation import Abandoned, Completed, Failed, inference_id
from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import MAX_ATTEMPTS, State
from darkroom.contract.results import Picture, Result, StageTime
from handlers import finished
from tests.handlers.stored_jobs import now

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]
PICTURE = Picture(
    name="result", key="results/x/result.jpg", content_type="image/jpeg", width=4, height=3, size=9, sha256="0" * 64
)
RESULT = Result(pictures=[PICTURE], engine=Engine.PREVIEW, seed=3)
TIMES = [StageTime(stage="paint", seconds=36)]


def notice(
    job_id: str,
    attempt: int,
    *,
    failed: str | None = None,
    key: str | None = None,
    response_body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the SNS event of SageMaker's notice."""
    message_body: dict[str, Any] = {
        "eventTime": "2026-01-01T00:00:00.000Z",
        "receivedTime": "2026-01-01T00:00:00.000Z",
        "requestParameters": {"endpointName": "endpoint", "inputLocation": "s3://bucket/invocations/x"},
        "inferenceId": inference_id(job_id, attempt),
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
        "invocationStatus": "Failed" if failed is not None else "Completed",
    }
    if failed is not None:
        message_body["failureReason"] = failed
        message_body["responseParameters"] = {"failureLocation": "s3://bucket/outcomes/failures/x"}
    else:
        message_body["responseParameters"] = {"contentType": "application/json", "outputLocation": f"s3://bucket/{key}"}
    message_body |= {} if response_body is None else {"responseBody": response_body}
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(message_body)}}]}


@pytest.fixture
def deliver(bucket: S3Client, context: Any) -> Callable[..., None]:
    """Stores an outcome (None: nothing) as SageMaker does, and delivers its notice some times."""

    def do(job: JobRecord, outcome: Any, *, attempt: int = 1, times: int = 1, **options: Any) -> None:
        key = f"outcomes/{job.job_id}-{attempt}.out"
        if outcome is not None:
            body = outcome if isinstance(outcome, bytes) else outcome.model_dump_json().encode()
            bucket.put_object(Bucket="bucket", Key=key, Body=body)
        for _ in range(times):
            finished.handler(notice(job.job_id, attempt, key=key, **options), context)

    return do


def completed(job: JobRecord, attempt: int = 1) -> Completed:
    return Completed(job_id=job.job_id, attempt=attempt, result=RESULT, timeline=TIMES)


def failed(job: JobRecord, code: ErrorCode, *, retryable: bool, attempt: int = 1) -> Failed:
    error = ErrorDetail(code=code, message="It did not work.", retryable=retryable)
    return Failed(job_id=job.job_id, attempt=attempt, error=error, timeline=TIMES)


@pytest.mark.parametrize("state", [State.DISPATCHED, State.RUNNING])
def test_a_completed_outcome_completes_the_job_with_its_cost(
    store: JobStore, job_in: JobIn, deliver: Any, state: State
) -> None:
    job = job_in(state)
    deliver(job, completed(job), times=2)
    end = now(store, job)
    assert (end.state, end.seq, end.result, end.timeline) == (State.COMPLETED, job.seq + 1, RESULT, TIMES)
    assert end.cost_usd == pytest.approx(0.7364 / 100)


def test_an_error_that_is_not_retryable_fails_the_job_at_once(
    store: JobStore, job_in: JobIn, deliver: Any, queues: Any
) -> None:
    job = job_in(State.RUNNING)
    deliver(job, failed(job, ErrorCode.INVALID_IMAGE, retryable=False), times=2)
    end = now(store, job)
    assert end.error is not None
    assert (end.state, end.error.code, end.seq) == (State.FAILED, "invalid_image", job.seq + 1)
    assert end.timeline == TIMES
    assert (queues.sent(), queues.dead_letters()) == ([], [])


def test_a_retryable_error_requeues_the_job_once(store: JobStore, job_in: JobIn, deliver: Any, queues: Any) -> None:
    job = job_in(State.RUNNING)
    store.report(job.job_id, 1, progress=0.6, stage="paint", message="", timeline=[])
    deliver(job, failed(job, ErrorCode.OUT_OF_MEMORY, retryable=True), times=3)
    again = now(store, job)
    assert (again.state, again.progress, again.stage) == (State.QUEUED, 0.6, None)
    assert again.message == "Trying again: It did not work."
    assert queues.sent() == [(job.job_id, 2)]


def test_a_failed_last_attempt_fails_the_job_and_sends_a_dead_letter(
    store: JobStore, job_in: JobIn, deliver: Any, queues: Any
) -> None:
    job = job_in(State.RUNNING, attempt=MAX_ATTEMPTS)
    outcome = failed(job, ErrorCode.OUT_OF_MEMORY, retryable=True, attempt=MAX_ATTEMPTS)
    deliver(job, outcome, attempt=MAX_ATTEMPTS, times=2)
    end = now(store, job)
    assert end.error is not None
    assert (end.state, end.error.code) == (State.FAILED, "out_of_memory")
    assert queues.sent() == []
    assert queues.dead_letters() == [job.job_id]


@pytest.mark.parametrize("works", [True, False])
def test_the_cost_of_a_job_includes_failed_attempts(store: JobStore, job_in: JobIn, deliver: Any, works: bool) -> None:
    job = job_in(State.RUNNING)
    deliver(job, failed(job, ErrorCode.OUT_OF_MEMORY, retryable=True), times=2)
    assert now(store, job).cost_usd == pytest.approx(0.7364 / 100)
    assert store.dispatch(job.job_id, 2, due_at=0) is not None
    last = completed(job, 2) if works else failed(job, ErrorCode.INVALID_IMAGE, retryable=False, attempt=2)
    deliver(job, last, attempt=2, times=2)
    assert now(store, job).cost_usd == pytest.approx(2 * 0.7364 / 100)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("Received server error (500) from model", "container_failed"),
        ("Amazon SageMaker could not get a response: ModelError", "container_failed"),
        ("", "container_failed"),
        ("Model invocation timed out", "timed_out"),
        ("InvocationTimeout", "timed_out"),
        ("The request TTL expired before an instance took it", "timed_out"),
    ],
)
def test_a_failed_invocation_has_an_error_code(
    store: JobStore, job_in: JobIn, deliver: Any, reason: str, code: str
) -> None:
    job = job_in(State.RUNNING, attempt=MAX_ATTEMPTS)
    deliver(job, None, attempt=MAX_ATTEMPTS, failed=reason)
    end = now(store, job)
    assert end.error is not None
    assert (end.state, end.error.code) == (State.FAILED, code)


def test_a_notice_of_an_earlier_attempt_changes_nothing(
    store: JobStore, job_in: JobIn, deliver: Any, queues: Any
) -> None:
    job = job_in(State.RUNNING, attempt=2)
    deliver(job, completed(job, 1), attempt=1)
    deliver(job, failed(job, ErrorCode.INTERNAL, retryable=True, attempt=1), attempt=1)
    deliver(job, None, attempt=1, failed="crashed")
    assert now(store, job) == job
    assert queues.sent() == []
    deliver(job, completed(job, 2), attempt=2)
    assert now(store, job).state is State.COMPLETED


def test_a_late_success_does_not_reopen_a_failed_job(store: JobStore, job_in: JobIn, deliver: Any) -> None:
    job = job_in(State.RUNNING, attempt=MAX_ATTEMPTS)
    deliver(job, None, attempt=MAX_ATTEMPTS, failed="crashed")
    end = now(store, job)
    deliver(job, completed(job, MAX_ATTEMPTS), attempt=MAX_ATTEMPTS)
    assert now(store, job) == end


def test_a_cancelled_job_stays_cancelled(store: JobStore, job_in: JobIn, deliver: Any, queues: Any) -> None:
    job = job_in(State.RUNNING)
    end = store.cancel(job.job_id, job.owner, ErrorDetail(code=ErrorCode.CANCELLED, message="no"))
    deliver(job, Abandoned(job_id=job.job_id, attempt=1))
    deliver(job, completed(job))
    deliver(job, None, failed="crashed")
    assert store.get(job.job_id) == end
    assert (queues.sent(), queues.dead_letters()) == ([], [])


def test_a_late_result_of_a_cancelled_job_is_deleted(
    store: JobStore, job_in: JobIn, deliver: Any, bucket: S3Client
) -> None:
    job = job_in(State.RUNNING)
    keys = [picture.key for picture in RESULT.pictures]
    for key in keys:
        bucket.put_object(Bucket="bucket", Key=key, Body=b"picture")
    store.cancel(job.job_id, job.owner, ErrorDetail(code=ErrorCode.CANCELLED, message="no"))
    deliver(job, completed(job), times=2)
    left = [entry["Key"] for entry in bucket.list_objects_v2(Bucket="bucket").get("Contents", [])]
    assert keys
    assert not set(keys) & set(left)


def test_a_duplicate_notice_keeps_the_result_of_a_completed_job(
    store: JobStore, job_in: JobIn, deliver: Any, bucket: S3Client
) -> None:
    job = job_in(State.RUNNING)
    for picture in RESULT.pictures:
        bucket.put_object(Bucket="bucket", Key=picture.key, Body=b"picture")
    deliver(job, completed(job), times=3)
    for picture in RESULT.pictures:
        bucket.head_object(Bucket="bucket", Key=picture.key)


@pytest.mark.parametrize("body", [None, b"", b"null", b"{}", b"\xff", b'{"status": "completed"}'])
def test_an_unreadable_outcome_is_a_failed_attempt(
    store: JobStore, job_in: JobIn, deliver: Any, queues: Any, body: bytes | None
) -> None:
    job = job_in(State.RUNNING)
    deliver(job, body)
    assert now(store, job).state is State.QUEUED
    assert queues.sent() == [(job.job_id, 2)]


def test_an_outcome_of_another_job_is_a_failed_attempt(
    store: JobStore, job_in: JobIn, deliver: Any, record: Any
) -> None:
    job = job_in(State.RUNNING)
    deliver(job, completed(record()))
    assert now(store, job).state is State.QUEUED


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{}",
        "no JSON",
        json.dumps({"inferenceId": "x", "invocationStatus": "Failed"}),
        json.dumps({"inferenceId": None, "invocationStatus": "Completed"}),
    ],
)
def test_a_notice_that_names_no_attempt_is_a_dead_letter_and_stops_no_other(
    store: JobStore, job_in: JobIn, context: Any, queues: Any, message: str
) -> None:
    job = job_in(State.RUNNING)
    event = notice(job.job_id, 1, failed="crashed")
    event["Records"].insert(0, {"EventSource": "aws:sns", "Sns": {"Message": message}})
    finished.handler(event, context)
    assert now(store, job).state is State.QUEUED
    assert queues.unreadable() == [message]


NULLS: dict[str, Any] = {
    "failureReason": None,
    "eventVersion": None,
    "responseParameters": {"contentType": None, "outputLocation": None},
}


@pytest.mark.parametrize(
    "changes",
    [
        {"failureReason": None, "eventName": None},
        {"failureReason": {"code": 500}, "responseParameters": None},
        {"invocationStatus": None},
        {"responseParameters": {"outputLocation": "nowhere"}},
        NULLS,
    ],
)
@pytest.mark.parametrize("status", ["Failed", "Completed"])
def test_a_notice_with_null_where_a_text_is_expected_is_a_failed_attempt(
    store: JobStore, job_in: JobIn, context: Any, queues: Any, changes: dict[str, Any], status: str
) -> None:
    job = job_in(State.RUNNING)
    event = notice(job.job_id, 1, failed="crashed")
    body = json.loads(event["Records"][0]["Sns"]["Message"]) | {"invocationStatus": status} | changes
    event["Records"][0]["Sns"]["Message"] = json.dumps(body)
    for _ in range(2):
        finished.handler(event, context)
    assert now(store, job).state is State.QUEUED
    assert queues.sent() == [(job.job_id, 2)]


def test_a_completed_outcome_is_read_though_other_fields_of_its_notice_are_null(
    store: JobStore, job_in: JobIn, bucket: S3Client, context: Any
) -> None:
    job = job_in(State.RUNNING)
    key = f"outcomes/{job.job_id}-1.out"
    bucket.put_object(Bucket="bucket", Key=key, Body=completed(job).model_dump_json().encode())
    event = notice(job.job_id, 1, key=key)
    body = json.loads(event["Records"][0]["Sns"]["Message"]) | {"failureReason": None, "eventTime": None}
    event["Records"][0]["Sns"]["Message"] = json.dumps(body)
    finished.handler(event, context)
    assert now(store, job).state is State.COMPLETED
