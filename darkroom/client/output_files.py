"""Output files: a file is replaced atomically, a symbolic link is followed, a device or a pipe is written into."""

import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

# Names of this process's own descriptors: also if they are regular files, these are open and must not be replaced.
_DESCRIPTORS = ("/dev/stdout", "/dev/stderr", "/dev/fd", "/proc/self/fd")


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Yield a file that replaces ``path`` at the end of the block: a reader sees the old contents or all of the new.

    After an error, ``path`` is unchanged. If it is a symbolic link, its target is replaced, and need not exist. An
    existing file keeps its mode; with ``private``, only the owner can read the file. A stream is written into.
    """
    if is_stream(path):
        with tempfile.TemporaryFile() as file:
            yield file
            write_into(path, file)
        return
    target = follow_links(path)
    # A short name of its own: the target's may be as long as a name can be.
    temporary = target.with_name(f".{secrets.token_hex(8)}.part")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o600 if private else 0o666)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            if not private and target.exists():
                shutil.copymode(target, temporary)
            yield file
        _replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def follow_links(path: Path) -> Path:
    """Return what a symbolic link leads to, whether it exists or not. Raises ``OSError`` for links in a circle."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return target


def is_stream(path: Path) -> bool:
    """Return True for a device, a pipe, a socket, or a descriptor of this process such as ``/dev/stdout``."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    own = path.parent if path.parent.as_posix() in _DESCRIPTORS else path
    return own.as_posix() in _DESCRIPTORS or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def discards(stream: Path) -> bool:
    """Return True for the null device."""
    return stream.samefile(os.devnull)


def is_named_pipe(path: Path) -> bool:
    """Return True for a named pipe. Opening it waits for its reader."""
    return path.is_fifo()


def stream_problem(path: Path) -> str | None:
    """Return why a result cannot be written into a stream, such as ``is a socket``; None if it can."""
    mode = path.stat().st_mode
    if stat.S_ISBLK(mode):
        return "is a disk: a result would overwrite what is on it"
    if stat.S_ISSOCK(mode):
        return "is a socket"
    return None if os.access(path, os.W_OK) else "cannot be written"


def write_into(path: Path, contents: BinaryIO) -> None:
    """Write the contents of a file into a stream. Raises ``OSError``."""
    if (problem := stream_problem(path)) is not None:
        raise OSError(errno.EINVAL, problem, str(path))
    contents.seek(0)
    # Without creating or truncating: a file behind ``/dev/stdout`` may have contents already.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "wb") as stream:
        shutil.copyfileobj(contents, stream)


def _replace(temporary: Path, target: Path) -> None:
    try:
        os.replace(temporary, target)  # noqa: PTH105 - Path.replace is the same, os.replace says it is atomic
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        # A single file that is mounted into a container cannot be replaced.
        shutil.copyfile(temporary, target)
