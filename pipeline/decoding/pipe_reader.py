"""Pipe reader: reads a pipe in a thread of its own, so that whoever waits for its data can stop waiting.

Windows has no ``poll`` for pipes; a thread works everywhere.
"""

import threading
from collections import deque
from typing import IO

READ_BYTES = 2**20
MAX_CHUNKS = 4  # read ahead; then whoever writes to the pipe waits


class PipeReader:
    """Reader of a pipe, which it closes at its end. For one consumer."""

    def __init__(self, pipe: IO[bytes]) -> None:
        """Start the thread. Raises ``RuntimeError`` if the system starts none; the pipe is closed then."""
        self._pipe = pipe
        self._chunks: deque[memoryview] = deque()
        self._changed = threading.Condition()
        self._ended = self._closed = False
        self._thread = threading.Thread(target=self._read, name="decoder-output", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            pipe.close()
            raise

    def take(self, limit: int, seconds: float) -> memoryview | None:
        """Return the next bytes, 1 to ``limit``; none at the pipe's end; None if there are none within ``seconds``."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._chunks or self._ended, seconds):
                return None
            if not self._chunks:
                return memoryview(b"")
            chunk = self._chunks[0]
            if len(chunk) > limit:
                self._chunks[0] = chunk[limit:]
            else:
                self._chunks.popleft()
                self._changed.notify_all()
            return chunk[:limit]

    def close(self) -> None:
        """End the thread, and wait for it. Whoever writes to the pipe must have ended before."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _read(self) -> None:
        try:
            while not self._closed and (data := self._pipe.read(READ_BYTES)):
                with self._changed:
                    self._chunks.append(memoryview(data))
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: len(self._chunks) < MAX_CHUNKS or self._closed)
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
            self._pipe.close()
