"""Decoding of uploads: what stages call. Each file is decoded in a child process, within limits of time and memory.

``check`` is called several times a second while the child computes. If it raises, because the job was cancelled or its
time is up, the child is killed and the exception propagates.
"""

import atexit
import logging
import os
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.uploads import MAX_PIXELS
from pipeline.decoding.decoder_process import (
    DecoderCrash,
    DecoderFailed,
    DecoderProcess,
    DecoderTimeout,
    DecoderUnavailable,
)
from pipeline.decoding.picture_decoder import DecodedPicture
from pipeline.decoding.pool import DecoderPool
from pipeline.decoding.protocol import (
    MAX_BLOCK_BYTES,
    MAX_TEXT_BYTES,
    DecoderFailure,
    FrameType,
    Layout,
    Medium,
    PictureHeader,
    Request,
    SoundHeader,
)

logger = logging.getLogger(__name__)

Header = TypeVar("Header", bound=BaseModel)
Block = NDArray[np.float32]

# Processor time for a picture, or for the next block of a sound. Of 49 megapixels a PNG took 4 s, a huge HEIC 10 s.
CPU_SECONDS = 20.0

_INVALID: dict[Medium, ErrorCode] = {"picture": ErrorCode.INVALID_IMAGE, "sound": ErrorCode.INVALID_AUDIO}
_REMEDY: dict[Medium, str] = {
    "picture": "Save it again as a plain JPEG or PNG and upload the new file.",
    "sound": "Export it again as a WAV or FLAC file and upload the new one.",
}

_SYSTEM_OUT_OF_MEMORY = "The machine ran out of memory while it opened a file. Try again, or with a smaller one."
_UNAVAILABLE = "The machine could not start its decoder. Try again: another machine may take the job."

DECODERS = DecoderPool()
atexit.register(DECODERS.close)


def decode_picture(path: Path, check: Callable[[], None], *, decoders: DecoderPool = DECODERS) -> DecodedPicture:
    """Decode a JPEG, PNG or WebP completely: upright, in sRGB, 16-bit samples rounded to 8.

    Of an animation only the first frame is used. Raises what ``check`` raises, and ``DarkroomError``: ``empty_file``,
    ``unsupported_media``, ``too_large``, ``invalid_image`` (also if it takes too long or crashes the decoder),
    ``out_of_memory``, ``container_failed``.
    """
    request = Request(medium="picture", path=_encoded(path), cpu_seconds=CPU_SECONDS)
    with _translated(request), decoders.answering(request, check) as process:
        header = _read_header(process, PictureHeader)
        if header.width * header.height > MAX_PIXELS:
            raise DecoderCrash("a picture beyond the limits")
        rgb = np.empty((header.height, header.width, 3), np.uint8)
        alpha = np.empty((header.height, header.width), np.uint8) if header.alpha else None
        for array in (rgb,) if alpha is None else (rgb, alpha):
            _read_rows(process, array)
        if _read_length(process, 0) is not None:
            raise DecoderCrash("data after the picture")
        return DecodedPicture(rgb, alpha)


