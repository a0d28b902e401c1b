"""Processes that outlive the command that started them, and stopping them without hitting a stranger."""

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil
from pydantic import BaseModel

_CLOCK_SECONDS = 2.0  # two readings of the same start may differ by the resolution of the boot time
_KILL_SECONDS = 5.0


class Process(BaseModel):
    """A process, known by its id and its start: ids are used again, the pair is not."""

    pid: int
    created: float

    @classmethod
    def spawn(cls, command: Sequence[str], *, environment: Mapping[str, str], log: Path, folder: Path) -> Self:
        """Start ``command`` in a session of its own (a Ctrl-C is not for it), output appended to ``log``."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            popen = subprocess.Popen(
                list(command),
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(pid=popen.pid, created=psutil.Process(popen.pid).create_time())

    def find(self) -> psutil.Process | None:
        """The process, if it is still the same one and has not ended."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) > _CLOCK_SECONDS:
                return None
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        except psutil.NoSuchProcess:
            return None

    def stop(self, seconds: float) -> bool:
        """Ask it to end and wait; then make it. Its children end with it. True when it ended by itself in time."""
        process = self.find()
        if process is None:
            return True
        children = process.children(recursive=True)
        with suppress(psutil.NoSuchProcess):
            process.terminate()
        gone, alive = psutil.wait_procs([process], timeout=seconds)
        _, left = psutil.wait_procs(children, timeout=1.0 if gone else 0.0)
        for stray in (*alive, *left):
            with suppress(psutil.NoSuchProcess):
                stray.kill()
        psutil.wait_procs([*alive, *left], timeout=_KILL_SECONDS)
        return not alive
