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
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_CHILD_SECONDS = 1.0
_KILL_SECONDS = 5.0
_POLL_SECONDS = 0.02
# Kept until they end: a dropped Popen warns that its process still runs, as it should here.
_started: "list[subprocess.Popen[bytes]]" = []


class Process(BaseModel):
    """A process, identified by its id and start time: ids are reused, the pair is not.

    On Linux, the start time is that since the boot: the time of day is set while processes run.
    """

    pid: int
    created: float
    boot_id: str | None = None
    since_boot: float | None = None

    @classmethod
    def of(cls, process: psutil.Process) -> Self:
        """Return the identity of a running process. Raises ``psutil.NoSuchProcess``."""
        created = process.create_time()
        return cls(pid=process.pid, created=created, boot_id=_boot_id(), since_boot=created - psutil.boot_time())

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
        return cls.of(psutil.Process(popen.pid))

    def find(self) -> psutil.Process | None:
        """Return the process, or None if it has ended or its id belongs to another one."""
        try:
            process = psutil.Process(self.pid)
            if not self._is(Process.of(process)):
                return None
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        except psutil.NoSuchProcess:
            return None

    def _is(self, other: "Process") -> bool:
        """Return True if both are one process. Their ids are equal."""
        if self.boot_id is None or self.since_boot is None or other.since_boot is None:
            return abs(other.created - self.created) <= _CLOCK_SECONDS
        return other.boot_id == self.boot_id and abs(other.since_boot - self.since_boot) <= _CLOCK_SECONDS

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


def _boot_id() -> str | None:
    """Return the id of the running system's boot; None where there is none."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return None


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
