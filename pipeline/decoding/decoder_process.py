"""Decoder process as the worker sees it: starts it, sends a request, reads its frames, ends it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

import pipeline
from darkroom import contract
from pipeline.decoding.pipe_reader import READ_BYTES, PipeReader
from pipeline.decoding.protocol import FRAME, MAX_TEXT_BYTES, DecoderFailure, FrameType, Request

START_SECONDS = 120.0
# Processor time decides what takes too long, as a busy machine makes everything slow. This ends a child that hangs.
FRAME_SECONDS = 120.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.1  # how often a waiting worker checks whether its job goes on
# Of address space. Files of 49 megapixels took 1.4 GB at most.
MEMORY_BYTES = 2 * 2**30

_BOOTSTRAP = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from pipeline.decoding.child import main; main(int(sys.argv[2]))"
)
# The worker's own encoding of file names.
_ENCODING = ("-X", f"utf8={sys.flags.utf8_mode}")
# Nothing else is inherited: a decoder has no use for credentials.
_ENVIRONMENT = (
    *("LANG", "LC_ALL", "LC_CTYPE", "PATH", "TMPDIR"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP"),
)


class DecoderUnavailable(Exception):
    """Raised when no child can be started, which says nothing about a file."""


class DecoderTimeout(Exception):
    """Raised when the child has taken the processor time that its request allows, or hangs."""


class DecoderCrash(Exception):
    """Raised when the child has ended, or broke the protocol. ``signal`` is the number of what ended it, or None."""

    def __init__(self, message: str, signal_number: int | None = None) -> None:
        super().__init__(message)
        self.signal = signal_number


class DecoderFailed(Exception):
    """Raised for an error that the child reports in its answer, which ends by it."""

    def __init__(self, failure: DecoderFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class DecoderProcess:
    """A child that decodes one file at a time. ``busy`` until the answer to its request has ended.

    Not thread-safe: one thread has it at a time. Raises ``OSError`` or ``RuntimeError`` if the system starts no process
    or no thread.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        # A session of its own: a signal to the worker's process group reaches the worker alone, which then decides.
        self._process = subprocess.Popen(
            (sys.executable, "-I", "-S", *_ENCODING, "-c", _BOOTSTRAP, json.dumps(_search_path()), str(memory_bytes)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | {"OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )
        assert self._process.stdout is not None
        _enlarge(self._process.stdout.fileno())
        try:
            self._output = PipeReader(self._process.stdout)
        except BaseException:
            self._end(killing=True)
            raise
        self._ready = False
        self._until = time.monotonic() + START_SECONDS
        self._next_check = 0.0
        self._check: Callable[[], None] = _always
        self.busy = False

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the child is running."""
        return self._process.poll() is None

    def wait_ready(self, check: Callable[[], None]) -> None:
        """Wait until the child has started. Raises ``DecoderUnavailable``, and what ``check`` raises."""
        self._check = check
        if not self._ready:
            try:
                self.read_frame(0)
            except (DecoderCrash, DecoderTimeout) as error:
                raise DecoderUnavailable(f"it did not start: {error}") from error
            self._ready = True

    def send(self, request: Request, check: Callable[[], None]) -> None:
        """Send a request. ``check`` is called while the child computes, and may raise.

        Raises ``DecoderUnavailable`` and ``DecoderCrash``.
        """
        assert self._process.stdin is not None
        self.wait_ready(check)
        self.busy = True
        self.expect_frame()
        try:
            self._process.stdin.write(request.model_dump_json().encode() + b"\n")
        except OSError as error:
            raise self._crash() from error

    def expect_frame(self) -> None:
        """Give the child ``FRAME_SECONDS`` from now for what is read next. Raises what ``check`` raises."""
        self._until = time.monotonic() + FRAME_SECONDS
        # A child that always has something to read is never waited for.
        if time.monotonic() > self._next_check:
            self._go_on()

    def read_frame(self, limit: int) -> tuple[FrameType, int]:
        """Read the start of a frame: its type, and its length in bytes of at most ``limit``.

        Raises ``DecoderFailed``, ``DecoderTimeout``, ``DecoderCrash``, and what ``check`` raises.
        """
        kind, length = FRAME.unpack(self.read(FRAME.size))
        try:
            frame_type = FrameType(kind)
        except ValueError as error:
            raise DecoderCrash(f"unknown frame {kind!r}") from error
        if length > (MAX_TEXT_BYTES if frame_type is FrameType.ERROR else limit):
            raise DecoderCrash(f"a frame of {length} bytes, {limit} at most were expected")
        if frame_type is FrameType.ERROR:
            raise DecoderFailed(self._read_failure(length))
        self.busy &= frame_type is not FrameType.END
        return frame_type, length

    def read_into(self, target: memoryview) -> None:
        """Fill ``target``, of bytes, with what the child writes. Raises like ``read_frame``."""
        while target:
            data = self._output.take(len(target), POLL_SECONDS)
            if data is None:
                self._go_on()
                continue
            if not data:
                raise self._crash()
            target[: len(data)] = data
            target = target[len(data) :]

    def read(self, length: int) -> bytes:
        """Read ``length`` bytes of what the child writes. Raises like ``read_frame``."""
        data = bytearray(length)
        self.read_into(memoryview(data))
        return bytes(data)

    def _read_failure(self, length: int) -> DecoderFailure:
        try:
            failure = DecoderFailure.model_validate_json(self.read(length))
        except ValidationError as error:
            raise DecoderCrash("an error that is none") from error
        self.busy = False
        return failure

    def kill(self) -> None:
        """End the child at once, whatever it does, and reap it."""
        self._end(killing=True)
        self._output.close()

    def close(self) -> None:
        """Let the child end, by the end of its input, and reap it. Kills it if that takes long."""
        self._end(killing=False)
        self._output.close()

    def _end(self, *, killing: bool) -> None:
        assert self._process.stdin is not None
        if killing:
            self._process.kill()
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS)

    def _go_on(self) -> None:
        """Call ``check``. Raises what it raises, and ``DecoderTimeout``."""
        self._check()
        if time.monotonic() > self._until:
            raise DecoderTimeout
        self._next_check = time.monotonic() + POLL_SECONDS

    def _crash(self) -> Exception:
        try:
            status = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return DecoderCrash("the decoder closed its output")
        if status == -getattr(signal, "SIGPROF", 0):
            return DecoderTimeout()
        return DecoderCrash(f"the decoder ended with status {status}", -status if status < 0 else None)


def _search_path() -> list[str]:
    """Return where the child finds our code and its libraries: without ``site``, it starts faster."""
    roots = [str(Path(*pipeline.__path__).parent), str(Path(*contract.__path__).parents[1])]
    entries = []
    for entry in [*roots, *sys.path]:
        # The working directory, '' in the path, may have been deleted.
        with suppress(FileNotFoundError):
            entries.append(str(Path(entry).resolve()))
    return list(dict.fromkeys(entries))


def _enlarge(pipe: int) -> None:
    """Enlarge a pipe's buffer where that is possible, so that a large picture takes fewer turns."""
    try:
        import fcntl  # noqa: PLC0415  # absent on Windows

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, READ_BYTES)
    except (ImportError, AttributeError, OSError):
        return


def _always() -> None:
    """Go on: the check of a process that no job uses."""
