"""Absolute times: deadlines, due times and backoff of each function, to the second, with the values of each kind."""

from collections.abc import Callable
from typing import Any

import pytest

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.invocation import Invocation
from cloud.job_queue import JobQueue
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from darkroom.contract.kinds import VIDEO_KINDS, Kind
from handlers import dispatch, sweep
from handlers.jobs.retry import RetryPolicy
from handlers.jobs.service import GRACE_SECONDS
from handlers.settings.retry import RetrySettings
from tests.handlers.calls import Call
from tests.handlers.fixed_clock import NOW, stop_clock
from tests.handlers.uploads import Upload, picture

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]

PASSING = ErrorDetail(code=ErrorCode.OUT_OF_MEMORY, message="The GPU was full.", retryable=True)
UPSCALE: Any = {"kind": "upscale", "uploads": {"photo": {"content_type": "image/jpeg"}}}
GENERATE: Any = {"kind": "generate", "params": {"prompt": "a fox"}, "engine": "models"}


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {
        "QUEUE_SECONDS": 77,
        "RETRY_DELAY_SECONDS": 7,
        "INVOCATION_SECONDS": 100,
        "VIDEO_SECONDS": 1000,
        "INVOCATION_TTL_SECONDS": 400,
        "QUEUE_LIMIT_SECONDS": 5000,
        "UPLOAD_SECONDS": 600,
        "CACHE_DAYS": 0,
    }.items():
        monkeypatch.setenv(name, str(seconds))
    stop_clock(monkeypatch)


class SentMessages:
    """An SQS client that records messages with their delay."""

    def __init__(self) -> None:
        self.delays: list[tuple[str, int]] = []

    def send_message(self, *, QueueUrl: str, DelaySeconds: int = 0, **_rest: Any) -> None:  # noqa: N803 - boto3's own names
        self.delays.append((QueueUrl, DelaySeconds))


