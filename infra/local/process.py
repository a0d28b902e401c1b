"""Background processes: started by one command, found and stopped by another."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil
from pydantic import BaseModel

_CLOCK_SECONDS = 2.0  # readings of one start time may differ by the resolution of the boot time
_CHILD_SECONDS = 1.0
_KILL_SECONDS = 5.0
_POLL_SECONDS = 0.02
# Kept until they end: a dropped Popen warns that its process still runs, as it should here.
_started: "list[subprocess.Popen[bytes]]" = []


class Process(BaseModel):
    """A process, identified by its id and start time: ids are reused, the pair is not."""

    pid: int
    created: float

    @classmethod
    def spawn(cls, command: Sequence[str], *, environment: Mapping[str, str], log: Path, folder: Path) -> Self:
        """Start ``command`` in its own session (unaffected by Ctrl-C), with its output in ``log``."""
        log.parent.mkdir(parents=True, exist_ok=True)
        _forget_ended()
        with log.open("wb") as output:
            popen = subprocess.Popen(
                list(command),
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _started.append(popen)
        return cls(pid=popen.pid, created=psutil.Process(popen.pid).create_time())

    def find(self) -> psutil.Process | None:
        """Return the process, or None if it has ended or its id belongs to another one."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) > _CLOCK_SECONDS:
                return None
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        except psutil.NoSuchProcess:
            return None

    def stop(self, seconds: float) -> bool:
        """Terminate the process and its children; kill them after ``seconds``. Returns True if it ended in time."""
        process = self.find()
        if process is None:
            return True
        children = process.children(recursive=True)
        with suppress(psutil.NoSuchProcess):
            process.terminate()
        alive = _wait([process], seconds)
        left = [*alive, *_wait(children, 0.0 if alive else _CHILD_SECONDS)]
        for stray in left:
            with suppress(psutil.NoSuchProcess):
                stray.kill()
        _wait(left, _KILL_SECONDS)
        _forget_ended()
        return not alive


def _forget_ended() -> None:
    """Reap the processes started here that have ended."""
    _started[:] = [each for each in _started if each.poll() is None]


def _wait(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Return the processes that still run after ``seconds``.

    In a container without an init, an ended process may stay a zombie forever; psutil's own wait would hang on it.
    """
    deadline = time.monotonic() + seconds
    left = [process for process in processes if _runs(process)]
    while left and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        left = [process for process in left if _runs(process)]
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
