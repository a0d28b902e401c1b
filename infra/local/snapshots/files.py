"""Snapshot files: a stack's state on disk, replaced as a whole, checked and repaired before each start.

A snapshot is written into ``state.next``. Renaming that to ``state.committed`` commits it. Its files then replace those
in ``state``, which become the earlier snapshot in ``state.previous``. Interrupted at any point, the next start finishes
or drops it. The emulator reads ``state`` alone; its code archives and signing keys are there, too.
"""

import ast
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, ValidationError

from infra.local.state import StateFile

STATE = "state"
MANIFEST = "snapshot.json"
_NEXT = "state.next"
_COMMITTED = "state.committed"
_PREVIOUS = "state.previous"
_DAMAGED = ".damaged"
_LOCK = "state.lock"
_SAVED_WITHIN_SECONDS = 1.0  # between the last call and the state's file, whose times are coarse
_LOCK_SECONDS = 90.0  # longer than a snapshot may take
_NOT_SAVED = "the emulator was killed or could not save them"
_BLOBS = "lambda-blobs"
_BLOB = re.compile(r'"code_blob_ref": ?"([0-9a-f]{64})"')


class Manifest(BaseModel):
    """Time of a snapshot, and the names of its files."""

    saved_at: datetime
    files: list[str]


class UnsavedChanges(StateFile):
    """Mark that the running emulator has changes since a time that are in no snapshot yet."""

    since: datetime

    @classmethod
    def file(cls) -> str:
        return "unsaved.json"


class LostWork(StateFile):
    """Mark that a stack was restored without its changes since a time, and that their objects are still stored."""

    since: datetime
    reason: str

    @classmethod
    def file(cls) -> str:
        return "lost.json"


