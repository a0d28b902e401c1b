"""Attempts that crash, time out or are cancelled: what they cost their owner, however they end."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.ledger import MICROS, Ledger
from cloud.invocation import NOTICE_SECONDS
from darkroom.contract.jobs import MAX_ATTEMPTS, State
from darkroom.contract.kinds import Kind
from handlers import finished, sweep
from handlers.jobs.service import CANCELLED_ERROR
from handlers.limits.budget import settle_budget
from tests.handlers.lane_prices import PRICES
from tests.handlers.stored_jobs import now
from tests.handlers.test_finished import notice

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]
USD_PER_SECOND = 0.7364 / 3600
RESERVED = 0.002


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock so many seconds on from the test's start."""
    start = time.time()

    def set_clock(later: float) -> None:
        monkeypatch.setattr("time.time", lambda: start + later)

    return set_clock


def owed(job: JobRecord) -> float:
    """What the owner's day holds of an ended job, in dollars."""
    change = settle_budget(job, PRICES)
    assert job.reserved_usd is not None
    added = 0 if change is None else next(iter(change.update.arguments()["ExpressionAttributeValues"].values()))["N"]
    return round(job.reserved_usd + int(added) / MICROS, 6)


@pytest.mark.parametrize("reason", ["Worker died", "Model invocation timed out"])
def test_a_crashed_attempt_costs_its_wall_time_once(
    store: JobStore, job_in: JobIn, context: Any, at: Callable[[float], None], reason: str
) -> None:
    at(0)
    job = job_in(State.RUNNING)
    at(100)
    for _ in range(3):
        finished.handler(notice(job.job_id, 1, failed=reason), context)
    again = now(store, job)
    assert again.state is State.QUEUED
    assert again.cost_usd == pytest.approx(100 * USD_PER_SECOND, rel=1e-6)


def test_an_attempt_whose_outcome_is_gone_costs_its_wall_time(
    store: JobStore, job_in: JobIn, context: Any, at: Callable[[float], None]
) -> None:
    at(0)
    job = job_in(State.RUNNING)
    at(50)
    finished.handler(notice(job.job_id, 1, key="outcomes/none"), context)
    assert now(store, job).cost_usd == pytest.approx(50 * USD_PER_SECOND, rel=1e-6)


@pytest.mark.parametrize(("kind", "limit"), [(Kind.RESTYLE_ROOM, 900), (Kind.RENDER_VIDEO, 3600)])
def test_a_lost_attempt_costs_its_time_limit_at_most(
    store: JobStore, job_in: JobIn, context: Any, at: Callable[[float], None], kind: Kind, limit: int
) -> None:
    at(0)
    job = job_in(State.RUNNING, kind=kind)
    at(9000)
    for _ in range(2):
        sweep.handler({"source": "aws.events"}, context)
    again = now(store, job)
    assert again.state is State.QUEUED
    assert again.cost_usd == pytest.approx(limit * USD_PER_SECOND, rel=1e-6)


def test_a_started_attempt_whose_notice_is_lost_is_repeated_soon_after_its_time_limit(
    store: JobStore, job_in: JobIn, context: Any, at: Callable[[float], None], queues: Any
) -> None:
    at(0)
    job = job_in(State.QUEUED)
    assert store.dispatch(job.job_id, 1, due_at=time.time() + 3600 + 900 + NOTICE_SECONDS) is not None
    at(100)
    store.start(job.job_id, 1, message="Starting", due_at=time.time() + 900 + NOTICE_SECONDS)
    at(200)
    store.report(job.job_id, 1, progress=0.5, stage="paint", message="", timeline=[])
    at(100 + 900 + NOTICE_SECONDS - 1)
    sweep.handler({"source": "aws.events"}, context)
    assert now(store, job).state is State.RUNNING
    at(100 + 900 + NOTICE_SECONDS + 1)
    for _ in range(2):
        sweep.handler({"source": "aws.events"}, context)
    assert now(store, job).state is State.QUEUED
    assert now(store, job).message.startswith("Trying again: The picture was not done in time.")
    assert queues.sent() == [(job.job_id, 2)]


def test_an_attempt_that_never_started_costs_nothing(
    store: JobStore, job_in: JobIn, context: Any, at: Callable[[float], None]
) -> None:
    at(0)
    job = job_in(State.DISPATCHED)
    at(9000)
    finished.handler(notice(job.job_id, 1, failed="expired"), context)
    assert (now(store, job).state, now(store, job).cost_usd) == (State.QUEUED, None)


