"""Sweep: every stalled job is ended or resumed."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import MAX_ATTEMPTS, State
from handlers import sweep
from handlers.websocket.subscriptions import CONNECTION_SECONDS, GRACE_SECONDS, Subscription, Subscriptions

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]


@pytest.fixture
def swept(store: JobStore, context: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., JobRecord]:
    """Sweeps, some seconds from now, and returns the job."""

    def do(job: JobRecord, later: float = 0, times: int = 1) -> JobRecord:
        moment = time.time() + later
        with monkeypatch.context() as patch:
            patch.setattr("handlers.sweep.time.time", lambda: moment)
            for _ in range(times):
                sweep.handler({"source": "aws.events"}, context)
        found = store.get(job.job_id)
        assert found is not None
        return found

    return do


def test_what_is_not_due_is_left_alone(job_in: JobIn, swept: Any, queues: Any) -> None:
    job = job_in(State.AWAITING_UPLOAD, due_at=time.time() + 60)
    assert swept(job) == job
    assert queues.sent() == []


def test_uploads_that_never_come_expire(job_in: JobIn, swept: Any) -> None:
    job = job_in(State.AWAITING_UPLOAD, due_at=time.time() - 1)
    end = swept(job, times=2)
    assert (end.state, end.error.code, end.seq) == (State.EXPIRED, "upload_expired", job.seq + 1)


def test_a_lost_message_is_sent_again(job_in: JobIn, swept: Any, queues: Any) -> None:
    job = job_in(State.QUEUED)
    again = swept(job, times=2)
    assert (again.state, again.seq) == (State.QUEUED, job.seq)
    assert queues.sent() == [(job.job_id, 1)]


def test_nobody_waits_in_the_queue_for_ever(job_in: JobIn, swept: Any, queues: Any) -> None:
    job = job_in(State.QUEUED)
    end = swept(job, later=7 * 60 * 60)
    assert (end.state, end.error.code) == (State.FAILED, "timed_out")
    assert queues.buried() == [job.job_id]


@pytest.mark.parametrize("state", [State.DISPATCHED, State.RUNNING])
def test_a_lost_attempt_is_followed_by_another(job_in: JobIn, swept: Any, queues: Any, state: State) -> None:
    job = job_in(state)
    assert swept(job, times=2).state is State.QUEUED
    assert queues.sent() == [(job.job_id, 2)]


def test_a_lost_last_attempt_is_the_end(job_in: JobIn, swept: Any, queues: Any) -> None:
    job = job_in(State.RUNNING, attempt=MAX_ATTEMPTS)
    end = swept(job, times=2)
    assert (end.state, end.error.code, end.attempt) == (State.FAILED, "timed_out", MAX_ATTEMPTS)
    assert queues.buried() == [job.job_id]


def test_what_has_ended_is_left_alone(store: JobStore, job_in: JobIn, swept: Any) -> None:
    job = job_in(State.QUEUED)
    end = store.cancel(job.job_id, job.owner, ErrorDetail(code=ErrorCode.CANCELLED, message="no"))
    assert swept(job, later=9e6) == end


def test_one_job_in_trouble_holds_up_no_other(
    store: JobStore, job_in: JobIn, swept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [job_in(State.AWAITING_UPLOAD, due_at=time.time() - 1) for _ in range(3)]
    get = JobStore.get

    def troubled(self: JobStore, job_id: str) -> JobRecord | None:
        if job_id == jobs[1].job_id:
            raise ValueError("cannot be read")
        return get(self, job_id)

    with monkeypatch.context() as patch, pytest.raises(ValueError, match="cannot be read"):
        patch.setattr(JobStore, "get", troubled)
        swept(jobs[0])
    states = [found.state for job in jobs if (found := store.get(job.job_id))]
    assert states == [State.EXPIRED, State.AWAITING_UPLOAD, State.EXPIRED]


def test_sockets_older_than_any_can_be_are_forgotten(job_in: JobIn, swept: Any, subscriptions: Subscriptions) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    for connection_id in ("one", "two"):
        subscriptions.add(Subscription(job_id=job.job_id, connection_id=connection_id, owner=job.owner))
    swept(job, later=CONNECTION_SECONDS)
    assert len(subscriptions.of_job(job.job_id)) == 2
    swept(job, later=CONNECTION_SECONDS + GRACE_SECONDS + 1)
    assert subscriptions.of_job(job.job_id) == []
