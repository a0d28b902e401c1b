"""Core and container of different versions: a refused job waits for a container that can do it."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client

from cloud import clients
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.invocation import Failed, inference_id
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from handlers import dispatch, finished
from handlers.jobs import retry
from tests.handlers.calls import Call
from tests.handlers.test_dispatch import FakeEndpoint

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]
Refuse = Callable[..., JobRecord]
REFUSAL = ErrorDetail(code=ErrorCode.UNKNOWN_TO_VERSION, message="It does not know params.sparkle.", retryable=True)
HOUR = 3600.0


@pytest.fixture
def refuse(bucket: S3Client, store: JobStore, context: Any, monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Delivers the refusal of an invocation, some seconds from now; ``reason``: as containers of 0.1.0 refuse."""
    real = time.time

    def do(
        job: JobRecord, refusals: int = 0, *, later: float = 0, times: int = 1, reason: str | None = None
    ) -> JobRecord:
        name = inference_id(job.job_id, 1, refusals)
        notice: dict[str, Any] = {"inferenceId": name, "invocationStatus": "Completed"}
        if reason is None:
            outcome = Failed(job_id=job.job_id, attempt=1, error=REFUSAL)
            bucket.put_object(Bucket="bucket", Key=f"outcomes/{name}.out", Body=outcome.model_dump_json().encode())
            notice["responseParameters"] = {"outputLocation": f"s3://bucket/outcomes/{name}.out"}
        else:
            notice |= {"invocationStatus": "Failed", "failureReason": reason}
        with monkeypatch.context() as patch:
            patch.setattr("handlers.jobs.retry.time.time", lambda: real() + later)
            for _ in range(times):
                finished.handler({"Records": [{"Sns": {"Message": json.dumps(notice)}}]}, context)
        found = store.get(job.job_id)
        assert found is not None
        return found

    return do


def dispatch_again(store: JobStore, job: JobRecord) -> None:
    assert store.dispatch(job.job_id, 1, due_at=0) is not None


@pytest.mark.parametrize(
    "reason",
    [
        None,
        "ClientError: Received server error (400) from model.",
        "Received client error (400) from model. See the log.",
    ],
)
def test_a_refused_job_waits_without_losing_an_attempt(
    job_in: JobIn, refuse: Refuse, queues: Any, reason: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "REFUSAL_DELAY_SECONDS", 0)
    job = job_in(State.DISPATCHED)
    waiting = refuse(job, times=3, reason=reason)
    assert (waiting.state, waiting.attempt, waiting.refusals, waiting.cost_usd) == (State.QUEUED, 0, 1, None)
    assert waiting.seq == job.seq + 1
    assert waiting.message.startswith("Waiting for a machine of a newer version: ")
    # The next message asks for the same attempt again.
    assert queues.sent() == [(job.job_id, 1)]
    assert queues.dead_letters() == []


@pytest.fixture
def answer_400(bucket: S3Client, store: JobStore, context: Any) -> Callable[..., JobRecord]:
    """Delivers the notice of a container's 400 twice; the answer named these fields (None: the answer is gone)."""

    def do(job: JobRecord, fields: dict[str, str] | None) -> JobRecord:
        key = f"outcomes/failures/{job.job_id}-error.out"
        if fields is not None:
            errors = [{"field": field, "message": message} for field, message in fields.items()]
            problem = {"status": 400, "code": "invalid_request", "detail": "The body is not an invocation."}
            bucket.put_object(Bucket="bucket", Key=key, Body=json.dumps(problem | {"errors": errors}).encode())
        notice = {
            "inferenceId": inference_id(job.job_id, 1),
            "invocationStatus": "Failed",
            "failureReason": "ClientError: Received server error (400) from model.",
            "responseParameters": {"outputLocation": f"s3://bucket/{key}"},
        }
        for _ in range(2):
            finished.handler({"Records": [{"Sns": {"Message": json.dumps(notice)}}]}, context)
        found = store.get(job.job_id)
        assert found is not None
        return found

    return do


@pytest.mark.parametrize(
    "fields",
    [
        {"deadline": "Field required"},
        {"": "Invalid JSON"},
        {"params.style": "unknown", "attempt": "Input should be a valid integer"},
    ],
)
def test_an_invocation_that_no_container_can_read_fails_the_job_at_once(
    job_in: JobIn, answer_400: Callable[..., JobRecord], queues: Any, fields: dict[str, str]
) -> None:
    job = job_in(State.DISPATCHED)
    end = answer_400(job, fields)
    assert end.error is not None
    assert (end.state, end.error.code, end.error.retryable) == (State.FAILED, "unknown_to_version", False)
    assert (end.attempt, end.seq) == (1, job.seq + 1)
    assert all(f"{field}: {message}" in end.message for field, message in fields.items())
    assert (queues.sent(), queues.dead_letters()) == ([], [])


