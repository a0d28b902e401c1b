"""Parallel execution of one job's tasks, with shared progress, progress images and cancellation."""

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
from pipeline.core.processors import thread_count
from pipeline.core.stages import JobAbandoned, StageContext

T = TypeVar("T")

POLL_SECONDS = 0.1  # how often the job's own thread polls the others' progress


class ParallelScenes:
    """State shared by all scene threads of a job: ``cpu_slots``, at most ``max_parallel``, and one ``device_slot``.

    ``stop`` is set when all threads must end; ``failure`` is the first error, if any.
    """

    def __init__(self, max_parallel: int) -> None:
        self.cpu_slots = threading.Semaphore(max_parallel)
        self.device_slot = threading.Semaphore()
        self.stop = threading.Event()
        self.failure: DarkroomError | None = None
        self._lock = threading.Lock()

    def fail(self, error: DarkroomError) -> None:
        """Record the first failure and stop all threads."""
        with self._lock:
            self.failure = self.failure or error
        self.stop.set()


class SceneContext:
    """Context of one scene's thread. Buffers progress images until the job's own thread takes them.

    ``with context.acquire(context.shared.device_slot):`` waits until the device is free.
    """

    def __init__(self, shared_state: ParallelScenes) -> None:
        self.shared = shared_state
        self.fraction = 0.0
        self._progress_images: deque[Rgb] = deque(maxlen=1)

    def report(self, fraction: float) -> None:
        """Report the fraction done, 0 to 1. Raises ``JobAbandoned`` if the job was stopped or another task failed."""
        self.check()
        self.fraction = fraction

    def show_progress_image(self, picture: Rgb) -> None:
        """Set the progress image: h×w×3 uint8 sRGB, small. Only the latest is shown."""
        self._progress_images.append(picture)

    def take_progress_image(self) -> Rgb | None:
        """Remove and return the latest progress image, if there is one."""
        return self._progress_images.popleft() if self._progress_images else None

    @contextmanager
    def acquire(self, resource: threading.Semaphore) -> Iterator[None]:
        """Hold a shared resource during the block. Raises ``JobAbandoned`` like ``report``."""
        while not resource.acquire(timeout=POLL_SECONDS):
            self.check()
        try:
            self.check()
            yield
        except BaseException:
            # Before the release, so that no waiting thread starts.
            self.shared.stop.set()
            raise
        finally:
            resource.release()

    def check(self) -> None:
        """Raise ``JobAbandoned`` like ``report``, without reporting."""
        if self.shared.stop.is_set():
            raise JobAbandoned


@dataclass(frozen=True)
class SceneTask(Generic[T]):
    """Task of one scene. ``name`` prefixes its error messages; ``weight`` is its share of the time."""

    name: str
    weight: float
    make: Callable[[SceneContext], T] = field(repr=False)


def run_scenes(
    context: StageContext,
    tasks: Sequence[SceneTask[T]],
    *,
    stage: str,
    message: Callable[[int], str],
    max_parallel: int | None = None,
) -> tuple[T, ...]:
    """Run the tasks in parallel and return their results in order.

    At most ``max_parallel`` compute at a time; None means four, or the number of processors if fewer. Only the calling
    thread touches ``context``: it reports the weighted mean of the tasks' fractions, with ``message(number of finished
    tasks)``, and shows their progress images. No thread outlives the call.

    Raises what ``context.report`` raises, and the first failure as a ``DarkroomError`` of ``translate_errors``. The
    task's name prefixes its message; the other tasks stop at their next report.
    """
    shared_state = ParallelScenes(max_parallel or thread_count())
    scene_contexts = [SceneContext(shared_state) for _ in tasks]
    # One thread per task: most of them wait for a slot.
    with ThreadPoolExecutor(len(tasks), thread_name_prefix=stage) as pool:
        futures = [
            # Each with a copy of the context, which holds the job of its log messages.
            pool.submit(copy_context().run, _run_task, context, task, scene_context, stage)
            for task, scene_context in zip(tasks, scene_contexts, strict=True)
        ]
        try:
            _wait_for_tasks(context, tasks, scene_contexts, futures, message)
        finally:
            shared_state.stop.set()
    return tuple(future.result() for future in futures)


def _wait_for_tasks(
    context: StageContext,
    tasks: Sequence[SceneTask[T]],
    scene_contexts: Sequence[SceneContext],
    futures: Sequence[Future[T]],
    message: Callable[[int], str],
) -> None:
    total = sum(task.weight for task in tasks)
    pending = set(futures)
    while pending:
        _, pending = wait(pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        if (failure := scene_contexts[0].shared.failure) is not None:
            raise failure
        done = sum(
            task.weight * scene_context.fraction for task, scene_context in zip(tasks, scene_contexts, strict=True)
        )
        context.report(done / total, message(len(futures) - len(pending)))
        for scene_context in scene_contexts:
            if (image := scene_context.take_progress_image()) is not None:
                context.report_progress_image(image)


def _run_task(context: StageContext, task: SceneTask[T], scene_context: SceneContext, stage: str) -> T:
    try:
        with translate_errors(stage, context.network_provider):
            result = task.make(scene_context)
    except DarkroomError as error:
        scene_context.shared.fail(prefix_error(task.name, error))
        raise
    scene_context.fraction = 1.0
    return result


def prefix_error(name: str, error: DarkroomError) -> DarkroomError:
    """Return the same error with ``name`` before its message.

    >>> from darkroom.contract.errors import ErrorCode
    >>> prefix_error("Scene 3", DarkroomError(ErrorCode.NO_FACE, "No face was found.")).detail.message
    'Scene 3: No face was found.'
    """
    detail = error.detail
    return DarkroomError(detail.code, f"{name}: {detail.message}", retryable=detail.retryable)
