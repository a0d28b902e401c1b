"""Private mark: a file that marks the stack which a command has started for itself, and whose lock tells that it runs.

The system releases the lock when the command ends, however that happens. A process id would not do: ids are reused,
clocks are set, and containers number their processes by themselves.
"""

import errno
import os
import sys
import time
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

NAME = "private"
# Windows locks a range of bytes, which others cannot read: one far behind the contents.
_LOCKED_BYTE = 1 << 30
_RETRY_SECONDS = 0.5


class PrivateMark:
    """The mark of a stack's folder, held by the process that made it until ``release``."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o600)
        _wait_for_lock(self._descriptor, shared=False)
        # Only a mark with contents can be abandoned: one without is about to be locked.
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Release the mark; idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def is_private(folder: Path) -> bool:
    """Return True if a command has started the stack in ``folder`` for itself. Another user's folder may be closed."""
    return os.path.exists(folder / NAME)  # noqa: PTH110 - ``Path.exists`` raises PermissionError


def is_abandoned(folder: Path) -> bool:
    """Return True if the command that started the stack in ``folder`` for itself has ended without removing it."""
    try:
        descriptor = os.open(folder / NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        return os.fstat(descriptor).st_size > 0 and _try_lock(descriptor)
    finally:
        os.close(descriptor)


def wait_until_abandoned(folder: Path) -> bool:
    """Wait until the command that started the stack in ``folder`` ends. Return False if it has removed the folder."""
    try:
        descriptor = os.open(folder / NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        ended = _wait_for_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)
    return ended and is_private(folder)


def _try_lock(descriptor: int) -> bool:
    """Return True if no process holds the lock. A file system without locks never says so."""
    try:
        _lock(descriptor, shared=True, wait=False)
    except OSError:
        return False
    return True


def _wait_for_lock(descriptor: int, *, shared: bool) -> bool:
    """Return True with the lock; False at once on a file system without locks."""
    while True:
        try:
            _lock(descriptor, shared=shared, wait=True)
        except OSError as error:
            if error.errno != errno.EDEADLK:  # Windows gives up after ten seconds
                return False
            time.sleep(_RETRY_SECONDS)
        else:
            return True


if sys.platform == "win32":

    def _lock(descriptor: int, *, shared: bool, wait: bool) -> None:  # noqa: ARG001 - all its locks are exclusive
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:

    def _lock(descriptor: int, *, shared: bool, wait: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
