"""Lock of a stack's folder: one command at a time changes the stack; the others wait and say for whom."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from infra.local.process import Process
from infra.local.progress import Say
from infra.local.state import StateFile, private_folder

LOCK = "lock"
_POLL_SECONDS = 0.1
_RECORD_TRIES = 10


class LockHolder(StateFile):
    """Command that holds the lock of a folder, for the message to those who wait."""

    command: str
    process: Process

    @classmethod
    def file(cls) -> str:
        return "lock_holder.json"


@contextmanager
def locked(folder: Path, command: str, say: Say) -> Iterator[None]:
    """Hold the lock of a folder for ``command``; wait while another process holds it, and say so.

    The system releases the lock of a process that has ended, however that happened.
    """
    private_folder(folder)
    lock = FileLock(folder / LOCK, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"waiting for {_holder(folder)}, which is changing this stack")
        lock.acquire(poll_interval=_POLL_SECONDS)
    try:
        own = Process(pid=os.getpid(), created=psutil.Process().create_time())
        with suppress(OSError):  # a full disk is no reason not to stop a stack
            LockHolder(command=command, process=own).write(folder)
        yield
    finally:
        (folder / LockHolder.file()).unlink(missing_ok=True)
        lock.release()


def _holder(folder: Path) -> str:
    """Return who holds the lock. The record follows the lock by a moment, and a full disk has none."""
    for _ in range(_RECORD_TRIES):
        holder = LockHolder.read(folder)
        if holder is not None and holder.process.find() is not None:
            return f"`{holder.command}` (process {holder.process.pid})"
        time.sleep(_POLL_SECONDS)
    return "another command"