class SnapshotFiles:
    """Snapshot files of the stack in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / STATE
        self._next = folder / _NEXT
        self._committed = folder / _COMMITTED
        self._previous = folder / _PREVIOUS

    @contextmanager
    def lock_for_copy(self) -> Iterator[int]:
        """Take the snapshot's lock for a process that is forked meanwhile, which holds it until it ends.

        Returns the lock's descriptor. Raises ``OSError`` if the lock is taken.
        """
        import fcntl  # noqa: PLC0415 - where there is no fork, there is no fcntl

        lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield lock
        finally:
            os.close(lock)  # without unlocking: the copy has the descriptor, too

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the snapshot's lock: a process that writes a snapshot outlives an emulator that was killed."""
        with FileLock(self.folder / _LOCK, timeout=_LOCK_SECONDS, mode=0o600):
            yield

    def save(self, texts: Mapping[str, str], *, now: datetime) -> None:
        """Replace the snapshot by one with these files, all or none; call with the lock. Raises ``OSError``."""
        self._finish()
        self._next.mkdir(mode=0o700)
        manifest = Manifest(saved_at=now, files=sorted(texts)).model_dump_json()
        try:
            for name, text in {**texts, MANIFEST: manifest}.items():
                _write_durably(self._next / name, text)
        except BaseException:
            shutil.rmtree(self._next, ignore_errors=True)
            raise
        self._next.rename(self._committed)
        self._finish()

    def repair(self) -> list[str]:
        """Make the state usable before the emulator starts; return a sentence for everything that was set aside.

        What the restored state lacks is marked by ``LostWork``.
        """
        with self.locked():
            return list(self._repair())

    def _repair(self) -> Iterator[str]:
        self._finish()
        unsaved = UnsavedChanges.read(self.folder)
        if unsaved is not None:
            manifest = _manifest(self.state)  # a snapshot that was being written may have been finished since
            since = max(unsaved.since, manifest.saved_at) if manifest is not None else unsaved.since
            self._mark_lost(since, _NOT_SAVED)
        elif (saved_at := self._end_before_last_objects()) is not None:
            self._mark_lost(saved_at, _NOT_SAVED)
        if damaged := _damaged(self.state):
            yield self._set_aside(damaged)
        yield from self._remove_unknown_buckets()
        self._remove_unused_blobs()
        (self.folder / UnsavedChanges.file()).unlink(missing_ok=True)

    def _end_before_last_objects(self) -> datetime | None:
        """Return the time of a state without a manifest, if objects were stored after it; otherwise None.

        Versions before snapshots saved the state at a clean stop alone, and marked no changes.
        """
        saved = [path.stat().st_mtime for path in self.state.glob("*.json")]
        if not saved or _manifest(self.state) is not None:
            return None
        objects = (path for path in (self.folder / "s3").rglob("*") if path.is_file())
        if all(path.stat().st_mtime <= max(saved) + _SAVED_WITHIN_SECONDS for path in objects):
            return None
        return datetime.fromtimestamp(max(saved), UTC)

    def _finish(self) -> None:
        """Finish a committed snapshot; drop one that is incomplete."""
        shutil.rmtree(self._next, ignore_errors=True)
        if not self._committed.is_dir():
            return
        self.state.mkdir(exist_ok=True)
        self._previous.mkdir(mode=0o700, exist_ok=True)
        for path in sorted(self._committed.iterdir()):
            current = self.state / path.name
            if current.exists():
                current.replace(self._previous / path.name)
            path.replace(current)
        self._committed.rmdir()

    def _set_aside(self, damaged: list[str]) -> str:
        """Set damaged files aside and restore the earlier snapshot. Without one, set the whole state aside."""
        names = ", ".join(f"{STATE}/{name}" for name in damaged)
        for name in damaged:
            with suppress(FileNotFoundError):  # it may be missing
                (self.state / name).replace(self.state / f"{name}{_DAMAGED}")
        manifest = _manifest(self._previous)
        if manifest is not None and not _damaged(self._previous):
            for name in [*manifest.files, MANIFEST]:
                shutil.copyfile(self._previous / name, self.state / name)
            self._mark_lost(manifest.saved_at, f"{names} was damaged")
            return f"{names} is damaged: kept as *{_DAMAGED}; the state of {clock(manifest.saved_at)} is restored"
        aside = self._free_name(f"{STATE}{_DAMAGED}")
        aside.mkdir(mode=0o700)
        for folder in (self.state, self.folder / "s3"):
            if folder.is_dir():
                folder.rename(aside / folder.name)
        (self.folder / LostWork.file()).unlink(missing_ok=True)  # its objects are set aside, too
        return (
            f"{names} is damaged, and there is no earlier state: jobs, pictures and users start anew; "
            f"the old ones are kept in {aside}"
        )

    def _free_name(self, name: str) -> Path:
        taken = {path.name for path in self.folder.iterdir()}
        numbers = (f"{name}-{number}" for number in range(1, len(taken) + 2))
        return self.folder / next(each for each in (name, *numbers) if each not in taken)

    def _mark_lost(self, since: datetime, reason: str) -> None:
        """Record lost work; work lost earlier, whose objects are not removed yet, is kept in mind."""
        known = LostWork.read(self.folder)
        if known is None or since < known.since:
            LostWork(since=since, reason=reason).write(self.folder)

    def _remove_unknown_buckets(self) -> Iterator[str]:
        """Remove buckets that the state does not know. S3 stores a bucket at once, and creating it again would fail."""
        known = _buckets(self.state / "s3.json")
        if known is None:
            return
        unknown = [path for path in (self.folder / "s3").glob("[0-9]*/*") if path.is_dir() and path.name not in known]
        for path in unknown:
            shutil.rmtree(path)
        if unknown and not known:
            yield "the emulator was killed before its first snapshot: the stack is deployed anew"

    def _remove_unused_blobs(self) -> None:
        """Remove code archives to which neither snapshot refers."""
        used: set[str] = set()
        for folder in (self.state, self._previous):
            with suppress(OSError):
                used |= set(_BLOB.findall((folder / "lambda.json").read_text()))
        for path in (self.state / _BLOBS).glob("*.zip"):
            if path.stem not in used:
                path.unlink()


def clock(time: datetime) -> str:
    """Return a time of day as users read it, in their own zone."""
    return f"{time.astimezone():%H:%M:%S}"


def now() -> datetime:
    """Return the present time with its zone."""
    return datetime.now(UTC)


def _write_durably(path: Path, text: str) -> None:
    """Write a file through to the disk, so that a loss of power cannot leave it empty after its folder was renamed."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _manifest(folder: Path) -> Manifest | None:
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None


def _damaged(folder: Path) -> list[str]:
    """Return the names of state files that are truncated or invalid, or missing although the manifest names them."""
    manifest = _manifest(folder)
    expected = set(manifest.files) if manifest is not None else set()
    names = expected | {path.name for path in folder.glob("*.json")}
    return sorted(name for name in names if not _is_valid(folder / name))


def _is_valid(path: Path) -> bool:
    if path.name == MANIFEST:
        return _manifest(path.parent) is not None
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):  # text that is not UTF-8 is a ValueError, too
        return False
    return isinstance(content, dict) and isinstance(content.get("payload"), dict)


def _buckets(path: Path) -> set[str] | None:
    """Return the names of the buckets in S3's state, whose keys are an account and the quoted name.

    None for a state of another form.
    """
    try:
        data = json.loads(path.read_bytes())["payload"]["buckets_meta"]["data"]
        return {ast.literal_eval(key.partition("\0")[2]) for key in data}
    except FileNotFoundError:
        return set()
    except (KeyError, TypeError, ValueError, SyntaxError):
        return None
