"""Progress reports on stderr: a live bar in a terminal, else a line for each change."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from darkroom.cli.console import SafeConsole
from darkroom.cli.output import echo, neutralised
from darkroom.contract.jobs import Job, State

MEGABYTE = 1024 * 1024


class Reporter(Protocol):
    """Interface of progress reporters."""

    def say(self, text: str) -> None:
        """Report a message that is no state of the job."""

    def sending(self, sent: int, total: int) -> None:
        """Report the upload's progress in bytes."""

    def job_changed(self, job: Job) -> None:
        """Report a new state of the job."""


class LineReporter:
    """Reporter of plain lines: seconds since the start, percent, stage, message. Repeated lines are omitted."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._last = ""
        self._shown = ""

    def say(self, text: str) -> None:
        """Print one line."""
        if text != self._last:
            self._last = text
            echo(f"[{time.monotonic() - self._started:6.1f} s] {text}", err=True)

    def sending(self, sent: int, total: int) -> None:
        """Print a line at the end of the upload only."""
        if sent == total:
            self.say(f"  0 %  uploaded {format_bytes(total)}")

    def job_changed(self, job: Job) -> None:
        """Print a line, unless nothing that it shows has changed (for example, one of two uploads was received)."""
        text = f"{job.progress:4.0%}".replace("%", " %") + f"  {headline(job)}"
        if text != self._shown:
            self._shown = text
            self.say(text)


class BarReporter:
    """Reporter with one live line."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None, message="")

    def say(self, text: str) -> None:
        """Show a message until the job's next state."""
        self._progress.update(self._task, message=neutralised(text))

    def sending(self, sent: int, total: int) -> None:
        """Show the upload's progress as the message; the bar shows only that of the job."""
        self._progress.update(self._task, message=f"uploading {format_bytes(sent)} of {format_bytes(total)}")

    def job_changed(self, job: Job) -> None:
        """Update bar and message."""
        self._progress.update(self._task, total=1.0, completed=job.progress, message=neutralised(headline(job)))


def headline(job: Job) -> str:
    """Return a job's stage and message in one line."""
    if job.cached and job.state is State.COMPLETED:
        return "completed: from the cache, nothing to pay"
    where = job.stage if job.state is State.RUNNING and job.stage else job.state.value.replace("_", " ")
    retry = f" (attempt {job.attempt})" if job.attempt > 1 and not job.ended else ""
    return f"{where}{retry}: {job.message}" if job.message else f"{where}{retry}"


def bar() -> Progress:
    """Return the live line: spinner, percent, bar, elapsed time, message."""
    return Progress(
        SpinnerColumn(),
        TaskProgressColumn(),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
        TextColumn("{task.fields[message]}", markup=False),
        console=SafeConsole(stderr=True),
    )


@contextmanager
def reporting() -> Iterator[Reporter]:
    """Yield the reporter that suits stderr."""
    if not sys.stderr.isatty():
        yield LineReporter()
        return
    with bar() as progress:
        yield BarReporter(progress)


def format_bytes(count: int) -> str:
    """Return a number of bytes in kB or MB.

    >>> format_bytes(3 * MEGABYTE), format_bytes(2048)
    ('3.0 MB', '2.0 kB')
    """
    return f"{count / MEGABYTE:.1f} MB" if count >= MEGABYTE // 10 else f"{count / 1024:.1f} kB"
