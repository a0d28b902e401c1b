"""Parallel execution of tasks that wait for the network, in threads that end soon after a failure or Ctrl-C."""

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

# A task gets a function that it calls often, and that raises to end it.
Task = Callable[[Callable[[], None]], T]


class _Stopped(Exception):
    """Raised in a task that is no longer wanted."""


def run_parallel(tasks: Sequence[Task[T]], max_parallel: int) -> Generator[T, None, None]:
    """Run the tasks, ``max_parallel`` at a time, and yield their results in order.

    Raises the first task's error. Then, and if the caller ends early, waiting tasks are dropped and running ones are
    stopped.
    """
    stopped = threading.Event()

    def check() -> None:
        if stopped.is_set():
            raise _Stopped

    def stop_after_failure(done: Future[T]) -> None:
        if not done.cancelled() and done.exception() is not None:
            stopped.set()

    with ThreadPoolExecutor(max_parallel, "fetch") as pool:
        futures: list[Future[T]] = [pool.submit(task, check) for task in tasks]
        for future in futures:
            # The one that fails first need not be the first that is waited for.
            future.add_done_callback(stop_after_failure)
        try:
            for future in futures:
                yield _result(future, futures)
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _result(future: Future[T], futures: Sequence[Future[T]]) -> T:
    """Return a task's result; the error that stopped it, if it was stopped by another's."""
    try:
        return future.result()
    except _Stopped:
        for other in futures:
            error = other.exception()
            if error is not None and not isinstance(error, _Stopped):
                raise error from None
        raise
