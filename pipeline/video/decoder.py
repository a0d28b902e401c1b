"""Decoders: frames of videos that the pipeline wrote, and audio of uploaded files."""

from collections.abc import Callable, Generator
from contextlib import closing
from math import ceil
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.video_params import MAX_VOICE_SECONDS
from pipeline.core.arrays import Rgb
from pipeline.core.processors import thread_count
from pipeline.decoding.client import decode_sound
from pipeline.speech.types import SAMPLE_RATE, Samples
from pipeline.video.audio import StereoSamples
from pipeline.video.encoder import CONVERSION, THREADS

SILENCE_PEAK = 10 ** (-70 / 20)  # of full scale: a recording whose peak is below counts as silent


def decode_frames(path: Path) -> Generator[Rgb, None, None]:
    """Decode the frames of a video written by ``VideoWriter``: H×W×3 uint8 sRGB, one at a time.

    The file is closed at the end, or when the iterator is closed or dropped.
    """
    reformatter = VideoReformatter()
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        video.codec_context.thread_count = THREADS
        video.thread_type = "AUTO"
        for frame in container.decode(video):
            picture = reformatter.reformat(
                frame,
                format="rgb24",
                src_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.MPEG,
                dst_color_range=ColorRange.JPEG,
                interpolation=CONVERSION,
                threads=thread_count(),  # the pixels do not depend on it
            )
            yield cast("Rgb", picture.to_ndarray())


def decode_voice(
    path: Path,
    check: Callable[[], None],
    *,
    limit_seconds: float = MAX_VOICE_SECONDS,
    report: Callable[[float], None] = lambda _fraction: None,
) -> Samples:
    """Decode an uploaded recording, mixed to one channel: mono float32 in [-1, 1] at ``SAMPLE_RATE``, not empty.

    The length that the file states is not trusted: decoding ends once the limit is passed. ``report`` receives the
    decoded fraction of the limit, 0 to 1, and may raise to end the work; so may ``check``, see ``decode_sound``.

    Raises ``DarkroomError``: ``invalid_audio`` if there is no audio, only silence, or it cannot be decoded;
    ``too_long`` beyond ``limit_seconds``.
    """
    stated: list[float | None] = []
    limit, length, blocks, peak = round(limit_seconds * SAMPLE_RATE), 0, [], 0.0
    # Closed in any case: a voice that is too long leaves its decoder running.
    with closing(decode_sound(path, "mono", "The voice", check, on_stated_seconds=stated.append)) as sound:
        for block in sound:
            length += len(block)
            if length > limit:
                raise _too_long(stated[0] or 0.0, limit_seconds)
            blocks.append(block[:, 0])
            peak = max(peak, float(np.abs(block).max()))
            report(length / limit)
    if peak < SILENCE_PEAK:
        # Two channels in opposite phase also cancel to silence.
        raise _invalid(
            "The voice is silent once its channels are mixed into one. Check how it was recorded, and upload the new "
            "file."
        )
    return np.concatenate(blocks)


def decode_stereo(path: Path, check: Callable[[], None]) -> Generator[StereoSamples, None, None]:
    """Decode uploaded music of any length to blocks of n×2 float32 in [-1, 1] at ``SAMPLE_RATE``, at least one.

    Raises ``DarkroomError`` (``invalid_audio``) if there is no audio or it cannot be decoded, possibly after some
    blocks. ``check`` may raise to end the work, see ``decode_sound``. The decoder is ended when the iterator is closed
    or dropped.
    """
    return decode_sound(path, "stereo", "The music", check)


def _too_long(seconds: float, limit_seconds: float) -> DarkroomError:
    lasts = f"lasts {_clock(seconds)}" if seconds > limit_seconds else "is longer"
    return DarkroomError(ErrorCode.TOO_LONG, f"The voice {lasts}; {_clock(limit_seconds)} is the limit. Shorten it.")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(ceil(seconds), 60)
    return f"{minutes}:{rest:02}"


def _invalid(message: str) -> DarkroomError:
    return DarkroomError(ErrorCode.INVALID_AUDIO, message)
