"""Measured times: how long a component took to answer, an attempt ran, a refusal waits, and a marker is kept."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.ledger import Ledger
from cloud.job_queue import JobQueue
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from handlers import ended
from handlers.endpoint.health import HealthCheck
from handlers.jobs.retry import RetryPolicy
from handlers.settings.api import ApiSettings
from handlers.settings.retry import RetrySettings
from tests.handlers.fixed_clock import NOW, stop_clock

pytestmark = pytest.mark.usefixtures("environment")
DAY = 86_400
JobIn = Callable[..., JobRecord]
CRASH = ErrorDetail(code=ErrorCode.CONTAINER_FAILED, message="It crashed.", retryable=True)
UNKNOWN = ErrorDetail(code=ErrorCode.UNKNOWN_TO_VERSION, message="It is new.", retryable=True)


class Answering:
    """Every component, which answers at once; ``status`` is that of the endpoint."""

    def __init__(self, status: str) -> None:
        self.status = status
        self.calls: list[dict[str, Any]] = []

    def describe_endpoint(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        return {"EndpointStatus": self.status}

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda **call: self.calls.append(call)


@pytest.mark.parametrize(
    ("status", "well"),
    [
        ("InService", "ok"),
        ("Updating", "ok"),
        ("SystemUpdating", "ok"),
        ("Creating", "down"),
        ("Failed", "down"),
    ],
)
def test_a_health_check_tells_how_long_each_component_took(status: str, well: str) -> None:
    components: Any = Answering(status)
    check = HealthCheck(ApiSettings.read(), *[components] * 5)
    started = time.perf_counter()
    health = check.check()
    taken = (time.perf_counter() - started) * 1000
    assert {name: part.status for name, part in health.parts.items()} == {
        "table": "ok",
        "bucket": "ok",
        "queue": "ok",
        "endpoint": well,
    }
    assert (health.status, health.parts["endpoint"].reason) == (well, None if well == "ok" else status)
    assert all(0 <= part.milliseconds <= taken + 0.1 for part in health.parts.values())
    asked = {name: value for call in components.calls for name, value in call.items()}
    assert (asked["TableName"], asked["Bucket"], asked["EndpointName"]) == ("jobs", "bucket", "endpoint")


def test_an_ended_job_is_marked_for_a_week_which_is_longer_than_the_stream_keeps_it(
    record: Callable[..., JobRecord], ledger: Ledger, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bus:
        def put_events(self, **_call: Any) -> dict[str, Any]:
            return {"FailedEntryCount": 0}

    stop_clock(monkeypatch)
    monkeypatch.setattr("cloud.clients.eventbridge", Bus)
    job = record(state="failed", due_at=None, error={"code": "internal", "message": "It broke."})
    event = {"Records": [{"eventName": "MODIFY", "dynamodb": {"SequenceNumber": "1", "NewImage": job.to_item()}}]}
    assert ended.handler(event, context) == {"batchItemFailures": []}
    row = ledger.get(f"ended#{job.job_id}", "marker")
    assert row is not None
    assert row["expires_at"] == NOW + 7 * DAY


class Queue:
    """An SQS client that records the delays of messages."""

    def __init__(self) -> None:
        self.delays: list[int] = []

    def send_message(self, *, DelaySeconds: int = 0, **_rest: Any) -> None:  # noqa: N803 - boto3's own name
        self.delays.append(DelaySeconds)


def policy(store: JobStore, queue: Any, **settings: float) -> RetryPolicy:
    given: dict[str, Any] = {"queue_seconds": 77, "invocation_seconds": 100, "instance_usd_per_hour": 3.6, **settings}
    made = RetrySettings(jobs_table="jobs", queue_url="queue", dead_letter_queue_url="dead", **given)
    return RetryPolicy(made, store, JobQueue(queue, "queue", "dead"))


def test_a_refused_job_waits_a_minute_and_twice_as_long_each_time_up_to_a_quarter_of_an_hour(
    store: JobStore, job_in: JobIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_clock(monkeypatch)
    queue = Queue()
    retry = policy(store, queue, queue_limit_seconds=21_600)
    job = job_in(State.QUEUED)
    for refusals, delay in enumerate((60, 120, 240, 480, 900, 900)):
        assert store.dispatch(job.job_id, 1, due_at=0.0) is not None
        waiting = retry.defer_or_fail(job.job_id, 1, refusals, UNKNOWN)
        assert waiting is not None
        assert (waiting.state, waiting.attempt, waiting.refusals) == (State.QUEUED, 0, refusals + 1)
        assert waiting.due_at == NOW + delay + 77
        assert waiting.message == "Waiting for a machine of a newer version: It is new."
    assert queue.delays == [60, 120, 240, 480, 900, 900]


@pytest.mark.parametrize(("limit", "state"), [(60, State.QUEUED), (59, State.FAILED)])
def test_a_job_fails_when_its_next_try_would_be_too_late(
    store: JobStore, job_in: JobIn, monkeypatch: pytest.MonkeyPatch, limit: int, state: State
) -> None:
    stop_clock(monkeypatch)
    queue = Queue()
    job = job_in(State.DISPATCHED)
    updated = policy(store, queue, queue_limit_seconds=limit).defer_or_fail(job.job_id, 1, 0, UNKNOWN)
    assert updated is not None
    assert updated.state is state
    assert len(queue.delays) == 1, "its next message, or its dead letter"


@pytest.mark.parametrize(("ran", "charged"), [(0, 0.0), (40, 0.04), (100, 0.1), (500, 0.1)])
def test_a_lost_attempt_is_charged_its_time_up_to_its_limit(
    store: JobStore, job_in: JobIn, monkeypatch: pytest.MonkeyPatch, ran: int, charged: float
) -> None:
    stop_clock(monkeypatch)
    job = job_in(State.RUNNING)
    stop_clock(monkeypatch, NOW + ran)
    updated = policy(store, Queue()).retry_or_fail(job.job_id, 1, CRASH)
    assert updated is not None
    assert updated.state is State.QUEUED
    assert updated.cost_usd == pytest.approx(charged)


def test_an_attempt_that_never_started_costs_nothing(store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.DISPATCHED)
    updated = policy(store, Queue()).retry_or_fail(job.job_id, 1, CRASH)
    assert updated is not None
    assert (updated.state, updated.cost_usd) == (State.QUEUED, None)
