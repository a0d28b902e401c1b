"""Snapshot saver: saves the emulator's state in the background, soon after every change.

Where the system has ``fork``, a copy of the process writes the snapshot: all services are saved as they were at one
moment, and calls wait for the fork only. Elsewhere, the state is copied in the event loop and written by a thread.
"""

import asyncio
import logging
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from infra.local.snapshots.files import SnapshotFiles, UnsavedChanges, now

logger = logging.getLogger(__name__)

QUIET_SECONDS = 1.0
_SHARE = 10  # saving takes a tenth of one processor, as long as the pause is not limited
_MAX_PAUSE_SECONDS = 5.0
_AFTER_FAILURE_SECONDS = 10.0
_SAVE_SECONDS = 60

Serialize = Callable[[], Mapping[str, str]]


class SnapshotFailed(RuntimeError):
    """Raised when the process that writes a snapshot fails; it has written its reason to the log."""


class SnapshotSaver:
    """Saves snapshots after changes, and marks changes that are not saved yet.

    ``serialize`` returns the state; ``blocked`` returns True while no snapshot may be taken.
    """

    def __init__(self, files: SnapshotFiles, serialize: Serialize, blocked: Callable[[], bool]) -> None:
        self._files = files
        self._serialize = serialize
        self._blocked = blocked
        self._dirty = asyncio.Event()
        self._stopped = asyncio.Event()
        self._last_change = 0.0
        self._unsaved: UnsavedChanges | None = None  # the first change after the start of the last snapshot
        self._child: int | None = None
        self._saving = False

    def changed(self) -> None:
        """Note that a change follows."""
        self._last_change = time.monotonic()
        self._dirty.set()
        if self._unsaved is None:
            self._unsaved = UnsavedChanges(since=now())
            if not self._saving:  # else the file's earlier time holds until the snapshot is committed
                self._mark(self._unsaved)

    async def run(self) -> None:
        """Save after changes until stopped."""
        pause = QUIET_SECONDS
        while not self._stopped.is_set():
            await self._dirty.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), pause)
            if self._stopped.is_set():
                return
            pause = QUIET_SECONDS if self._blocked() else await self._save()

    def stop(self) -> None:
        """Stop saving; a snapshot that is being written is dropped."""
        self._stopped.set()
        self._dirty.set()
        if self._child is not None:
            with suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)

    def save_finally(self) -> None:
        """Save the state of an emulator that ends; call after ``run`` has returned."""
        if self._blocked():
            logger.warning("no last snapshot: a deployment was interrupted")
            return
        try:
            self._write(self._serialize(), now())
        except Exception as error:  # the state of the snapshot before is kept
            logger.error("the last snapshot failed: %r", error)  # noqa: TRY400 - a full disk needs no traceback
        else:
            self._mark(None)

    async def _save(self) -> float:
        """Save one snapshot; return the pause before the next one."""
        # What a function did after its last call, such as deleting its message, needs one more snapshot.
        if time.monotonic() - self._last_change >= QUIET_SECONDS:
            self._dirty.clear()
        covered, self._unsaved = self._unsaved, None
        self._saving = True
        try:
            seconds = await (self._save_in_copy() if hasattr(os, "fork") else self._save_in_thread())
        except Exception as error:  # whatever it is, calls go on and another snapshot may succeed
            logger.error("a snapshot failed: %r", error)  # noqa: TRY400 - a full disk needs no traceback
            self._unsaved = covered or self._unsaved
            self._dirty.set()
            return _AFTER_FAILURE_SECONDS
        finally:
            self._saving = False
        self._mark(self._unsaved)
        return min(max(QUIET_SECONDS, _SHARE * seconds), _MAX_PAUSE_SECONDS)

    async def _save_in_copy(self) -> float:
        """Save in a forked process; return its processor time. Raises ``OSError`` or ``SnapshotFailed``."""
        with self._files.lock_for_copy() as lock:
            moment = now()
            self._child = _fork()
            if not self._child:
                self._write_as_copy(lock, moment)
        try:
            _, status, usage = await asyncio.to_thread(os.wait4, self._child, 0)
        finally:
            self._child = None
        if status:
            raise SnapshotFailed(f"status {os.waitstatus_to_exitcode(status)} of the copied process")
        return float(usage.ru_utime + usage.ru_stime)

    def _write_as_copy(self, lock: int, moment: datetime) -> None:
        """Write the snapshot in a forked process, which holds the lock until it ends, and so outlives a kill."""
        status = 1
        try:
            signal.alarm(_SAVE_SECONDS)  # ends a copy that hangs
            _close_inherited_files(lock)
            self._files.save(self._serialize(), now=moment)
            status = 0
        except BaseException as error:  # a copy must never return to the event loop
            os.write(sys.stderr.fileno(), f"a snapshot failed: {error!r}\n".encode())
        finally:
            os._exit(status)

    async def _save_in_thread(self) -> float:
        """Copy the state here and write it in a thread; return the seconds. Raises ``OSError``."""
        start = time.monotonic()
        await asyncio.to_thread(self._write, self._serialize(), now())
        return time.monotonic() - start

    def _write(self, texts: Mapping[str, str], moment: datetime) -> None:
        with self._files.locked():
            self._files.save(texts, now=moment)

    def _mark(self, unsaved: UnsavedChanges | None) -> None:
        try:
            if unsaved is not None:
                unsaved.write(self._files.folder)
            else:
                (self._files.folder / UnsavedChanges.file()).unlink(missing_ok=True)
        except OSError:  # as on a full disk; calls go on
            logger.exception("unsaved changes could not be marked")


def _fork() -> int:
    with warnings.catch_warnings():
        # Python 3.12 warns of locks that another thread holds. The copy takes none of them; it is killed if it hangs.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _close_inherited_files(lock: int) -> None:
    """Close everything but the standard streams and ``lock``: a copied socket would keep its port and its peer."""
    for path in list(Path("/dev/fd").iterdir()):
        with suppress(OSError):
            if int(path.name) not in (0, 1, 2, lock):
                os.close(int(path.name))