@pytest.mark.parametrize("fields", [{"sparkle": "Extra inputs are not permitted"}, {"kind": "Input should be …"}, None])
def test_what_a_container_of_0_1_0_does_not_know_waits_and_is_named(
    job_in: JobIn, answer_400: Callable[..., JobRecord], fields: dict[str, str] | None
) -> None:
    waiting = answer_400(job_in(State.DISPATCHED), fields)
    assert (waiting.state, waiting.attempt, waiting.refusals) == (State.QUEUED, 0, 1)
    assert all(field in waiting.message for field in fields or {})


def test_the_message_of_a_waiting_job_says_what_is_unknown(job_in: JobIn, refuse: Refuse) -> None:
    assert refuse(job_in(State.DISPATCHED)).message.endswith("It does not know params.sparkle.")


def test_a_late_duplicate_of_a_refusal_does_not_stop_the_next_invocation(
    store: JobStore, job_in: JobIn, refuse: Refuse
) -> None:
    job = job_in(State.DISPATCHED)
    refuse(job)
    dispatch_again(store, job)
    again = refuse(job)
    assert (again.state, again.attempt, again.refusals) == (State.DISPATCHED, 1, 1)
    assert refuse(job, 1).refusals == 2


def test_a_job_refused_for_too_long_fails(store: JobStore, job_in: JobIn, refuse: Refuse, queues: Any) -> None:
    job = job_in(State.DISPATCHED)
    refuse(job)
    dispatch_again(store, job)
    assert refuse(job, 1, later=5 * HOUR).state is State.QUEUED
    dispatch_again(store, job)
    end = refuse(job, 2, later=6 * HOUR, times=2)
    assert end.error is not None
    assert (end.state, end.error.code, end.error.retryable) == (State.FAILED, "unknown_to_version", True)
    assert queues.dead_letters() == [job.job_id]


def test_refusals_space_out_up_to_the_longest_delay_of_the_queue(
    store: JobStore, job_in: JobIn, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays: list[int] = []
    monkeypatch.setattr("cloud.job_queue.JobQueue.send", lambda _queue, _record, delay=0: delays.append(delay))
    job = job_in(State.DISPATCHED)
    for number in range(6):
        refuse(job, number)
        dispatch_again(store, job)
    assert delays == [60, 120, 240, 480, 900, 900]


def test_an_invocation_has_only_params_that_differ_from_their_defaults(
    job_in: JobIn, context: Any, sqs_event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = FakeEndpoint()
    monkeypatch.setattr("cloud.clients.sagemaker_runtime", lambda: endpoint)
    params = {"style": "boho", "strength": 1.0, "seed": 7, "keep": [], "format": "jpeg", "profile": "fast"}
    job = job_in(State.QUEUED, params=params)
    dispatch.handler(sqs_event({"job_id": job.job_id, "attempt": 1, "kind": job.kind}), context)
    (call,) = endpoint.calls
    assert json.loads(call["Body"])["params"] == {"style": "boho", "seed": 7}


def test_an_invocation_after_a_refusal_has_an_id_of_its_own(
    job_in: JobIn, refuse: Refuse, context: Any, sqs_event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = FakeEndpoint()
    monkeypatch.setattr("cloud.clients.sagemaker_runtime", lambda: endpoint)
    job = refuse(job_in(State.DISPATCHED))
    dispatch.handler(sqs_event({"job_id": job.job_id, "attempt": 1, "kind": job.kind}), context)
    assert endpoint.invoked() == [f"{job.job_id}-1.1"]


def test_a_request_repeated_after_an_upgrade_creates_nothing_new(call: Call) -> None:
    body = {"kind": "upscale", "uploads": {"photo": {"content_type": "image/jpeg"}}}
    headers = {"idempotency-key": "once"}
    first = call("POST", "/jobs", body, headers=headers)
    job_id = first.body["job"]["job_id"]
    # The version before knew fewer fields, so its digest of all of them is another one.
    client: Any = clients.dynamodb()
    client.update_item(
        TableName="jobs",
        Key={"job_id": {"S": job_id}},
        UpdateExpression="SET request_digest = :digest",
        ExpressionAttributeValues={":digest": {"S": "of fewer fields"}},
    )
    again = call("POST", "/jobs", body, headers=headers)
    assert (first.status, again.status, again.body["job"]["job_id"]) == (201, 200, job_id)
    call("POST", "/jobs", {**body, "params": {"scale": 3}}, headers=headers).problem(422, "idempotency_mismatch")
