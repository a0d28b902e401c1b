"""File hashing: SHA-256 of weight files, cached until a file changes, several files at once."""

import hashlib
import os
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Thread

# hashlib computes without the interpreter's lock. More threads than this read no faster from one disk.
THREADS = min(4, os.cpu_count() or 1)

# By absolute path: size and modification time of the file when it was hashed, and its SHA-256.
_hashed: dict[Path, tuple[tuple[int, int], str]] = {}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, lower-case hex. Cached per process until the file's size or time changes."""
    known = known_sha256(path)
    if known is None:
        state = _state(path)
        with path.open("rb") as file:
            known = hashlib.file_digest(file, "sha256").hexdigest()
        _hashed[path] = (state, known)
    return known


def known_sha256(path: Path) -> str | None:
    """Return the cached SHA-256 of a file; None if it was not hashed since it changed."""
    hashed = _hashed.get(path)
    return hashed[1] if hashed is not None and hashed[0] == _state(path) else None


def hash_files(paths: Iterable[Path]) -> None:
    """Hash files, several at once, for later calls of ``sha256_of``. Files that cannot be read are left out."""
    pending = deque(paths)
    # Not a pool, whose threads would keep a process that ends until all its files are hashed.
    threads = [Thread(target=_hash_pending, args=(pending,), name="hashing", daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def forget(path: Path) -> None:
    """Remove a file's hash from the cache, as after changes that keep size and time."""
    _hashed.pop(path, None)


def _hash_pending(paths: deque[Path]) -> None:
    with suppress(IndexError):
        while True:
            path = paths.popleft()
            with suppress(OSError):
                sha256_of(path)


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return (stat.st_size, stat.st_mtime_ns)
