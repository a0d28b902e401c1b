"""Models' own programs: checkouts of their authors' repositories, run as processes of their own."""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.weights.catalog import Program

INTERPRETER = Path(".venv/bin/python")
POLL_SECONDS = 0.2
# A program whose main thread failed may wait for its other threads for ever.
HUNG_AFTER_TRACEBACK_SECONDS = 10.0
TRACEBACK = "Traceback (most recent call last)"
TAIL_LINES = 60
MAX_LINE = 4096  # bytes; what is longer comes in parts


@dataclass(frozen=True)
class Checkout:
    """A program's files on disk: ``folder`` is the work tree, with an interpreter in its ``.venv``."""

    program: Program
    folder: Path

    @property
    def interpreter(self) -> Path:
        """Its own Python, with what it imports."""
        return self.folder / INTERPRETER

    @property
    def file(self) -> Path:
        """What is run."""
        return self.folder / self.program.file

    def check(self) -> None:
        """Raises ``DarkroomError`` (``engine_unavailable``) saying what is missing, and how it is mended."""
        there = _commit(self.folder)
        if not self.file.is_file():
            raise self._wrong("is not here")
        if there != self.program.commit:
            raise self._wrong(f"is here at {there[:8] if there else 'no commit that could be read'}")
        if not self.interpreter.exists():
            raise self._wrong(f"has no {INTERPRETER} here")

    def _wrong(self, what: str) -> DarkroomError:
        program = self.program
        return DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"The program {program.repository} {what}, and is wanted at {program.commit[:8]}, as the folder "
            f"{self.folder.name!r} in DARKROOM_PROGRAMS: containers/gpu/Dockerfile shows how it gets there.",
        )


@dataclass(frozen=True)
class ProgramExit:
    """How a program ended: its exit status, negative for the signal that ended it, and the last lines of its errors."""

    status: int
    stderr_tail: str


def run_program(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    on_line: Callable[[str], None],
    check: Callable[[], None],
) -> ProgramExit:
    """Run ``command`` in ``folder`` with nothing but ``environment``, in a session of its own.

    ``hear`` gets each line of its standard error, on another thread, also those that only a carriage return ends.
    ``check`` is called several times a second; what it raises ends the program with all that it started. So is a
    program ended that printed a traceback and then nothing more.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    errors = _StderrReader(process.stderr, on_line)
    errors.start()
    try:
        while process.poll() is None:
            check()
            if errors.seconds_since_traceback() > HUNG_AFTER_TRACEBACK_SECONDS:
                _end(process)
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL_SECONDS)
    finally:
        _end(process)
        # Whatever else still has the pipe open is not waited for.
        errors.join(POLL_SECONDS)
    return ProgramExit(process.returncode, errors.tail())


class _StderrReader(threading.Thread):
    """Reads a program's standard error and keeps the end of it."""

    def __init__(self, stream: IO[bytes], hear: Callable[[str], None]) -> None:
        super().__init__(name="program-errors", daemon=True)
        self._stream = stream
        self._hear = hear
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._failed = False
        self._heard = time.monotonic()

    def run(self) -> None:
        """Until the program's end."""
        waiting = b""
        with self._stream:
            while block := os.read(self._stream.fileno(), MAX_LINE):
                *lines, waiting = (waiting + block).replace(b"\r", b"\n").split(b"\n")
                if len(waiting) >= MAX_LINE:
                    lines, waiting = [*lines, waiting], b""
                for line in lines:
                    self._take(line.decode("utf-8", "replace"))
        self._take(waiting.decode("utf-8", "replace"))

    def seconds_since_traceback(self) -> float:
        """For how many seconds nothing was heard after a traceback; 0 when there was none."""
        return time.monotonic() - self._heard if self._failed else 0.0

    def tail(self) -> str:
        """The last lines."""
        return "\n".join([*self._lines])

    def _take(self, line: str) -> None:
        self._heard = time.monotonic()
        if line.strip():
            self._failed |= line.startswith(TRACEBACK)
            self._lines.append(line)
            self._hear(line)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _commit(folder: Path) -> str | None:
    """The commit that a work tree is at; None when there is none, or Git's files cannot be read."""
    git = folder / ".git"
    try:
        head = (git / "HEAD").read_text("ascii").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (git / name).is_file():
            return (git / name).read_text("ascii").strip()
        packed = (line.split(" ", 1) for line in (git / "packed-refs").read_text("ascii").splitlines() if " " in line)
        return next((commit for commit, ref in packed if ref == name), None)
    except (OSError, UnicodeDecodeError):
        return None
