"""Dispatcher: each queue message becomes exactly one invocation of the endpoint."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.session import Session
from mypy_boto3_s3 import S3Client

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import InspectedUpload, JobStore
from cloud.invocation import MAX_INLINE_BYTES, Invocation, inference_id
from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import MAX_ATTEMPTS, State
from handlers import dispatch
from handlers.endpoint import gpu_lane

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]


class FakeEndpoint:
    """Fake SageMaker runtime that records invocations; may be unreachable, or not know the endpoint."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.reachable = True
        self.exists = True
        self.takes_bodies = True

    def invoke_endpoint_async(self, **call: Any) -> dict[str, Any]:
        if not self.reachable:
            raise EndpointConnectionError(endpoint_url="https://runtime.sagemaker")
        if not self.exists:
            text = f"Endpoint {call['EndpointName']} of account 123456789012 not found."
            raise ClientError({"Error": {"Code": "ValidationError", "Message": text}}, "InvokeEndpointAsync")
        if "Body" in call and not self.takes_bodies:
            error = {"Code": "ValidationError", "Message": "InputLocation is required."}
            raise ClientError({"Error": error}, "InvokeEndpointAsync")
        self.calls.append(call)
        return {"InferenceId": call["InferenceId"]}

    def invoked(self) -> list[str]:
        return [call["InferenceId"] for call in self.calls]


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> FakeEndpoint:
    fake = FakeEndpoint()
    monkeypatch.setattr("cloud.clients.sagemaker_runtime", lambda: fake)
    return fake


@pytest.fixture
def deliver(context: Any, sqs_event: Any) -> Callable[..., Any]:
    def do(*bodies: Any, times: int = 1) -> Any:
        return dispatch.handler(sqs_event(*bodies, times=times), context)

    return do


def message(job: JobRecord, attempt: int = 1) -> dict[str, Any]:
    return {"job_id": job.job_id, "attempt": attempt}


def test_an_invocation_has_everything_that_the_container_needs(
    store: JobStore, job_in: JobIn, deliver: Any, endpoint: FakeEndpoint
) -> None:
    job = job_in(State.QUEUED)
    assert deliver(message(job)) == {"batchItemFailures": []}
    (call,) = endpoint.calls
    assert call["InferenceId"] == inference_id(job.job_id, 1)
    invocation = Invocation.model_validate_json(call["Body"])
    assert (invocation.job_id, invocation.attempt, invocation.engine, invocation.params) == (
        job.job_id,
        1,
        Engine.PREVIEW,
        {"style": "scandinavian", "strength": 0.75},  # without the default seed
    )
    assert invocation.uploads == {"photo": f"uploads/{job.job_id}/photo"}
    now = store.get(job.job_id)
    assert now is not None
    assert (now.state, now.attempt) == (State.DISPATCHED, 1)
    assert now.due_at is not None
    assert now.due_at > invocation.deadline.timestamp()
    assert invocation.time_limit_seconds == 900


def test_the_container_is_told_which_file_was_inspected(
    store: JobStore, record: Callable[..., JobRecord], deliver: Any, endpoint: FakeEndpoint
) -> None:
    job = store.create(record())
    inspected = InspectedUpload("image/jpeg", 640, 480, 1234, etag='"1b2c"')
    store.receive_single_upload(job.job_id, "photo", inspected, due_at=0)
    deliver(message(job))
    (call,) = endpoint.calls
    assert Invocation.model_validate_json(call["Body"]).etags == {"photo": '"1b2c"'}


def invocation_of_bytes(job_in: JobIn, deliver: Any, endpoint: FakeEndpoint, size: int) -> tuple[JobRecord, Any]:
    """Dispatch a job whose invocation has ``size`` bytes; return the job and the call."""
    job = job_in(State.QUEUED, params={"style": "boho", "seed": 1, "notes": ""})
    deliver(message(job))
    rest = size - len(endpoint.calls.pop()["Body"])
    job = job_in(State.QUEUED, params={"style": "boho", "seed": 1, "notes": "x" * rest})
    deliver(message(job))
    (call,) = endpoint.calls
    return job, call


