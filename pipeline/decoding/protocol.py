"""Protocol between the worker and its decoder process, over two pipes.

A request is one line of JSON on the child's standard input. The answer on its standard output is a row of frames, each
after its type and length: a ``HEADER`` and its ``DATA``, then ``END``; or ``ERROR`` at any place. ``READY`` comes once,
when the child has started.
"""

import struct
from enum import Enum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.contract.errors import ErrorCode

FRAME = struct.Struct("=cQ")  # type, length in bytes
MAX_TEXT_BYTES = 64 * 1024  # of a header or an error
# FLAC's longest block is 65,535 samples, which resampling from 4 kHz makes twelve times as many.
MAX_BLOCK_BYTES = 64 * 2**20

Medium = Literal["picture", "sound"]
Layout = Literal["mono", "stereo"]


class FrameType(bytes, Enum):
    """Type of a frame."""

    READY = b"R"
    HEADER = b"H"
    DATA = b"D"
    ERROR = b"E"
    END = b"Z"


class Request(BaseModel):
    """Request to decode a file. ``path`` is encoded by ``os.fsencode``, as not every name is Unicode.

    ``layout`` and ``name``, which begins error messages, are those of a sound.

    The kernel ends the child if it takes ``cpu_seconds`` of processor time for a frame.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    medium: Medium
    path: bytes
    cpu_seconds: float = Field(gt=0)
    layout: Layout = "mono"
    name: str = ""


class PictureHeader(BaseModel):
    """Size of a decoded picture in pixels. Frames of some rows of its colours follow, then its alpha if it has one."""

    width: int = Field(ge=1)
    height: int = Field(ge=1)
    alpha: bool


class SoundHeader(BaseModel):
    """Duration that a file states, in seconds, or None. Blocks of n×channels float32 follow."""

    seconds: float | None


class DecoderFailure(BaseModel):
    """Error of the child. ``trace`` is the traceback of an unexpected one, for the log."""

    code: ErrorCode
    message: str = ""
    trace: str = ""
