"""Decoder process: reads requests from standard input and writes frames to standard output, see ``protocol``.

It decodes one file after another, limits its own resources, and ends when its standard input does. So it does not
outlive the worker. It imports only what decoding needs, and PyAV at the first sound.

Limits by system: Linux has all of them. macOS does not limit the address space. Windows limits neither memory nor
processor time; there the size and the scans in a file's header are checked, and the worker ends a child after
``FRAME_SECONDS``.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.decoding.picture_decoder import decode_image_here, pixel_rows
from pipeline.decoding.protocol import FRAME, DecoderFailure, FrameType, PictureHeader, Request, SoundHeader

Frames = Iterator[tuple[FrameType, Any]]

MAX_OPEN_FILES = 64


def main(memory_bytes: int) -> None:
    """Serve requests until standard input ends."""
    output = _take_standard_output()
    set_limits(memory_bytes)
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    _write(output, FrameType.READY)
    while True:
        _serve(Request.model_validate_json(requests.get()), output)


def set_limits(memory_bytes: int) -> None:
    """Limit this process: its address space, no files written, no core dump, few open files."""
    # If the machine runs out of memory, Linux ends this process before the worker. That takes no privilege.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    try:
        import resource  # noqa: PLC0415  # absent on Windows
    except ImportError:
        return
    limits = {"RLIMIT_AS": memory_bytes, "RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_NOFILE": MAX_OPEN_FILES}
    for name, value in limits.items():
        # macOS refuses to limit the address space; no system raises a limit above its own.
        with suppress(ValueError, OSError, AttributeError):
            resource.setrlimit(getattr(resource, name), (value, value))


def _take_standard_output() -> int:
    """Return standard output under another number, so that nothing a library prints gets among the frames."""
    output = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    return output


def _read_requests(requests: "SimpleQueue[bytes]") -> None:
    """Read requests; end the process at once when the worker closes the pipe or is gone."""
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def _serve(request: Request, output: int) -> None:
    frames = _picture_frames(request) if request.medium == "picture" else _sound_frames(request)
    try:
        while (frame := _next_in_time(frames, request.cpu_seconds)) is not None:
            _write(output, *frame)
    except DarkroomError as error:
        failure = DecoderFailure(code=error.detail.code, message=error.detail.message)
    except MemoryError:
        failure = DecoderFailure(code=ErrorCode.TOO_LARGE)
    except Exception:
        failure = DecoderFailure(code=ErrorCode.INTERNAL, trace=traceback.format_exc())
    else:
        _write(output, FrameType.END)
        return
    _write(output, FrameType.ERROR, failure.model_dump_json().encode())


def _next_in_time(frames: Frames, cpu_seconds: float) -> tuple[FrameType, Any] | None:
    """Compute the next frame. The kernel ends the process by SIGPROF at its limit, even within a library."""
    if not hasattr(signal, "setitimer"):  # Windows
        return next(frames, None)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    try:
        return next(frames, None)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _picture_frames(request: Request) -> Frames:
    image, alpha = decode_image_here(Path(os.fsdecode(request.path)))
    header = PictureHeader(width=image.width, height=image.height, alpha=alpha is not None)
    yield FrameType.HEADER, header.model_dump_json().encode()
    for rows in pixel_rows(image):
        yield FrameType.DATA, rows
    if alpha is not None:
        yield FrameType.DATA, alpha


def _sound_frames(request: Request) -> Frames:
    # Imported here, as most jobs have no sound.
    from pipeline.decoding.sound_decoder import decode_sound_here, stated_seconds  # noqa: PLC0415

    path = Path(os.fsdecode(request.path))
    header = SoundHeader(seconds=stated_seconds(path, request.name))
    yield FrameType.HEADER, header.model_dump_json().encode()
    for block in decode_sound_here(path, request.layout, request.name):
        yield FrameType.DATA, block


def _write(output: int, frame_type: FrameType, payload: Any = b"") -> None:
    data = memoryview(payload) if isinstance(payload, bytes) else np.ascontiguousarray(payload).data.cast("B")
    for part in (memoryview(FRAME.pack(frame_type.value, len(data))), data):
        rest = part
        while rest:
            rest = rest[os.write(output, rest) :]