@pytest.mark.parametrize("reason", ["Worker died", "Model invocation timed out"])
def test_a_job_that_crashes_or_times_out_keeps_its_reservation(
    store: JobStore, job_in: JobIn, context: Any, at: Callable[[float], None], reason: str
) -> None:
    at(0)
    job = job_in(State.RUNNING, attempt=MAX_ATTEMPTS, reserved_usd=RESERVED)
    at(1)
    finished.handler(notice(job.job_id, MAX_ATTEMPTS, failed=reason), context)
    end = now(store, job)
    assert end.state is State.FAILED
    assert end.cost_usd == pytest.approx(USD_PER_SECOND, rel=1e-3)
    assert owed(end) == RESERVED


def test_a_crash_that_cost_more_than_its_reservation_is_charged_in_full(
    store: JobStore, job_in: JobIn, context: Any, at: Callable[[float], None]
) -> None:
    at(0)
    job = job_in(State.RUNNING, attempt=MAX_ATTEMPTS, reserved_usd=RESERVED)
    at(600)
    finished.handler(notice(job.job_id, MAX_ATTEMPTS, failed="Worker died"), context)
    assert owed(now(store, job)) == pytest.approx(600 * USD_PER_SECOND, abs=1e-6)


def test_a_job_that_no_machine_took_gives_its_reservation_back(
    store: JobStore, job_in: JobIn, context: Any, at: Callable[[float], None]
) -> None:
    at(0)
    job = job_in(State.DISPATCHED, attempt=MAX_ATTEMPTS, reserved_usd=RESERVED)
    at(9000)
    sweep.handler({"source": "aws.events"}, context)
    end = now(store, job)
    assert (end.state, owed(end)) == (State.FAILED, 0)


def test_a_job_queued_for_too_long_after_a_crash_costs_what_the_crash_did(
    store: JobStore, job_in: JobIn, context: Any, at: Callable[[float], None]
) -> None:
    at(0)
    job = job_in(State.RUNNING, reserved_usd=RESERVED)
    at(2)
    finished.handler(notice(job.job_id, 1, failed="Worker died"), context)
    at(9e5)
    sweep.handler({"source": "aws.events"}, context)
    end = now(store, job)
    assert end.state is State.FAILED
    assert owed(end) == pytest.approx(2 * USD_PER_SECOND, abs=1e-6)


def cancelled(store: JobStore, job: JobRecord) -> JobRecord:
    end = store.cancel(job.job_id, job.owner, CANCELLED_ERROR)
    assert end is not None
    return end


@pytest.mark.parametrize(("waking_since", "left"), [(None, 0), (1.0, RESERVED)])
def test_a_job_cancelled_before_its_start_pays_only_if_it_woke_a_gpu(
    store: JobStore, job_in: JobIn, waking_since: float | None, left: float
) -> None:
    job = job_in(State.QUEUED, reserved_usd=RESERVED)
    assert store.dispatch(job.job_id, 1, due_at=0.0, waking_since=waking_since) is not None
    assert owed(cancelled(store, job)) == left


def test_a_job_cancelled_after_its_wake_failed_gives_its_reservation_back(
    store: JobStore, job_in: JobIn, context: Any
) -> None:
    job = job_in(State.QUEUED, reserved_usd=RESERVED)
    assert store.dispatch(job.job_id, 1, due_at=0.0, waking_since=1.0) is not None
    finished.handler(notice(job.job_id, 1, failed="expired"), context)
    assert owed(cancelled(store, job)) == 0


def test_a_running_job_that_is_cancelled_pays_its_wall_time(
    store: JobStore, job_in: JobIn, at: Callable[[float], None]
) -> None:
    # Otherwise a job that takes long on purpose would cost its estimate, whenever it is cancelled.
    at(-800)
    job = job_in(State.RUNNING, reserved_usd=RESERVED)
    assert owed(cancelled(store, job)) == pytest.approx(800 * USD_PER_SECOND, rel=0.1)


def test_a_job_cancelled_between_two_attempts_pays_for_the_first_not_for_waiting(
    store: JobStore, job_in: JobIn, context: Any, at: Callable[[float], None]
) -> None:
    at(-800)
    job = job_in(State.RUNNING, reserved_usd=RESERVED)
    at(-750)
    finished.handler(notice(job.job_id, 1, failed="Worker died"), context)
    end = cancelled(store, job)
    assert end.cost_usd == pytest.approx(50 * USD_PER_SECOND, rel=1e-6)
    assert owed(end) == pytest.approx(50 * USD_PER_SECOND, abs=1e-6)


def test_the_ledger_holds_the_reservation_of_a_crashed_job(ledger: Ledger, record: Callable[..., JobRecord]) -> None:
    job = record(
        state="failed",
        started_at=1.0,
        reserved_usd=RESERVED,
        error={"code": "container_failed", "message": "It crashed.", "retryable": True},
    )
    assert settle_budget(job, PRICES) is None
