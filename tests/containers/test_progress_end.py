"""The end of progress: an interrupted job writes nothing more, and a job that ends well writes its last update."""

import threading
from typing import Any

from containers.worker.progress import ProgressWriter
from darkroom.contract.errors import DarkroomError, ErrorCode


class Reports:
    """A progress store that records what is written."""

    def __init__(self) -> None:
        self.progress: list[float] = []
        self.first = threading.Event()

    def report(self, _job_id: str, _attempt: int, *, progress: float, **_rest: Any) -> None:
        self.progress.append(progress)
        self.first.set()


def writer_with_an_update_waiting() -> tuple[Any, ProgressWriter]:
    """A writer that has written 0.1, and holds 0.2 back for its interval."""
    store: Any = Reports()
    writer = ProgressWriter(store, "a" * 32, 1, interval=3600)
    writer.report(0.1, "paint", "Painting", ())
    assert store.first.wait(60)
    writer.report(0.2, "paint", "Painting", ())
    return store, writer


def test_an_interrupted_job_writes_nothing_more() -> None:
    store, writer = writer_with_an_update_waiting()
    writer.interrupt(DarkroomError(ErrorCode.TIMED_OUT, "Too late."))
    writer.close()
    assert store.progress == [0.1]


def test_a_job_that_ends_writes_its_last_update() -> None:
    store, writer = writer_with_an_update_waiting()
    writer.close()
    assert store.progress == [0.1, 0.2]
