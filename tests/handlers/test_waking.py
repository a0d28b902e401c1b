"""Wait estimates: callers are told the reason (a machine, a cold start, or the daily limit) and the expected time."""

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
from tests.handlers.conftest import SOCKETS

ENDPOINT = "endpoint"
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC).timestamp()
WAITING = "Waiting for a machine"
MINUTE = 60.0
DAY = timedelta(days=1).total_seconds()

pytestmark = pytest.mark.usefixtures("environment")


class SageMaker:
    """The control plane and the runtime: says how many instances there are, and counts how often it is asked."""

    def __init__(self) -> None:
        self.instances = 0
        self.asked = 0
        self.silent = False

    def describe_endpoint(self, **_: Any) -> dict[str, Any]:
        self.asked += 1
        if self.silent:
            raise ConnectTimeoutError(endpoint_url="https://api.sagemaker")
        return {"ProductionVariants": [{"VariantName": "gpu", "CurrentInstanceCount": self.instances}]}

    def invoke_endpoint_async(self, **call: Any) -> dict[str, Any]:
        return {"InferenceId": call["InferenceId"]}


class Clock:
    """The time of day, which goes on when told to."""

    def __init__(self) -> None:
        self.now = NOON

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
    """Brings a new job to the endpoint at the clock's time; the job as its owner sees it then."""

    def do() -> JobRecord:
        job = job_in(State.QUEUED)
        dispatch.handler(sqs_event({"job_id": job.job_id, "attempt": 1}), context)
        now = store.get(job.job_id)
        assert now is not None
        return now

    return do


@pytest.fixture
def finish(store: JobStore) -> Callable[..., None]:
    """The container starts a job at the clock's time, and SageMaker tells that it came to nothing."""

    def do(job: JobRecord, *, notices: int = 1) -> None:
        store.start(job.job_id, job.attempt, message="Starting")
        notice = finished.AsyncInferenceNotification.model_validate(
            {"inferenceId": inference_id(job.job_id, job.attempt), "invocationStatus": "Failed"}
        )
        for _ in range(notices):
            finished._processor().process(notice)

    return do


@pytest.fixture
def wakes() -> ColdStartStore:
    return ColdStartStore(SOCKETS, ENDPOINT, clients.dynamodb())


@pytest.fixture
def woken(sagemaker: SageMaker, clock: Clock, dispatched: Any, finish: Any) -> Callable[[float], None]:
    """The endpoint was asleep and woke up in so many seconds; hours later it sleeps again."""

    def do(seconds: float) -> None:
        sagemaker.instances = 0
        clock.now += 3600
        job = dispatched()
        clock.now += seconds
        finish(job)
        clock.now += 3600

    return do


def another_process() -> None:
    """Have the function be a new one, which knows nothing."""
    dispatch._dispatcher.cache_clear()


def test_a_machine_that_is_there_is_waited_for(sagemaker: SageMaker, clock: Clock, dispatched: Any) -> None:
    sagemaker.instances = 1
    assert dispatched().message == WAITING


def test_nobody_knows_how_long_the_first_wake_takes(sagemaker: SageMaker, clock: Clock, dispatched: Any) -> None:
    job = dispatched()
    assert (job.state, job.message) == (State.DISPATCHED, UNKNOWN_WAIT_MESSAGE)


def test_the_next_wake_takes_as_long_as_the_last_ones(woken: Any, dispatched: Any) -> None:
    for minutes in (4, 30, 3.9):
        woken(minutes * MINUTE)
    assert "ready in about 4 minutes" in dispatched().message


def test_only_the_last_wakes_count(woken: Any, wakes: ColdStartStore) -> None:
    for seconds in range(100, 100 + KEPT_DURATIONS + 3):
        woken(seconds)
    assert wakes.get().seconds == tuple(range(103, 103 + KEPT_DURATIONS))


def test_who_comes_later_is_told_what_is_left(woken: Any, dispatched: Any, clock: Clock) -> None:
    woken(6 * MINUTE)
    dispatched()
    clock.now += 4 * MINUTE
    assert "ready in about 2 minutes" in dispatched().message
    clock.now += 3 * MINUTE
    assert "longer than the last times" in dispatched().message


def test_the_rest_of_a_wake_is_not_taken_for_one(
    dispatched: Any, finish: Any, clock: Clock, sagemaker: SageMaker, wakes: ColdStartStore
) -> None:
    first = dispatched()
    clock.now += 4 * MINUTE
    late, later = dispatched(), dispatched()
    another_process()
    latest = dispatched()
    clock.now += MINUTE
    for job in (latest, later, first, late):
        finish(job)
    assert wakes.get().seconds == (5 * MINUTE,)


def test_news_that_come_twice_count_once(dispatched: Any, finish: Any, clock: Clock, wakes: ColdStartStore) -> None:
    job = dispatched()
    clock.now += 4 * MINUTE
    finish(job, notices=3)
    assert wakes.get().seconds == (4 * MINUTE,)


