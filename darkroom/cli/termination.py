"""Termination signals: SIGTERM, SIGHUP (a closed terminal) and Ctrl-Break interrupt a command as Ctrl-C does."""

import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

# SIGHUP exists on POSIX alone. SIGBREAK exists on Windows alone: Ctrl-Break, and a closed console.
TERMINATION = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
_STDOUT, _STDERR = 1, 2
_received: list[int] = []


@contextmanager
def termination_signals(*, defer: bool = False) -> Iterator[None]:
    """Raise ``KeyboardInterrupt`` at the first termination signal; at the end, exit with 128 plus its number.

    Later ones are ignored: a closed terminal sends several, and cleaning up is not interrupted. A Ctrl-C always
    interrupts. With ``defer``, termination signals interrupt nothing and only set the exit code. A signal that the
    parent process ignores, as under ``nohup``, stays ignored.
    """
    _received.clear()

    def handle(number: int, _frame: FrameType | None) -> None:
        first = not _received
        _received.append(number)
        if number == getattr(signal, "SIGHUP", None):
            _discard_terminal_output()
        if number == signal.SIGINT or (first and not defer):
            raise KeyboardInterrupt

    handled = [number for number in (signal.SIGINT, *TERMINATION) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)  # None: not set by Python
        if (ended_by := termination_signal()) is not None:
            raise SystemExit(128 + ended_by)


def termination_signal() -> int | None:
    """Return the number of the first termination signal that the command has received; None if it has none."""
    return next((number for number in _received if number != signal.SIGINT), None)


def interrupted() -> bool:
    """Return True once the command has received a termination signal or Ctrl-C."""
    return bool(_received)


def forward_termination(process: "subprocess.Popen[bytes]") -> None:
    """Send the termination signal that the command has received to a child process, which may have received it, too.

    On Windows, the console has sent it to every process.
    """
    number = termination_signal()
    if number is not None and os.name != "nt":
        process.send_signal(number)


def _discard(descriptor: int) -> None:
    """Redirect a stream to the null device, as its terminal is gone."""
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)


def _discard_terminal_output() -> None:
    """Discard output that does not go to a file: what it goes to ends with the terminal, and writing would fail."""
    for descriptor in (_STDOUT, _STDERR):
        with suppress(OSError):
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                _discard(descriptor)