def decode_sound(
    path: Path,
    layout: Layout,
    name: str,
    check: Callable[[], None],
    *,
    on_stated_seconds: Callable[[float | None], None] = lambda _seconds: None,
    decoders: DecoderPool = DECODERS,
) -> Generator[Block, None, None]:
    """Decode a recording or music to blocks of n×channels float32 in [-1, 1] at ``SAMPLE_RATE``, at least one.

    ``layout`` is ``mono`` or ``stereo``. ``name`` begins messages. ``on_stated_seconds`` receives the duration that the
    file states, or None, before the first block. The child is ended when the generator is closed or dropped.

    Raises what ``check`` raises, and ``DarkroomError`` (``invalid_audio``, ``out_of_memory``), possibly after some
    blocks.
    """
    request = Request(medium="sound", path=_encoded(path), cpu_seconds=CPU_SECONDS, layout=layout, name=name)
    channels = 1 if layout == "mono" else 2
    with _translated(request), decoders.answering(request, check) as process:
        on_stated_seconds(_read_header(process, SoundHeader).seconds)
        while (length := _read_length(process, MAX_BLOCK_BYTES)) is not None:
            if length % (4 * channels):
                raise DecoderCrash("part of a sample")
            block = np.empty((length // (4 * channels), channels), np.float32)
            process.read_into(block.data.cast("B"))
            yield block
            # Only the child's own time counts, not that of whoever uses the block.
            process.expect_frame()


def _encoded(path: Path) -> bytes:
    """Return a path as the child finds it: its working directory may be another one."""
    return os.fsencode(os.path.abspath(path))  # noqa: PTH100  # only this asks for no working directory in vain


def _read_header(process: DecoderProcess, model: type[Header]) -> Header:
    frame_type, length = process.read_frame(MAX_TEXT_BYTES)
    if frame_type is not FrameType.HEADER:
        raise DecoderCrash(f"{frame_type.name} in place of a header")
    try:
        return model.model_validate_json(process.read(length))
    except ValidationError as error:
        raise DecoderCrash("a header that is none") from error


def _read_rows(process: DecoderProcess, pixels: NDArray[np.uint8]) -> None:
    """Fill ``pixels`` with the data of one frame or several, of whole rows."""
    done = 0
    while done < len(pixels):
        length = _read_length(process, pixels[done:].nbytes)
        if not length or length % pixels[done].nbytes:
            raise DecoderCrash("pixels are missing")
        rows = pixels[done : done + length // pixels[done].nbytes]
        process.read_into(rows.data.cast("B"))
        process.expect_frame()
        done += len(rows)


def _read_length(process: DecoderProcess, limit: int) -> int | None:
    """Read the length of the next data in bytes; None at the end."""
    frame_type, length = process.read_frame(limit)
    if frame_type is FrameType.END:
        return None
    if frame_type is not FrameType.DATA:
        raise DecoderCrash(f"{frame_type.name} in place of data")
    return length


@contextmanager
def _translated(request: Request) -> Iterator[None]:
    """Turn what ends a decoder into the error that the job's caller sees."""
    subject = request.name or f"The {request.medium}"
    remedy = _REMEDY[request.medium]
    try:
        yield
    except DecoderFailed as error:
        raise _reported(error.failure, request, subject) from error
    except DecoderUnavailable as error:
        logger.exception("no decoder")
        raise DarkroomError(ErrorCode.CONTAINER_FAILED, _UNAVAILABLE, retryable=True) from error
    except DecoderTimeout as error:
        logger.warning("decoder stopped after %g s of processor time", request.cpu_seconds)
        message = f"{subject} takes longer than {request.cpu_seconds:g} seconds to decode, which no ordinary file does."
        raise DarkroomError(_INVALID[request.medium], f"{message} {remedy}") from error
    except DecoderCrash as error:
        logger.warning("decoder crashed: %s", error)
        if error.signal == getattr(signal, "SIGKILL", None):
            # Nobody but the system kills a decoder while its answer is awaited.
            raise DarkroomError(ErrorCode.OUT_OF_MEMORY, _SYSTEM_OUT_OF_MEMORY, retryable=True) from error
        message = f"{subject} is damaged in a way that crashes its decoder."
        raise DarkroomError(_INVALID[request.medium], f"{message} {remedy}") from error


def _reported(failure: DecoderFailure, request: Request, subject: str) -> DarkroomError:
    remedy = _REMEDY[request.medium]
    if failure.trace:
        logger.error("decoder failed unexpectedly: %s", failure.trace)
        return DarkroomError(_INVALID[request.medium], f"{subject} cannot be decoded. {remedy}")
    if failure.code is ErrorCode.TOO_LARGE and not failure.message:
        return DarkroomError(failure.code, f"{subject} takes more memory to decode than is allowed. {remedy}")
    return DarkroomError(failure.code, failure.message)
