"""What a person sees meanwhile, on stderr: a live bar in a terminal, a line for each change elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from darkroom.contract.jobs import Job, State

MEGABYTE = 1024 * 1024


class Reporter(Protocol):
    """Told of everything that happens."""

    def say(self, text: str) -> None:
        """Something on the way that is no state of the job."""

    def sending(self, sent: int, total: int) -> None:
        """The upload, in bytes."""

    def job_changed(self, job: Job) -> None:
        """A new state."""


class LineReporter:
    """Plain lines: seconds since the start, percent, stage, message. No line says the same as the one before."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._last = ""
        self._shown = ""

    def say(self, text: str) -> None:
        """One line."""
        if text != self._last:
            self._last = text
            typer.echo(f"[{time.monotonic() - self._started:6.1f} s] {text}", err=True)

    def sending(self, sent: int, total: int) -> None:
        """Only the end of the upload is worth a line."""
        if sent == total:
            self.say(f"  0 %  uploaded {format_bytes(total)}")

    def job_changed(self, job: Job) -> None:
        """One line; none when only what no line tells has changed, such as one of two pictures that came."""
        text = f"{job.progress:4.0%}".replace("%", " %") + f"  {headline(job)}"
        if text != self._shown:
            self._shown = text
            self.say(text)


class BarReporter:
    """One live line for the job; what is said goes above it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None, message="")

    def say(self, text: str) -> None:
        """Replaces the message until there is a job to show."""
        self._progress.update(self._task, message=text)

    def sending(self, sent: int, total: int) -> None:
        """The bar stays where it is: uploading is no progress of the job."""
        self._progress.update(self._task, message=f"uploading {format_bytes(sent)} of {format_bytes(total)}")

    def job_changed(self, job: Job) -> None:
        """Moves the bar."""
        self._progress.update(self._task, total=1.0, completed=job.progress, message=headline(job))


def headline(job: Job) -> str:
    """A job's stage and message in one line."""
    if job.cached and job.state is State.COMPLETED:
        return "completed: from the cache, nothing to pay"
    where = job.stage if job.state is State.RUNNING and job.stage else job.state.value.replace("_", " ")
    retry = f" (attempt {job.attempt})" if job.attempt > 1 and not job.state.terminal else ""
    return f"{where}{retry}: {job.message}" if job.message else f"{where}{retry}"


def bar() -> Progress:
    """The live line: spinner, percent, bar, elapsed time, message."""
    return Progress(
        SpinnerColumn(),
        TaskProgressColumn(),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
        TextColumn("{task.fields[message]}", markup=False),
        console=Console(stderr=True),
    )


@contextmanager
def reporting() -> Iterator[Reporter]:
    """The reporter that suits stderr."""
    if not sys.stderr.isatty():
        yield LineReporter()
        return
    with bar() as progress:
        yield BarReporter(progress)


def format_bytes(count: int) -> str:
    """Bytes as one says them.

    >>> format_bytes(3 * MEGABYTE), format_bytes(2048)
    ('3.0 MB', '2.0 kB')
    """
    return f"{count / MEGABYTE:.1f} MB" if count >= MEGABYTE // 10 else f"{count / 1024:.1f} kB"
