"""Bands of rows: what is computed in parallel, what is reported, and how it ends early."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pipeline.core.processors import thread_count
from pipeline.imaging import bands
from pipeline.imaging.bands import compute_in_bands, split_into_bands

WIDTH, HEIGHT = 1000, 1111


@pytest.fixture(params=[1, 2, 4])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """As many processors as a machine may have."""
    count = int(request.param)
    monkeypatch.setattr(bands, "thread_count", lambda: count)
    return count


@pytest.mark.parametrize(("width", "height"), [(1, 1), (WIDTH, HEIGHT), (10_000_000, 20), (3, 400_000)])
def test_bands_cover_each_row_once(width: int, height: int) -> None:
    rows = [row for band in split_into_bands(width, height) for row in range(band.start, band.stop)]
    assert rows == list(range(height))


@pytest.mark.usefixtures("threads")
def test_every_row_is_computed_once() -> None:
    result = np.zeros(HEIGHT, int)

    def compute(rows: slice) -> None:
        result[rows] += 1

    compute_in_bands(WIDTH, HEIGHT, compute)
    assert (result == 1).all()


@pytest.mark.usefixtures("threads")
def test_progress_grows_to_one_and_is_reported_by_the_calling_thread() -> None:
    reported: list[float] = []

    def report(fraction: float) -> None:
        assert threading.current_thread() is threading.main_thread()
        reported.append(fraction)

    compute_in_bands(WIDTH, HEIGHT, lambda _: None, report)
    assert reported == sorted(reported)
    assert len(reported) > 2
    assert reported[-1] == 1


def test_as_many_bands_as_processors_are_computed_at_once(threads: int) -> None:
    # Each thread waits here for the others: with fewer threads, the barrier would break.
    barrier = threading.Barrier(threads, timeout=30)
    first_bands = {rows.start for rows in split_into_bands(WIDTH, HEIGHT)[:threads]}
    compute_in_bands(WIDTH, HEIGHT, lambda rows: rows.start in first_bands and barrier.wait())
    assert not barrier.broken


def test_cancelling_ends_the_work_after_the_running_bands(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[slice] = []
    cancelled = threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            cancelled.set()
            super().shutdown(wait)

    def compute(rows: slice) -> None:
        started.append(rows)
        if rows.start:
            cancelled.wait(30)

    def report(_: float) -> None:
        raise InterruptedError

    monkeypatch.setattr(bands, "ThreadPoolExecutor", Pool)
    with pytest.raises(InterruptedError):
        compute_in_bands(WIDTH, HEIGHT * 10, compute, report)
    # The first band, and those that ran when it was reported.
    assert 1 <= len(started) <= 1 + threads
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("band")]


@pytest.mark.usefixtures("threads")
def test_an_error_in_a_band_is_raised_after_the_running_bands_have_ended() -> None:
    def compute(rows: slice) -> None:
        if rows.start:
            raise ArithmeticError("a band failed")

    with pytest.raises(ArithmeticError, match="a band failed"):
        compute_in_bands(WIDTH, HEIGHT, compute)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("band")]


def test_threads_are_those_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    for usable, expected in ((1, 1), (3, 3), (64, 4)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, usable=usable: set(range(usable)), raising=False)
        assert thread_count() == expected
