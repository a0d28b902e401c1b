"""Progress writer: the newest update wins, writes keep their distance, and a lost job is noticed."""

import threading
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from cloud.dynamodb.job_store import JobRecord, StaleAttempt
from containers.worker.progress import ProgressWriter, owns_job
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jobs import State
from pipeline.core.stages import JobAbandoned
from tests.containers.conftest import JOB, record

LONG = 3600.0


class FakeStore:
    """Progress store that records writes; each write waits for ``gate`` and raises the next of ``refusals``."""

    def __init__(self) -> None:
        self.wait_for_stage: list[tuple[float, str | None]] = []
        self.changed = threading.Condition()
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.refusals: list[Exception] = []
        self.record: JobRecord | None = record(state=State.RUNNING)
        self.queried = threading.Event()

    def get(self, _job_id: str) -> JobRecord | None:
        self.queried.set()
        return self.record

    def start(self, *_: object, stage: str | None, **__: object) -> None:
        if self.refusals:
            raise self.refusals.pop()
        self.wait_for_stage.append((0.0, stage))

    def report(self, *_: object, progress: float, stage: str | None, **__: object) -> None:
        self.entered.set()
        assert self.gate.wait(30)
        if self.refusals:
            raise self.refusals.pop()
        with self.changed:
            self.wait_for_stage.append((progress, stage))
            self.changed.notify_all()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, 30)


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


def writer(store: FakeStore, interval: float = LONG, heartbeat: float = LONG, floor: float = 0.001) -> ProgressWriter:
    return ProgressWriter(store, JOB, 1, floor=floor, interval=interval, heartbeat=heartbeat)


def stopped(progress: ProgressWriter) -> None:
    """Wait until the writer has stopped."""
    ticks = threading.Event()
    for _ in range(3000):
        try:
            progress.check()
        except JobAbandoned:
            return
        ticks.wait(0.01)
    raise AssertionError("never stopped")


def test_a_new_stage_is_written_before_the_interval_and_other_updates_are_rate_limited(store: FakeStore) -> None:
    progress = writer(store)
    progress.report(0.1, "load", "", ())
    store.wait_for(lambda: len(store.wait_for_stage) == 1)
    progress.report(0.2, "load", "", ())
    progress.report(0.3, "load", "", ())
    progress.report(0.4, "depth", "", ())
    store.wait_for(lambda: len(store.wait_for_stage) == 2)
    progress.close()
    assert store.wait_for_stage == [(0.1, "load"), (0.4, "depth")]


def test_no_two_writes_are_closer_than_the_floor_and_the_newest_stage_is_the_last(store: FakeStore) -> None:
    progress = writer(store, floor=LONG)
    progress.report(0.1, "load", "", ())
    store.wait_for(lambda: len(store.wait_for_stage) == 1)
    for step, stage in enumerate(("depth", "edges", "paint")):
        progress.report(0.2 + step / 10, stage, "", ())
    progress.close()
    assert store.wait_for_stage == [(0.1, "load"), (0.4, "paint")]


def test_a_stage_that_waited_for_the_floor_is_written_after_it(store: FakeStore) -> None:
    progress = writer(store, floor=0.01)
    progress.report(0.1, "load", "", ())
    progress.report(0.2, "depth", "", ())
    store.wait_for(lambda: store.wait_for_stage[-1:] == [(0.2, "depth")])
    progress.close()


def test_the_start_has_the_first_stage_which_is_not_written_again(store: FakeStore) -> None:
    progress = writer(store, floor=LONG, heartbeat=0.01)
    progress.start(0.0, "download", "Fetching")
    progress.report(0.0, "download", "Fetching", ())
    # Until here nothing was written, or the thread would not have come to its heartbeat.
    assert store.queried.wait(30)
    progress.report(0.1, "load", "", ())
    progress.close()
    assert store.wait_for_stage == [(0.0, "download"), (0.1, "load")]


def test_an_attempt_that_has_lost_its_job_does_not_start(store: FakeStore) -> None:
    store.refusals = [StaleAttempt()]
    with pytest.raises(JobAbandoned):
        writer(store).start(0.0, None, "Starting")


def test_what_the_outcome_replaces_is_not_written(store: FakeStore) -> None:
    progress = writer(store, floor=LONG)
    progress.start(0.0, "download", "Fetching")
    progress.report(0.9, "upload", "", ())
    progress.close(write_last=False)
    assert store.wait_for_stage == [(0.0, "download")]


def test_reports_never_block_and_the_newest_update_wins(store: FakeStore) -> None:
    store.gate.clear()
    progress = writer(store)
    progress.report(0.1, "load", "", ())
    assert store.entered.wait(30)
    for step in range(100):
        progress.report(0.5 + step / 256, "load", "", ())
    store.gate.set()
    progress.close()
    assert store.wait_for_stage == [(0.1, "load"), (0.5 + 99 / 256, "load")]


def test_close_writes_the_last_update(store: FakeStore) -> None:
    progress = writer(store)
    progress.report(0.1, "load", "", ())
    store.wait_for(lambda: len(store.wait_for_stage) == 1)
    progress.report(0.9, "load", "", ())
    progress.close()
    assert store.wait_for_stage[-1] == (0.9, "load")


def test_updates_within_a_stage_are_written_after_the_interval(store: FakeStore) -> None:
    progress = writer(store, interval=0.01)
    progress.report(0.1, "load", "", ())
    store.wait_for(lambda: len(store.wait_for_stage) == 1)
    progress.report(0.2, "load", "", ())
    store.wait_for(lambda: len(store.wait_for_stage) == 2)
    progress.close()


def test_a_stale_attempt_stops_the_job(store: FakeStore) -> None:
    store.refusals = [StaleAttempt()]
    progress = writer(store)
    progress.report(0.1, "load", "", ())
    stopped(progress)
    with pytest.raises(JobAbandoned):
        progress.report(0.2, "load", "", ())
    progress.close()
    assert store.wait_for_stage == []


def test_a_cancellation_is_noticed_during_a_stage_without_reports(store: FakeStore) -> None:
    progress = writer(store, heartbeat=0.01)
    progress.report(0.1, "diffuse", "", ())
    assert store.queried.wait(30)
    progress.check()
    store.record = record(state=State.CANCELLED)
    stopped(progress)
    progress.close()


def test_a_table_without_answers_does_not_stop_the_job(store: FakeStore) -> None:
    store.refusals = [ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")]
    progress = writer(store, interval=0.01)
    progress.report(0.1, "load", "", ())
    store.wait_for(lambda: store.wait_for_stage == [(0.1, "load")])
    progress.close()
    progress.check()


def test_an_interrupted_job_raises_the_reason(store: FakeStore) -> None:
    progress = writer(store)
    progress.report(0.1, "load", "", ())
    progress.interrupt(DarkroomError(ErrorCode.CONTAINER_FAILED, "Shut down."))
    with pytest.raises(DarkroomError, match="Shut down"):
        progress.report(0.2, "load", "", ())
    progress.close()


@pytest.mark.parametrize(
    ("job", "own"),
    [
        (record(state=State.DISPATCHED), True),
        (record(state=State.RUNNING), True),
        (record(state=State.RUNNING, attempt=2), False),
        (record(state=State.QUEUED), False),
        (record(state=State.CANCELLED), False),
        (None, False),
    ],
)
def test_only_the_current_attempt_owns_the_job(job: JobRecord | None, own: bool) -> None:
    assert owns_job(job, 1) is own
