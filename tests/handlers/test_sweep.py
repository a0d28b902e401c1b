"""Sweep: every overdue job is ended or sent again."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import MAX_ATTEMPTS, State
from handlers import sweep

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]


@pytest.fixture
def sweep_job(store: JobStore, context: Any, sockets: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., JobRecord]:
    """Runs the sweep some seconds from now, and returns the job."""
    monkeypatch.setattr("cloud.clients.apigateway_management", lambda _url: sockets)

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


def test_a_job_that_is_not_due_is_not_changed(job_in: JobIn, sweep_job: Any, queues: Any) -> None:
    job = job_in(State.AWAITING_UPLOAD, due_at=time.time() + 60)
    assert sweep_job(job) == job
    assert queues.sent() == []


def test_a_job_without_its_uploads_expires(job_in: JobIn, sweep_job: Any) -> None:
    job = job_in(State.AWAITING_UPLOAD, due_at=time.time() - 1)
    end = sweep_job(job, times=2)
    assert (end.state, end.error.code, end.seq) == (State.EXPIRED, "upload_expired", job.seq + 1)


def test_a_lost_message_is_sent_again(job_in: JobIn, sweep_job: Any, queues: Any) -> None:
    job = job_in(State.QUEUED)
    again = sweep_job(job, times=2)
    assert (again.state, again.seq) == (State.QUEUED, job.seq)
    assert queues.sent() == [(job.job_id, 1)]


def test_a_job_queued_for_too_long_fails(job_in: JobIn, sweep_job: Any, queues: Any) -> None:
    job = job_in(State.QUEUED)
    end = sweep_job(job, later=7 * 60 * 60)
    assert (end.state, end.error.code) == (State.FAILED, "timed_out")
    assert queues.dead_letters() == [job.job_id]


@pytest.mark.parametrize("state", [State.DISPATCHED, State.RUNNING])
def test_a_lost_attempt_is_retried(job_in: JobIn, sweep_job: Any, queues: Any, state: State) -> None:
    job = job_in(state)
    assert sweep_job(job, times=2).state is State.QUEUED
    assert queues.sent() == [(job.job_id, 2)]


def test_a_lost_last_attempt_fails_the_job(job_in: JobIn, sweep_job: Any, queues: Any) -> None:
    job = job_in(State.RUNNING, attempt=MAX_ATTEMPTS)
    end = sweep_job(job, times=2)
    assert (end.state, end.error.code, end.attempt) == (State.FAILED, "timed_out", MAX_ATTEMPTS)
    assert queues.dead_letters() == [job.job_id]


def test_an_ended_job_is_not_changed(store: JobStore, job_in: JobIn, sweep_job: Any) -> None:
    job = job_in(State.QUEUED)
    end = store.cancel(job.job_id, job.owner, ErrorDetail(code=ErrorCode.CANCELLED, message="no"))
    assert sweep_job(job, later=9e6) == end


def test_an_error_of_one_job_does_not_stop_the_others(
    store: JobStore, job_in: JobIn, sweep_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [job_in(State.AWAITING_UPLOAD, due_at=time.time() - 1) for _ in range(3)]
    get = JobStore.get

    def broken_get(self: JobStore, job_id: str) -> JobRecord | None:
        if job_id == jobs[1].job_id:
            raise ValueError("cannot be read")
        return get(self, job_id)

    with monkeypatch.context() as patch, pytest.raises(ValueError, match="cannot be read"):
        patch.setattr(JobStore, "get", broken_get)
        sweep_job(jobs[0])
    states = [found.state for job in jobs if (found := store.get(job.job_id))]
    assert states == [State.EXPIRED, State.AWAITING_UPLOAD, State.EXPIRED]