def test_a_second_start_of_one_attempt_does_not_lengthen_its_wait(
    dispatched: Any, finish: Any, clock: Clock, store: JobStore, wakes: ColdStartStore
) -> None:
    job = dispatched()
    clock.now += 4 * MINUTE
    store.start(job.job_id, 1, message="Starting")
    clock.now += MINUTE
    finish(job)
    assert wakes.get().seconds == (4 * MINUTE,)


def test_another_attempt_waits_anew(dispatched: Any, finish: Any, clock: Clock, store: JobStore) -> None:
    job = dispatched()
    finish(job)
    again = store.dispatch(job.job_id, 2, due_at=0)
    assert again is not None
    assert (again.waking_since, again.started_at, again.message) == (None, None, WAITING)


def test_of_two_that_find_it_asleep_at_once_one_is_measured(
    dispatched: Any, finish: Any, clock: Clock, wakes: ColdStartStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = ColdStartStore.claim
    jobs = []

    def interrupted(self: ColdStartStore, *claimed: Any) -> bool:
        monkeypatch.setattr(ColdStartStore, "claim", claim)
        another_process()
        jobs.append(dispatched())
        return claim(self, *claimed)

    monkeypatch.setattr(ColdStartStore, "claim", interrupted)
    jobs.append(dispatched())
    assert {job.message for job in jobs} == {UNKNOWN_WAIT_MESSAGE}
    clock.now += MINUTE
    for job in jobs:
        finish(job)
    assert len(wakes.get().seconds) == 1


def test_a_message_that_begins_nothing_begins_no_wake(
    dispatched: Any, finish: Any, clock: Clock, wakes: ColdStartStore, sqs_event: Any, context: Any
) -> None:
    dispatch.handler(sqs_event({"job_id": "0" * 32, "attempt": 1}), context)
    clock.now += MINUTE
    job = dispatched()
    clock.now += 4 * MINUTE
    finish(job)
    assert wakes.get().seconds == (4 * MINUTE,)


def test_a_wake_whose_job_was_cancelled_is_not_waited_for_forever(
    woken: Any, dispatched: Any, store: JobStore, clock: Clock
) -> None:
    woken(4 * MINUTE)
    job = dispatched()
    store.cancel(job.job_id, job.owner, ErrorDetail(code=ErrorCode.CANCELLED, message="no"))
    clock.now += CLAIM_SECONDS
    assert "ready in about 4 minutes" in dispatched().message


@pytest.mark.parametrize("instances", [0, 1])
def test_it_is_asked_once_in_a_while_however_many_come(
    sagemaker: SageMaker, clock: Clock, dispatched: Any, instances: int
) -> None:
    sagemaker.instances = instances
    for _ in range(4):
        dispatched()
        clock.now += 3
    assert sagemaker.asked == 1
    clock.now += 3
    dispatched()
    assert sagemaker.asked == 2


def test_an_endpoint_that_does_not_say_holds_up_nobody(sagemaker: SageMaker, clock: Clock, dispatched: Any) -> None:
    sagemaker.silent = True
    for _ in range(3):
        job = dispatched()
        assert (job.state, job.message) == (State.DISPATCHED, WAITING)
    assert sagemaker.asked == 1


@pytest.mark.parametrize("instances", [0, 1])
def test_a_day_that_was_too_expensive_ends_at_midnight(
    sagemaker: SageMaker, clock: Clock, dispatched: Any, instances: int
) -> None:
    sagemaker.instances = instances
    spends = GpuSpendStore(SOCKETS, ENDPOINT, clients.dynamodb())
    day = int(NOON // DAY)
    spends.replace(None, GpuSpend(day=day, usd=100, counted_until=NOON, instances=1, stopped=True))
    job = dispatched()
    assert (job.message, job.waking_since) == (BUDGET_SPENT_MESSAGE, None)
    clock.now += DAY / 2
    assert dispatched().message == (WAITING if instances else UNKNOWN_WAIT_MESSAGE)


def test_a_day_that_may_go_on_is_not_told_of(sagemaker: SageMaker, clock: Clock, dispatched: Any) -> None:
    sagemaker.instances = 1
    spends = GpuSpendStore(SOCKETS, ENDPOINT, clients.dynamodb())
    spends.replace(None, GpuSpend(day=int(NOON // DAY), usd=99, counted_until=NOON, instances=1))
    assert dispatched().message == WAITING


def test_what_is_noted_is_nobodys_business(dispatched: Any, clock: Clock, finish: Any, store: JobStore) -> None:
    job = dispatched()
    clock.now += MINUTE
    finish(job)
    now = store.get(job.job_id)
    assert now is not None
    assert now.started_at == NOON + MINUTE
    assert not {"waking_since", "started_at"} & set(now.public(str).model_dump())
    client: Any = clients.dynamodb()
    for index in ("by_connection", "due"):
        assert client.scan(TableName=SOCKETS, IndexName=index)["Items"] == []
