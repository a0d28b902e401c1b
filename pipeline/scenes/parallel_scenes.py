"""Makes several things of one job side by side: heard, shown and stopped as if it were one."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from darkroom.contract.errors import DarkroomError
from pipeline.core.arrays import Rgb
from pipeline.core.failures import translate_errors
from pipeline.core.stages import JobAbandoned, StageContext

T = TypeVar("T")

MAX_PARALLEL = 4  # at most: beyond that they only take memory from each other
POLL_SECONDS = 0.1  # how often the job's own thread looks how far the others are


class ParallelScenes:
    """What all benches of a job share: ``processors``, of which ``max_parallel`` may be taken, and one ``device``.

    ``stop`` is set when nobody is to go on; ``failure`` is why, if one of them failed.
    """

    def __init__(self, max_parallel: int) -> None:
        self.cpu_slots = threading.Semaphore(max_parallel)
        self.device_slot = threading.Semaphore()
        self.stop = threading.Event()
        self.failure: DarkroomError | None = None
        self._lock = threading.Lock()

    def fail(self, error: DarkroomError) -> None:
        """Have everybody stop because of the first failure."""
        with self._lock:
            self.failure = self.failure or error
        self.stop.set()


class SceneContext:
    """Where one thing is made, by one thread. Looks wait here until the job's own thread takes them.

    ``with bench.turn(bench.workshop.device):`` waits until the device is free, and so on.
    """

    def __init__(self, workshop: ParallelScenes) -> None:
        self.shared = workshop
        self.fraction = 0.0
        self._progress_images: deque[Rgb] = deque(maxlen=1)

    def report(self, fraction: float) -> None:
        """Say how far it is, 0 to 1. Raises ``JobAbandoned`` when the job was stopped, or another thing has failed."""
        self._check()
        self.fraction = fraction

    def show_progress_image(self, picture: Rgb) -> None:
        """Give a look at it: h×w×3 uint8 sRGB, small. Only the latest is shown."""
        self._progress_images.append(picture)

    def take_progress_image(self) -> Rgb | None:
        """The latest look, once."""
        return self._progress_images.popleft() if self._progress_images else None

    @contextmanager
    def acquire(self, resource: threading.Semaphore) -> Iterator[None]:
        """Have a share of what the benches share for as long as the block lasts. Raises ``JobAbandoned`` as
        ``report``."""
        while not resource.acquire(timeout=POLL_SECONDS):
            self._check()
        try:
            self._check()
            yield
        except BaseException:
            # Before whoever waits has its turn.
            self.shared.stop.set()
            raise
        finally:
            resource.release()

    def _check(self) -> None:
        if self.shared.stop.is_set():
            raise JobAbandoned


@dataclass(frozen=True)
class SceneTask(Generic[T]):
    """One thing to make. ``name`` is what its failure is told by; ``weight`` is its share of the time."""

    name: str
    weight: float
    make: Callable[[SceneContext], T] = field(repr=False)


def run_scenes(
    work: StageContext,
    tasks: Sequence[SceneTask[T]],
    *,
    stage: str,
    message: Callable[[int], str],
    max_parallel: int | None = None,
) -> tuple[T, ...]:
    """What the tasks make, in their order. ``max_parallel`` may compute at a time: four, or as many processors, if
    None.

    Only the calling thread touches ``work``: it reports the mean of the tasks' fractions, by weight, with
    ``message(how many are done)``, and shows their looks. None of the threads outlives the call. Raises what
    ``work.report`` raises, and the first failure, ``DarkroomError`` as ``translating`` has it, with the task's name
    before its message; the other tasks are stopped at their next report.
    """
    workshop = ParallelScenes(max_parallel or min(MAX_PARALLEL, os.cpu_count() or 1))
    benches = [SceneContext(workshop) for _ in tasks]
    # A thread each: most of them wait for their turn.
    with ThreadPoolExecutor(len(tasks), thread_name_prefix=stage) as pool:
        futures = [
            # Each in a context of its own, so that its log says whose job it is.
            pool.submit(copy_context().run, _run_task, work, task, bench, stage)
            for task, bench in zip(tasks, benches, strict=True)
        ]
        try:
            _wait_for_tasks(work, tasks, benches, futures, message)
        finally:
            workshop.stop.set()
    return tuple(future.result() for future in futures)


def _wait_for_tasks(
    work: StageContext,
    tasks: Sequence[SceneTask[T]],
    benches: Sequence[SceneContext],
    futures: Sequence[Future[T]],
    message: Callable[[int], str],
) -> None:
    total = sum(task.weight for task in tasks)
    pending = set(futures)
    while pending:
        _, pending = wait(pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        if (failure := benches[0].shared.failure) is not None:
            raise failure
        done = sum(task.weight * bench.fraction for task, bench in zip(tasks, benches, strict=True))
        work.report(done / total, message(len(futures) - len(pending)))
        for bench in benches:
            if (look := bench.take_progress_image()) is not None:
                work.report_progress_image(look)


def _run_task(work: StageContext, task: SceneTask[T], bench: SceneContext, stage: str) -> T:
    try:
        with translate_errors(stage, work.network_provider):
            made = task.make(bench)
    except DarkroomError as error:
        bench.shared.fail(prefix_error(task.name, error))
        raise
    bench.fraction = 1.0
    return made


def prefix_error(name: str, error: DarkroomError) -> DarkroomError:
    """The same error, told of what it is about.

    >>> from darkroom.contract.errors import ErrorCode
    >>> prefix_error("Scene 3", DarkroomError(ErrorCode.NO_FACE, "No face was found.")).detail.message
    'Scene 3: No face was found.'
    """
    detail = error.detail
    return DarkroomError(detail.code, f"{name}: {detail.message}", retryable=detail.retryable)
