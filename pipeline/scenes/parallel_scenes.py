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
from pipeline.core.failures import translating
from pipeline.core.stages import Stopped, Work

T = TypeVar("T")

AT_ONCE = 4  # at most: beyond that they only take memory from each other
LISTEN_SECONDS = 0.1  # how often the job's own thread looks how far the others are


class Workshop:
    """What all benches of a job share: ``processors``, of which ``at_once`` may be taken, and one ``device``.

    ``stop`` is set when nobody is to go on; ``failure`` is why, if one of them failed.
    """

    def __init__(self, at_once: int) -> None:
        self.processors = threading.Semaphore(at_once)
        self.device = threading.Semaphore()
        self.stop = threading.Event()
        self.failure: DarkroomError | None = None
        self._lock = threading.Lock()

    def fail(self, error: DarkroomError) -> None:
        """Have everybody stop because of the first failure."""
        with self._lock:
            self.failure = self.failure or error
        self.stop.set()


class Bench:
    """Where one thing is made, by one thread. Looks wait here until the job's own thread takes them.

    ``with bench.turn(bench.workshop.device):`` waits until the device is free, and so on.
    """

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.fraction = 0.0
        self._looks: deque[Rgb] = deque(maxlen=1)

    def report(self, fraction: float) -> None:
        """Say how far it is, 0 to 1. Raises ``Stopped`` when the job was stopped, or another thing has failed."""
        self._check()
        self.fraction = fraction

    def show(self, picture: Rgb) -> None:
        """Give a look at it: h×w×3 uint8 sRGB, small. Only the latest is shown."""
        self._looks.append(picture)

    def take_look(self) -> Rgb | None:
        """The latest look, once."""
        return self._looks.popleft() if self._looks else None

    @contextmanager
    def turn(self, resource: threading.Semaphore) -> Iterator[None]:
        """Have a share of what the benches share for as long as the block lasts. Raises ``Stopped`` as ``report``."""
        while not resource.acquire(timeout=LISTEN_SECONDS):
            self._check()
        try:
            self._check()
            yield
        except BaseException:
            # Before whoever waits has its turn.
            self.workshop.stop.set()
            raise
        finally:
            resource.release()

    def _check(self) -> None:
        if self.workshop.stop.is_set():
            raise Stopped


@dataclass(frozen=True)
class Task(Generic[T]):
    """One thing to make. ``name`` is what its failure is told by; ``weight`` is its share of the time."""

    name: str
    weight: float
    make: Callable[[Bench], T] = field(repr=False)


def make_all(
    work: Work, tasks: Sequence[Task[T]], *, stage: str, message: Callable[[int], str], at_once: int | None = None
) -> tuple[T, ...]:
    """What the tasks make, in their order. ``at_once`` may compute at a time: four, or as many processors, if None.

    Only the calling thread touches ``work``: it reports the mean of the tasks' fractions, by weight, with
    ``message(how many are done)``, and shows their looks. None of the threads outlives the call. Raises what
    ``work.report`` raises, and the first failure, ``DarkroomError`` as ``translating`` has it, with the task's name
    before its message; the other tasks are stopped at their next report.
    """
    workshop = Workshop(at_once or min(AT_ONCE, os.cpu_count() or 1))
    benches = [Bench(workshop) for _ in tasks]
    # A thread each: most of them wait for their turn.
    with ThreadPoolExecutor(len(tasks), thread_name_prefix=stage) as pool:
        futures = [
            # Each in a context of its own, so that its log says whose job it is.
            pool.submit(copy_context().run, _made, work, task, bench, stage)
            for task, bench in zip(tasks, benches, strict=True)
        ]
        try:
            _listen(work, tasks, benches, futures, message)
        finally:
            workshop.stop.set()
    return tuple(future.result() for future in futures)


def _listen(
    work: Work,
    tasks: Sequence[Task[T]],
    benches: Sequence[Bench],
    futures: Sequence[Future[T]],
    message: Callable[[int], str],
) -> None:
    total = sum(task.weight for task in tasks)
    pending = set(futures)
    while pending:
        _, pending = wait(pending, timeout=LISTEN_SECONDS, return_when=FIRST_COMPLETED)
        if (failure := benches[0].workshop.failure) is not None:
            raise failure
        done = sum(task.weight * bench.fraction for task, bench in zip(tasks, benches, strict=True))
        work.report(done / total, message(len(futures) - len(pending)))
        for bench in benches:
            if (look := bench.take_look()) is not None:
                work.show(look)


def _made(work: Work, task: Task[T], bench: Bench, stage: str) -> T:
    try:
        with translating(stage, work.models):
            made = task.make(bench)
    except DarkroomError as error:
        bench.workshop.fail(named(task.name, error))
        raise
    bench.fraction = 1.0
    return made


def named(name: str, error: DarkroomError) -> DarkroomError:
    """The same error, told of what it is about.

    >>> from darkroom.contract.errors import ErrorCode
    >>> named("Scene 3", DarkroomError(ErrorCode.NO_FACE, "No face was found.")).detail.message
    'Scene 3: No face was found.'
    """
    detail = error.detail
    return DarkroomError(detail.code, f"{name}: {detail.message}", retryable=detail.retryable)
