"""Progress writes: every field of an update, its image once, the last one at the end, nothing after an interrupt."""

import threading
from typing import Any

import pytest

from containers.worker.progress import ProgressWriter
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.results import PreviewPicture, StageTime


class Reports:
    """A progress store that records what is written."""

    def __init__(self) -> None:
        self.progress: list[float] = []
        self.written: list[dict[str, Any]] = []
        self.first = threading.Event()
        self.image = threading.Event()

    def report(self, job_id: str, attempt: int, *, progress: float, **rest: Any) -> None:
        self.progress.append(progress)
        self.written.append({"job_id": job_id, "attempt": attempt, **rest})
        self.first.set()
        if rest["preview"] is not None:
            self.image.set()


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


def test_an_image_goes_with_the_newest_update_and_is_written_once() -> None:
    store: Any = Reports()
    writer = ProgressWriter(store, "a" * 32, 2, interval=0.001)
    timeline = (StageTime(stage="load", seconds=1.5),)
    writer.report(0.1, "paint", "Painting", timeline)
    assert store.first.wait(60)
    image = PreviewPicture(key="previews/1.jpg", width=4, height=3)
    writer.progress_image_stored(image)
    assert store.image.wait(60)
    writer.report(0.2, "save", "Saving", ())
    writer.close()
    expected = {"job_id": "a" * 32, "attempt": 2, "stage": "paint", "message": "Painting", "timeline": timeline}
    assert store.progress == [0.1, 0.1, 0.2]
    assert store.written == [
        {**expected, "preview": None},
        {**expected, "preview": image},
        {**expected, "stage": "save", "message": "Saving", "timeline": (), "preview": None},
    ]


def test_an_image_that_waits_to_be_written_is_not_lost_to_the_next_update() -> None:
    store, writer = writer_with_an_update_waiting()
    image = PreviewPicture(key="previews/1.jpg", width=4, height=3)
    writer.progress_image_stored(image)
    writer.report(0.3, "paint", "Painting", ())
    writer.close()
    assert store.progress == [0.1, 0.3]
    assert store.written[-1]["preview"] == image


def test_an_image_before_the_first_update_is_not_written() -> None:
    store: Any = Reports()
    writer = ProgressWriter(store, "a" * 32, 1)
    writer.progress_image_stored(PreviewPicture(key="previews/1.jpg", width=4, height=3))
    writer.close()
    assert store.written == []


def test_the_first_interruption_wins() -> None:
    _, writer = writer_with_an_update_waiting()
    first = DarkroomError(ErrorCode.TIMED_OUT, "Too late.")
    writer.interrupt(first)
    writer.interrupt(DarkroomError(ErrorCode.CONTAINER_FAILED, "Shut down."))
    with pytest.raises(DarkroomError) as raised:
        writer.check()
    writer.close()
    assert raised.value is first
