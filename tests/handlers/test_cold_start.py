"""Cold starts: a dispatched job's message has the reason of its wait and the estimated time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from cloud import clients
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.invocation import inference_id
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from handlers import dispatch, finished
from handlers.endpoint.cold_start import (
    BUDGET_SPENT_MESSAGE,
    CLAIM_SECONDS,
    KEPT_DURATIONS,
    UNKNOWN_WAIT_MESSAGE,
    ColdStartStore,
)
from handlers.endpoint.gpu_spend import GpuSpend, GpuSpendStore
from handlers.endpoint.outcome_processor import AsyncInferenceNotification
from tests.handlers.conftest import SOCKETS

ENDPOINT = "endpoint"
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC).timestamp()
WAITING = "Waiting for a machine"
MINUTE = 60.0
DAY = timedelta(days=1).total_seconds()

pytestmark = pytest.mark.usefixtures("environment")


class SageMaker:
    """Fake of the control plane and the runtime, with a number of instances; counts descriptions of the endpoint."""

    instances = 0
    describe_calls = 0
    unreachable = False

    def describe_endpoint(self, **_: Any) -> dict[str, Any]:
        self.describe_calls += 1
        if self.unreachable:
            raise ConnectTimeoutError(endpoint_url="https://api.sagemaker")
        return {"ProductionVariants": [{"VariantName": "gpu", "CurrentInstanceCount": self.instances}]}

    def invoke_endpoint_async(self, **call: Any) -> dict[str, Any]:
        return {"InferenceId": call["InferenceId"]}


class Clock:
    """Clock that a test sets."""

    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> SageMaker:
    fake = SageMaker()
    monkeypatch.setattr("cloud.clients.sagemaker", lambda _config: fake)
    monkeypatch.setattr("cloud.clients.sagemaker_runtime", lambda: fake)
    return fake


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.time", clock)
    return clock


@pytest.fixture
def dispatched(
    sagemaker: SageMaker, job_in: Callable[..., JobRecord], store: JobStore, sqs_event: Any, context: Any
) -> Any:
    """Dispatches a new job at the clock's time and returns its record."""

    def do() -> JobRecord:
        job = job_in(State.QUEUED)
        dispatch.handler(sqs_event({"job_id": job.job_id, "attempt": 1}), context)
        now = store.get(job.job_id)
        assert now is not None
        return now

    return do


@pytest.fixture
def finish(store: JobStore) -> Callable[..., None]:
    """Starts a job at the clock's time, and delivers the notice that its invocation failed."""

    def do(job: JobRecord, *, notices: int = 1) -> None:
        store.start(job.job_id, job.attempt, message="Starting")
        notice = AsyncInferenceNotification.model_validate(
            {"inferenceId": inference_id(job.job_id, job.attempt), "invocationStatus": "Failed"}
        )
        for _ in range(notices):
            finished._processor().process(notice)

    return do


@pytest.fixture
def cold_starts() -> ColdStartStore:
    return ColdStartStore(SOCKETS, ENDPOINT, clients.dynamodb())


@pytest.fixture
def measure_cold_start(sagemaker: SageMaker, clock: Clock, dispatched: Any, finish: Any) -> Callable[[float], None]:
    """Measures a cold start of some seconds; hours later the endpoint has no instance again."""

    def do(seconds: float) -> None:
        sagemaker.instances = 0
        clock.now += 3600
        job = dispatched()
        clock.now += seconds
        finish(job)
        clock.now += 3600

    return do


def start_new_process() -> None:
    """Replace the function's process by a new one without a snapshot."""
    dispatch._dispatcher.cache_clear()


def test_a_running_instance_gives_no_wait_estimate(sagemaker: SageMaker, clock: Clock, dispatched: Any) -> None:
    sagemaker.instances = 1
    assert dispatched().message == WAITING


def test_the_first_cold_start_has_an_unknown_wait(sagemaker: SageMaker, clock: Clock, dispatched: Any) -> None:
    job = dispatched()
    assert (job.state, job.message) == (State.DISPATCHED, UNKNOWN_WAIT_MESSAGE)


def test_the_estimate_is_the_median_of_earlier_cold_starts(measure_cold_start: Any, dispatched: Any) -> None:
    for minutes in (4, 30, 3.9):
        measure_cold_start(minutes * MINUTE)
    assert "ready in about 4 minutes" in dispatched().message


def test_only_the_newest_durations_are_kept(measure_cold_start: Any, cold_starts: ColdStartStore) -> None:
    for seconds in range(100, 100 + KEPT_DURATIONS + 3):
        measure_cold_start(seconds)
    assert cold_starts.get().seconds == tuple(range(103, 103 + KEPT_DURATIONS))


def test_a_later_job_is_told_the_remaining_wait(measure_cold_start: Any, dispatched: Any, clock: Clock) -> None:
    measure_cold_start(6 * MINUTE)
    dispatched()
    clock.now += 4 * MINUTE
    assert "ready in about 2 minutes" in dispatched().message
    clock.now += 3 * MINUTE
    assert "longer than the last times" in dispatched().message


def test_jobs_during_a_cold_start_are_not_measured(
    dispatched: Any, finish: Any, clock: Clock, sagemaker: SageMaker, cold_starts: ColdStartStore
) -> None:
    first = dispatched()
    clock.now += 4 * MINUTE
    late, later = dispatched(), dispatched()
    start_new_process()
    latest = dispatched()
    clock.now += MINUTE
    for job in (latest, later, first, late):
        finish(job)
    assert cold_starts.get().seconds == (5 * MINUTE,)


