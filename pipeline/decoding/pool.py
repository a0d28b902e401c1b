"""Pool of decoder processes: keeps one warm for the next file, and ends those that were interrupted."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.decoding.decoder_process import (
    MEMORY_BYTES,
    DecoderCrash,
    DecoderFailed,
    DecoderProcess,
    DecoderUnavailable,
)
from pipeline.decoding.protocol import Request

logger = logging.getLogger(__name__)

# Jobs of one worker that open files at the same time.
MAX_IDLE = 2


class DecoderPool:
    """Pool of ``DecoderProcess``. Thread-safe. As many run as threads decode; ``max_idle`` of them stay for later."""

    def __init__(self, *, memory_bytes: int = MEMORY_BYTES, max_idle: int = MAX_IDLE) -> None:
        self._memory_bytes = memory_bytes
        self._max_idle = max_idle
        self._idle: list[DecoderProcess] = []
        self._lock = threading.Lock()

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the idle processes."""
        with self._lock:
            return tuple(process.pid for process in self._idle)

    def warm_up(self) -> None:
        """Start a process for the first file, unless there is one. A failure is only logged."""
        with self._lock:
            try:
                self._idle = self._idle or [self._start()]
            except DecoderUnavailable:
                logger.warning("no decoder could be started", exc_info=True)

    def close(self) -> None:
        """End the idle processes. The pool can still be used."""
        while (process := self._take_idle()) is not None:
            process.close()

    @contextmanager
    def answering(self, request: Request, check: Callable[[], None]) -> Iterator[DecoderProcess]:
        """Context manager: a process that has been sent ``request``.

        If the block ends before the answer does, by an error or by choice, the process is killed. Raises like
        ``DecoderProcess.send``.
        """
        process = self._sent(request, check)
        try:
            yield process
        except DecoderFailed:
            self._give_back(process)
            raise
        except BaseException:
            process.kill()
            raise
        self._give_back(process)

    def _sent(self, request: Request, check: Callable[[], None]) -> DecoderProcess:
        while True:
            idle = self._take_idle()
            process = idle or self._start()
            try:
                process.send(request, check)
            except BaseException as error:
                process.kill()
                # One that died while it was idle says nothing about the file.
                if idle is not None and isinstance(error, DecoderCrash | DecoderUnavailable):
                    continue
                raise
            return process

    def _start(self) -> DecoderProcess:
        try:
            return DecoderProcess(self._memory_bytes)
        except (OSError, RuntimeError) as error:
            raise DecoderUnavailable(str(error)) from error

    def _take_idle(self) -> DecoderProcess | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                process = self._idle.pop()
            if process.alive:
                return process
            process.close()

    def _give_back(self, process: DecoderProcess) -> None:
        if process.busy or not process.alive:
            process.kill()
            return
        with self._lock:
            if len(self._idle) < self._max_idle:
                self._idle.append(process)
                return
        process.close()
