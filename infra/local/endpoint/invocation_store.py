"""Invocation store: one file for each accepted invocation, so that none is lost when the stand-in ends.

SageMaker's own queue is durable. A file is written before the invocation is accepted. It says whether an instance has
the invocation, and then its answer, until the notification of it has been delivered. Notifications stay for some
minutes after that: what they start may be lost when the emulator ends, and a further copy of them does no harm.
"""

import logging
import threading
import time
import uuid
from collections import deque
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.local.endpoint.invocation import EndpointInvocation
from infra.local.state import private_folder, write_private

logger = logging.getLogger(__name__)

# Delivered notifications that are kept to be sent again at the next start.
KEPT_SECONDS = 600.0
KEPT_NOTIFICATIONS = 500


class Answer(BaseModel):
    """Answer to an invocation: its notification, and the output that is stored in S3 before, if there is one."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    failed: bool
    notification: str
    location: str | None = None
    output: bytes = b""
    content_type: str = "application/json"


class StoredInvocation(BaseModel):
    """An accepted invocation. It waits, is ``running`` on an instance, has its ``answer``, or was ``delivered_at``."""

    model_config = ConfigDict(frozen=True)

    name: str
    invocation: EndpointInvocation
    running: bool = False
    answer: Answer | None = None
    delivered_at: float | None = None


class InvocationStore:
    """Accepted invocations in a folder. Thread-safe, for one process at a time.

    Files are written atomically, but not forced to the disk: the end of a process loses nothing, a power failure may.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._delivered: deque[tuple[float, str]] = deque()
        self._lock = threading.Lock()
        private_folder(folder)

    def add(self, invocation: EndpointInvocation) -> StoredInvocation:
        """Store a waiting invocation. Raises ``OSError``."""
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex}.json"
        return self._write(StoredInvocation(name=name, invocation=invocation))

    def start(self, stored: StoredInvocation) -> StoredInvocation:
        """Note that an instance has the invocation."""
        return self._update(stored.model_copy(update={"running": True}))

    def answer(self, stored: StoredInvocation, answer: Answer) -> StoredInvocation:
        """Store the answer."""
        return self._update(stored.model_copy(update={"answer": answer}))

    def deliver(self, stored: StoredInvocation) -> None:
        """Note that the output is in S3 and its notification published; forget what was delivered long ago."""
        assert stored.answer is not None
        answer = stored.answer.model_copy(update={"location": None, "output": b""})
        now = time.time()
        self._update(stored.model_copy(update={"answer": answer, "delivered_at": now}))
        with self._lock:
            self._delivered.append((now, stored.name))
        self.forget(now - KEPT_SECONDS)

    def forget(self, before: float) -> None:
        """Remove notifications that were delivered before a time (epoch seconds), and all but the last ones."""
        with self._lock:
            while self._delivered and (self._delivered[0][0] < before or len(self._delivered) > KEPT_NOTIFICATIONS):
                _, name = self._delivered.popleft()
                (self._folder / name).unlink(missing_ok=True)

    def remove(self, stored: StoredInvocation) -> None:
        """Remove an invocation, whatever became of it."""
        (self._folder / stored.name).unlink(missing_ok=True)

    def load(self) -> list[StoredInvocation]:
        """Return what an earlier process left, oldest first. An unreadable file is set aside and logged."""
        for unfinished in self._folder.glob(".*.json-*"):
            unfinished.unlink()
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                found.append(StoredInvocation.model_validate_json(path.read_bytes()))
            except ValidationError:
                logger.exception("%s is not a stored invocation", path)
                path.replace(path.with_suffix(".unreadable"))
        return found

    def _update(self, stored: StoredInvocation) -> StoredInvocation:
        """Write a change. Without it the next process repeats some work, so a full disk must not end this one's."""
        try:
            return self._write(stored)
        except OSError:
            logger.exception("%s could not be written", stored.name)
            return stored

    def _write(self, stored: StoredInvocation) -> StoredInvocation:
        write_private(self._folder / stored.name, stored.model_dump_json())
        return stored
