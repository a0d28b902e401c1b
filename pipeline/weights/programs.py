"""Model programs: checkouts of model authors' repositories, run as subprocesses."""

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
# A program whose main thread failed may wait forever for its other threads.
HUNG_AFTER_TRACEBACK_SECONDS = 10.0
TRACEBACK = "Traceback (most recent call last)"
TAIL_LINES = 60
MAX_LINE = 4096  # bytes; longer lines are split


@dataclass(frozen=True)
class Checkout:
    """A program's checkout on disk: ``folder`` is the work tree, with an interpreter in its ``.venv``."""

    program: Program
    folder: Path

    @property
    def interpreter(self) -> Path:
        """Path of the program's own Python interpreter."""
        return self.folder / INTERPRETER

    @property
    def file(self) -> Path:
        """Path of the script to run."""
        return self.folder / self.program.file

    def check(self) -> None:
        """Check that the script, the commit and the interpreter are as expected.

        Raises ``DarkroomError`` (``engine_unavailable``) naming what is missing and how to fix it.
        """
        commit = _commit(self.folder)
        if not self.file.is_file():
            raise self._unavailable_error("is not here")
        if commit != self.program.commit:
            raise self._unavailable_error(f"is here at {commit[:8] if commit else 'no commit that could be read'}")
        if not self.interpreter.exists():
            raise self._unavailable_error(f"has no {INTERPRETER} here")

    def _unavailable_error(self, problem: str) -> DarkroomError:
        program = self.program
        return DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"The program {program.repository} {problem}, and is wanted at {program.commit[:8]}, as the folder "
            f"{self.folder.name!r} in DARKROOM_PROGRAMS: containers/gpu/Dockerfile shows how it gets there.",
        )


@dataclass(frozen=True)
class ProgramExit:
    """Result of a program: its exit status, or the negative number of the signal, and the end of its stderr."""

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
    """Run ``command`` in ``folder`` with only ``environment`` set, in a session of its own.

    ``on_line`` receives each line of its stderr, from another thread; a carriage return ends a line, too. ``check`` is
    called several times a second. If it raises, the program and all its child processes are killed. They are also
    killed if the program prints a traceback and then nothing for ten seconds.
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
                _kill_process_group(process)
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL_SECONDS)
    finally:
        _kill_process_group(process)
        # Another process may still hold the pipe open: do not wait for it.
        errors.join(POLL_SECONDS)
    return ProgramExit(process.returncode, errors.tail())


class _StderrReader(threading.Thread):
    """Thread that reads a program's stderr and keeps the last lines."""

    def __init__(self, stream: IO[bytes], on_line: Callable[[str], None]) -> None:
        super().__init__(name="program-errors", daemon=True)
        self._stream = stream
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._saw_traceback = False
        self._last_output_at = time.monotonic()

    def run(self) -> None:
        """Read until the stream ends."""
        pending = b""
        with self._stream:
            while block := os.read(self._stream.fileno(), MAX_LINE):
                *lines, pending = (pending + block).replace(b"\r", b"\n").split(b"\n")
                if len(pending) >= MAX_LINE:
                    lines, pending = [*lines, pending], b""
                for line in lines:
                    self._handle_line(line.decode("utf-8", "replace"))
        self._handle_line(pending.decode("utf-8", "replace"))

    def seconds_since_traceback(self) -> float:
        """Return the seconds of silence after a traceback; 0 without a traceback."""
        return time.monotonic() - self._last_output_at if self._saw_traceback else 0.0

    def tail(self) -> str:
        """Return the last lines."""
        return "\n".join([*self._lines])

    def _handle_line(self, line: str) -> None:
        self._last_output_at = time.monotonic()
        if line.strip():
            self._saw_traceback |= line.startswith(TRACEBACK)
            self._lines.append(line)
            self._on_line(line)


def _kill_process_group(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _commit(folder: Path) -> str | None:
    """Return the commit of a work tree; None if it has none, or if Git's files cannot be read."""
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