def test_an_invocation_of_the_longest_body_is_sent_with_the_call(
    job_in: JobIn, deliver: Any, endpoint: FakeEndpoint, bucket: S3Client
) -> None:
    job, call = invocation_of_bytes(job_in, deliver, endpoint, MAX_INLINE_BYTES)
    assert len(call["Body"]) == MAX_INLINE_BYTES
    assert "InputLocation" not in call, "SageMaker refuses a call with both"
    assert bucket.list_objects_v2(Bucket="bucket", Prefix="invocations/")["KeyCount"] == 0
    assert Invocation.model_validate_json(call["Body"]).job_id == job.job_id


def test_a_larger_invocation_is_stored_for_the_endpoint(
    job_in: JobIn, deliver: Any, endpoint: FakeEndpoint, bucket: S3Client
) -> None:
    job, call = invocation_of_bytes(job_in, deliver, endpoint, MAX_INLINE_BYTES + 1)
    key = f"invocations/{job.job_id}/1.json"
    assert call["InputLocation"] == f"s3://bucket/{key}"
    assert "Body" not in call
    stored = bucket.get_object(Bucket="bucket", Key=key)["Body"].read()
    assert len(stored) == MAX_INLINE_BYTES + 1
    assert Invocation.model_validate_json(stored).job_id == job.job_id


def test_an_invocation_is_stored_where_the_endpoint_takes_no_body(
    store: JobStore, job_in: JobIn, deliver: Any, endpoint: FakeEndpoint, bucket: S3Client
) -> None:
    endpoint.takes_bodies = False
    job = job_in(State.QUEUED)
    deliver(message(job))
    key = f"invocations/{job.job_id}/1.json"
    assert [call["InputLocation"] for call in endpoint.calls] == [f"s3://bucket/{key}"]
    stored = bucket.get_object(Bucket="bucket", Key=key)["Body"].read()
    assert Invocation.model_validate_json(stored).job_id == job.job_id
    now = store.get(job.job_id)
    assert now is not None
    assert (now.state, now.attempt) == (State.DISPATCHED, 1)


def test_the_longest_body_is_that_of_awss_model() -> None:
    model = Session().get_service_model("sagemaker-runtime").operation_model("InvokeEndpointAsync")
    assert model.input_shape.members["Body"].metadata["max"] == MAX_INLINE_BYTES


def test_a_duplicate_message_starts_one_attempt(job_in: JobIn, deliver: Any, endpoint: FakeEndpoint) -> None:
    job = job_in(State.QUEUED)
    deliver(message(job), message(job))
    deliver(message(job))
    assert endpoint.invoked() == [inference_id(job.job_id, 1)]


def test_a_redelivered_message_of_an_interrupted_dispatch_starts_the_attempt(
    job_in: JobIn, deliver: Any, endpoint: FakeEndpoint
) -> None:
    job = job_in(State.DISPATCHED)
    deliver(message(job), times=2)
    assert endpoint.invoked() == [inference_id(job.job_id, 1)]


@pytest.mark.parametrize("state", [State.AWAITING_UPLOAD, State.RUNNING])
def test_a_message_for_a_job_that_is_not_queued_does_nothing(
    store: JobStore, job_in: JobIn, deliver: Any, endpoint: FakeEndpoint, state: State
) -> None:
    job = job_in(state)
    assert deliver(message(job), message(job, 2), times=2) == {"batchItemFailures": []}
    assert endpoint.invoked() == []
    assert store.get(job.job_id) == job


def test_a_cancelled_job_is_not_invoked(store: JobStore, job_in: JobIn, deliver: Any, endpoint: FakeEndpoint) -> None:
    job = job_in(State.QUEUED)
    store.cancel(job.job_id, job.owner, ErrorDetail(code=ErrorCode.CANCELLED, message="no"))
    deliver(message(job), times=2)
    assert endpoint.invoked() == []