class SageMaker:
    """A SageMaker runtime that records its calls."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def invoke_endpoint_async(self, **call: Any) -> None:
        self.calls.append(call)


def due_at(store: JobStore, job_id: str) -> float:
    found = store.get(job_id)
    assert found is not None
    assert found.due_at is not None
    return found.due_at


@pytest.fixture
def sent() -> SentMessages:
    return SentMessages()


@pytest.fixture
def retry(store: JobStore, sent: Any) -> RetryPolicy:
    settings = RetrySettings(
        jobs_table="jobs", queue_url="queue", dead_letter_queue_url="dead", retry_delay_seconds=7, queue_seconds=77
    )
    return RetryPolicy(settings, store, JobQueue(sent, "queue", "dead"))


@pytest.mark.parametrize(("attempt", "delay"), [(1, 7), (2, 14)])
def test_the_backoff_doubles_and_its_message_is_delayed_by_it(
    store: JobStore, job_in: JobIn, retry: RetryPolicy, sent: SentMessages, attempt: int, delay: int
) -> None:
    job = job_in(State.RUNNING, attempt=attempt)
    retry.retry_or_fail(job.job_id, attempt, PASSING)
    assert sent.delays == [("queue", delay)]
    assert due_at(store, job.job_id) == NOW + delay + 77


def test_the_third_attempt_has_no_successor(job_in: JobIn, retry: RetryPolicy, sent: SentMessages) -> None:
    job = job_in(State.RUNNING, attempt=3)
    ended = retry.retry_or_fail(job.job_id, 3, PASSING)
    assert ended is not None
    assert (ended.state, ended.due_at) == (State.FAILED, None)
    assert sent.delays == [("dead", 0)]


@pytest.mark.parametrize("kind", list(Kind))
def test_the_deadline_is_the_longest_wait_and_the_time_limit_of_the_kind(
    store: JobStore,
    job_in: JobIn,
    sqs_event: Any,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
    kind: Kind,
) -> None:
    runtime = SageMaker()
    monkeypatch.setattr("cloud.clients.sagemaker_runtime", lambda: runtime)
    limit = 1000 if kind in ("render_video", "render_scenes") else 100
    job = job_in(State.QUEUED, kind=kind, allow_preview=True)
    assert dispatch.handler(sqs_event({"job_id": job.job_id, "attempt": 1, "kind": kind}), context) == {
        "batchItemFailures": []
    }
    (call,) = runtime.calls
    assert (call["EndpointName"], call["ContentType"]) == ("endpoint", "application/json")
    assert (call["RequestTTLSeconds"], call["InvocationTimeoutSeconds"]) == (400, limit)
    invocation = Invocation.model_validate_json(call["Body"])
    assert invocation.deadline.timestamp() == NOW + 400 + limit
    assert (invocation.kind, invocation.allow_preview) == (kind, True)
    assert due_at(store, job.job_id) == NOW + 400 + limit + 60, "the notice has a minute to arrive"


def test_the_kinds_with_the_long_limit_are_those_that_make_videos() -> None:
    assert set(VIDEO_KINDS) == {Kind.RENDER_VIDEO, Kind.RENDER_SCENES}


def test_uploads_are_awaited_for_as_long_as_their_forms_are_valid(call: Call, store: JobStore) -> None:
    job_id = call("POST", "/jobs", UPSCALE).body["job"]["job_id"]
    assert due_at(store, job_id) == NOW + 600 + GRACE_SECONDS


def test_renewed_uploads_are_awaited_from_then_on(call: Call, store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = call("POST", "/jobs", UPSCALE).body["job"]["job_id"]
    stop_clock(monkeypatch, NOW + 50)
    assert call("POST", f"/jobs/{job_id}/uploads").status == 200
    assert due_at(store, job_id) == NOW + 50 + 600 + GRACE_SECONDS


def test_a_job_without_uploads_is_due_when_its_message_is_lost(call: Call, store: JobStore) -> None:
    job_id = call("POST", "/jobs", GENERATE).body["job"]["job_id"]
    assert due_at(store, job_id) == NOW + 77


def test_an_uploaded_job_is_due_when_its_message_is_lost(call: Call, store: JobStore, upload: Upload) -> None:
    job_id = call("POST", "/jobs", UPSCALE).body["job"]["job_id"]
    upload(f"uploads/{job_id}/photo", picture())
    found = store.get(job_id)
    assert found is not None
    assert found.state is State.QUEUED
    assert found.due_at == NOW + 77


def test_a_job_is_swept_at_its_second_and_not_before(
    store: JobStore, job_in: JobIn, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_in(State.AWAITING_UPLOAD, due_at=NOW)
    for moment, state in ((NOW - 1, State.AWAITING_UPLOAD), (NOW, State.EXPIRED)):
        stop_clock(monkeypatch, moment)
        sweep.handler({"source": "aws.events"}, context)
        found = store.get(job.job_id)
        assert found is not None
        assert found.state is state
        assert found.error is None or found.error.retryable, "the caller may submit it again"


@pytest.mark.parametrize(("waited", "state"), [(5000, State.QUEUED), (5001, State.FAILED)])
def test_a_queued_job_is_resent_until_its_limit(
    store: JobStore,
    job_in: JobIn,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
    queues: Any,
    waited: int,
    state: State,
) -> None:
    job = job_in(State.QUEUED)
    now = job.updated_at.timestamp() + waited
    stop_clock(monkeypatch, now)
    sweep.handler({"source": "aws.events"}, context)
    found = store.get(job.job_id)
    assert found is not None
    assert found.state is state
    if state is State.QUEUED:
        assert found.due_at == pytest.approx(now + 77, abs=0.001)
        assert queues.sent() == [(job.job_id, 1)]
    else:
        assert found.error is not None
        assert found.error.retryable
        assert queues.dead_letters() == [job.job_id]
