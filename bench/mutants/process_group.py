"""Process groups: forks of this process that are ended with everything they have started."""

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_STOPS = frozenset({signal.SIGINT, signal.SIGTERM})
_running: "set[ProcessGroup]" = set()


class ProcessGroup:
    """A fork of this process that runs ``work`` and exits with what it returns, as the leader of its own group."""

    def __init__(self, work: Callable[[], int]) -> None:
        # A signal between the fork and its note would leave a process that nobody ends.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads: what they hold is not used
            self._leader = os.fork()
        if not self._leader:
            _run(work, before)
        # Here and in the child, as either may be the first to need the group.
        with suppress(OSError):
            os.setpgid(self._leader, self._leader)
        _running.add(self)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def poll(self) -> int | None:
        """Return the exit status when ``work`` has ended, negative for a signal; None while it runs."""
        if os.waitid(os.P_PID, self._leader, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        return self.end()

    def wait(self) -> int:
        """Return the exit status when ``work`` has ended, negative for a signal."""
        os.waitid(os.P_PID, self._leader, os.WEXITED | os.WNOWAIT)
        return self.end()

    def end(self) -> int:
        """Kill the process, if it runs, and what it has started; return its exit status, negative for a signal."""
        # The leader is reaped last: until then, nobody else gets the group's number.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._leader, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(self._leader, 0)[1])
        _running.discard(self)
        return status


@contextmanager
def ended_on_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt, with the signal's number, at SIGTERM as at Ctrl-C; end all groups on the way out."""
    before = {number: signal.signal(number, _interrupt) for number in _STOPS}
    try:
        yield
    finally:
        for number in _STOPS:
            signal.signal(number, signal.SIG_IGN)  # cleaning up is not interrupted
        for group in list(_running):
            group.end()
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(number)


def _run(work: Callable[[], int], mask: "set[signal.Signals | int]") -> None:
    status = 70
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        status = work()
    finally:
        os._exit(status)