def test_a_message_of_an_earlier_attempt_does_nothing(
    store: JobStore, job_in: JobIn, deliver: Any, endpoint: FakeEndpoint
) -> None:
    job = job_in(State.DISPATCHED)
    store.requeue(job.job_id, 1, due_at=0, message="again")
    deliver(message(job, 1))
    assert endpoint.invoked() == []
    deliver(message(job, 2))
    assert endpoint.invoked() == [inference_id(job.job_id, 2)]


def test_an_unreachable_endpoint_fails_the_job_after_three_attempts(
    store: JobStore, job_in: JobIn, deliver: Any, endpoint: FakeEndpoint, queues: Any
) -> None:
    endpoint.reachable = False
    job = job_in(State.QUEUED)
    messages = [(job.job_id, 1)]
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert messages == [(job.job_id, attempt)]
        assert deliver(message(job, attempt)) == {"batchItemFailures": []}
        messages = queues.sent()
    assert messages == []
    now = store.get(job.job_id)
    assert now is not None
    assert now.error is not None
    assert (now.state, now.error.code, now.attempt) == (State.FAILED, "endpoint_unavailable", MAX_ATTEMPTS)
    assert queues.dead_letters() == [job.job_id]


def test_an_endpoint_that_is_reachable_again_gets_the_next_attempt(
    store: JobStore, job_in: JobIn, deliver: Any, endpoint: FakeEndpoint, queues: Any
) -> None:
    job = job_in(State.QUEUED)
    endpoint.reachable = False
    deliver(message(job))
    endpoint.reachable = True
    ((_, attempt),) = queues.sent()
    deliver(message(job, attempt))
    assert endpoint.invoked() == [inference_id(job.job_id, 2)]
    assert queues.dead_letters() == []


def test_a_job_waits_for_an_endpoint_that_is_not_deployed_yet(
    store: JobStore, job_in: JobIn, deliver: Any, endpoint: FakeEndpoint, queues: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_lane, "ABSENT_ENDPOINT_DELAY_SECONDS", 0)
    endpoint.exists = False
    job = job_in(State.QUEUED)
    for _ in range(2 * MAX_ATTEMPTS):
        assert deliver(message(job), times=2) == {"batchItemFailures": []}
        assert queues.sent() == [(job.job_id, 1)]
    now = store.get(job.job_id)
    assert now is not None
    assert (now.state, now.attempt, now.error) == (State.QUEUED, 0, None)
    assert now.message == gpu_lane.ABSENT_ENDPOINT_MESSAGE
    endpoint.exists = True
    deliver(message(job))
    assert endpoint.invoked() == [inference_id(job.job_id, 1, 2 * MAX_ATTEMPTS)]


def test_a_job_that_has_waited_too_long_for_its_endpoint_fails(
    store: JobStore, job_in: JobIn, deliver: Any, endpoint: FakeEndpoint, queues: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUEUE_LIMIT_SECONDS", "59")
    endpoint.exists = False
    job = job_in(State.QUEUED)
    deliver(message(job))
    now = store.get(job.job_id)
    assert now is not None
    assert now.error is not None
    assert (now.state, now.error.code, now.error.retryable) == (State.FAILED, "endpoint_unavailable", True)
    assert (queues.sent(), queues.dead_letters()) == ([], [job.job_id])


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", json.dumps({"job_id": "x", "attempt": 1}), '{"job_id": "0", "attempt": 9}']
)
def test_a_malformed_message_is_redelivered_and_delays_no_other(
    job_in: JobIn, deliver: Any, endpoint: FakeEndpoint, body: str
) -> None:
    job = job_in(State.QUEUED)
    assert deliver(body, message(job)) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert endpoint.invoked() == [inference_id(job.job_id, 1)]
