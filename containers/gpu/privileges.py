"""Privileges of the server: started as root, as SageMaker requires, it goes on as an ordinary user where it can.

SageMaker mounts the weights and the GPU's devices, and nothing says which users may open them. Their rights are
therefore checked before the change. Where something is missing, the server stays root, so that it can work.
"""

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

logger = logging.getLogger(__name__)

_DEVICES = Path("/dev")


def drop_root(name: str, weights: Path, temporary: Path) -> bool:
    """Go on as the user ``name`` if it can read the weights, use the GPU's devices and write to ``temporary``.

    Returns False, with the reason in the log, where the process stays what it is. On other systems than Linux, and for
    a process that is not root, nothing is done.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    import pwd  # noqa: PLC0415 - not on Windows

    try:
        user = pwd.getpwnam(name)
        closed = first_inaccessible(user.pw_uid, user.pw_gid, read=_tree(weights), write=[temporary, *_gpu_devices()])
    except (KeyError, OSError) as error:
        logger.warning("staying root: the rights of the user %s are unknown: %s", name, error)
        return False
    if closed is not None:
        logger.warning("staying root: the user %s cannot open %s", name, closed)
        return False
    _become(user.pw_uid, user.pw_gid)
    os.environ["HOME"] = str(temporary)  # the user has no home; libraries keep caches there
    logger.info("went on as the user %s", name)
    return True


def first_inaccessible(uid: int, gid: int, *, read: Iterable[Path], write: Iterable[Path]) -> str | None:
    """Return the first path that a user cannot read, or read and write; None if there is none.

    Tried by a forked process of that user, since rights are more than the bits of a file. Call it before the first
    thread. Raises ``OSError`` when that process fails.
    """
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _become(uid, gid)
            os.write(sending, os.fsencode(next(_inaccessible(read, write), "")))
            status = 0
        finally:
            os._exit(status)
    os.close(sending)
    with os.fdopen(receiving, "rb") as answer:
        found = os.fsdecode(answer.read())
    if os.waitpid(child, 0)[1]:
        raise OSError("the process that tries them failed")
    return found or None


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _inaccessible(read: Iterable[Path], write: Iterable[Path]) -> Iterator[str]:
    for paths, right in ((read, os.R_OK), (write, os.R_OK | os.W_OK)):
        for path in paths:
            if not os.access(path, right | (os.X_OK if path.is_dir() else 0)):
                yield str(path)


def _tree(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield folder
        yield from sorted(folder.rglob("*"))


def _gpu_devices() -> Iterator[Path]:
    """Yield the devices that the NVIDIA driver makes."""
    yield from sorted(path for path in _DEVICES.glob("nvidia*") if not path.is_dir())