def test_a_duplicate_notice_is_measured_once(
    dispatched: Any, finish: Any, clock: Clock, cold_starts: ColdStartStore
) -> None:
    job = dispatched()
    clock.now += 4 * MINUTE
    finish(job, notices=3)
    assert cold_starts.get().seconds == (4 * MINUTE,)


def test_a_second_start_of_an_attempt_does_not_lengthen_its_wait(
    dispatched: Any, finish: Any, clock: Clock, store: JobStore, cold_starts: ColdStartStore
) -> None:
    job = dispatched()
    clock.now += 4 * MINUTE
    store.start(job.job_id, 1, message="Starting")
    clock.now += MINUTE
    finish(job)
    assert cold_starts.get().seconds == (4 * MINUTE,)


def test_another_attempt_claims_no_cold_start(dispatched: Any, finish: Any, clock: Clock, store: JobStore) -> None:
    job = dispatched()
    finish(job)
    again = store.dispatch(job.job_id, 2, due_at=0)
    assert again is not None
    assert (again.waking_since, again.started_at, again.message) == (None, None, WAITING)


def test_one_of_two_concurrent_claims_is_measured(
    dispatched: Any, finish: Any, clock: Clock, cold_starts: ColdStartStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = ColdStartStore.claim
    jobs = []

    def interrupted(self: ColdStartStore, *claimed: Any) -> bool:
        monkeypatch.setattr(ColdStartStore, "claim", claim)
        start_new_process()
        jobs.append(dispatched())
        return claim(self, *claimed)

    monkeypatch.setattr(ColdStartStore, "claim", interrupted)
    jobs.append(dispatched())
    assert {job.message for job in jobs} == {UNKNOWN_WAIT_MESSAGE}
    clock.now += MINUTE
    for job in jobs:
        finish(job)
    assert len(cold_starts.get().seconds) == 1


def test_a_message_that_dispatches_nothing_claims_no_cold_start(
    dispatched: Any, finish: Any, clock: Clock, cold_starts: ColdStartStore, sqs_event: Any, context: Any
) -> None:
    dispatch.handler(sqs_event({"job_id": "0" * 32, "attempt": 1}), context)
    clock.now += MINUTE
    job = dispatched()
    clock.now += 4 * MINUTE
    finish(job)
    assert cold_starts.get().seconds == (4 * MINUTE,)


def test_the_claim_of_a_cancelled_job_expires(
    measure_cold_start: Any, dispatched: Any, store: JobStore, clock: Clock
) -> None:
    measure_cold_start(4 * MINUTE)
    job = dispatched()
    store.cancel(job.job_id, job.owner, ErrorDetail(code=ErrorCode.CANCELLED, message="no"))
    clock.now += CLAIM_SECONDS
    assert "ready in about 4 minutes" in dispatched().message


@pytest.mark.parametrize("instances", [0, 1])
def test_the_endpoint_is_described_at_a_limited_rate(
    sagemaker: SageMaker, clock: Clock, dispatched: Any, instances: int
) -> None:
    sagemaker.instances = instances
    for _ in range(4):
        dispatched()
        clock.now += 3
    assert sagemaker.describe_calls == 1
    clock.now += 3
    dispatched()
    assert sagemaker.describe_calls == 2


def test_an_unreachable_control_plane_delays_no_job(sagemaker: SageMaker, clock: Clock, dispatched: Any) -> None:
    sagemaker.unreachable = True
    for _ in range(3):
        job = dispatched()
        assert (job.state, job.message) == (State.DISPATCHED, WAITING)
    assert sagemaker.describe_calls == 1


@pytest.mark.parametrize("instances", [0, 1])
def test_a_stopped_endpoint_starts_again_at_midnight(
    sagemaker: SageMaker, clock: Clock, dispatched: Any, instances: int
) -> None:
    sagemaker.instances = instances
    spend_store = GpuSpendStore(SOCKETS, ENDPOINT, clients.dynamodb())
    spend_store.replace(None, GpuSpend(day=int(NOON // DAY), usd=100, counted_until=NOON, instances=1, stopped=True))
    job = dispatched()
    assert (job.message, job.waking_since) == (BUDGET_SPENT_MESSAGE, None)
    clock.now += DAY / 2
    assert dispatched().message == (WAITING if instances else UNKNOWN_WAIT_MESSAGE)


def test_a_day_below_the_limit_has_no_message(sagemaker: SageMaker, clock: Clock, dispatched: Any) -> None:
    sagemaker.instances = 1
    spend_store = GpuSpendStore(SOCKETS, ENDPOINT, clients.dynamodb())
    spend_store.replace(None, GpuSpend(day=int(NOON // DAY), usd=99, counted_until=NOON, instances=1))
    assert dispatched().message == WAITING


def test_measurements_are_not_in_the_public_job(dispatched: Any, clock: Clock, finish: Any, store: JobStore) -> None:
    job = dispatched()
    clock.now += MINUTE
    finish(job)
    now = store.get(job.job_id)
    assert now is not None
    assert now.waking_since == NOON
    assert not {"waking_since", "started_at"} & set(now.public(str).model_dump())
    client: Any = clients.dynamodb()
    for index in ("by_connection", "due"):
        assert client.scan(TableName=SOCKETS, IndexName=index)["Items"] == []
