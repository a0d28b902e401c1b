"""Decoders: frames of videos that the pipeline wrote, and audio of uploaded files."""

from collections.abc import Callable, Generator, Iterator
from math import ceil
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.uploads import audio_type_of
from darkroom.contract.video_params import MAX_VOICE_SECONDS
from pipeline.core.arrays import Rgb
from pipeline.speech.types import SAMPLE_RATE, Samples
from pipeline.video.audio import StereoSamples
from pipeline.video.encoder import CONVERSION, THREADS

MAX_CHANNELS = 8
MIN_RATE, MAX_RATE = 4_000, 192_000  # Hz: at 1 Hz, each sample would become 48,000
# Consecutive damaged packets before a file counts as broken: players skip a few as well.
MAX_DAMAGED_PACKETS = 20
SILENCE_PEAK = 10 ** (-70 / 20)  # of full scale: a recording whose peak is below counts as silent
# Allowed demuxers and decoders, by ffmpeg's names: an allow list, because files may claim to be anything.
DEMUXERS = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp4": "mov",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "audio/webm": "matroska",
}
DECODERS = frozenset({"aac", "adpcm_ima_wav", "adpcm_ms", "alac", "flac", "mp3", "mp3float", "opus", "vorbis"}) | {
    f"pcm_{sample}" for sample in ("alaw", "f32le", "f64le", "mulaw", "s16be", "s16le", "s24le", "s32le", "u8")
}
_FORMATS = "WAV, MP3, M4A, OGG, FLAC or WebM"
# Exceptions of PyAV for broken files: ffmpeg's errors, and Python's for nonsensical parameters.
_DECODE_ERRORS = (av.FFmpegError, ValueError, OSError, EOFError)


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
                threads=1,
            )
            yield cast("Rgb", picture.to_ndarray())


def decode_voice(
    path: Path,
    *,
    limit_seconds: float = MAX_VOICE_SECONDS,
    report: Callable[[float], None] = lambda _fraction: None,
) -> Samples:
    """Decode an uploaded recording, mixed to one channel: mono float32 in [-1, 1] at ``SAMPLE_RATE``, not empty.

    The length that the file states is not trusted: decoding ends once the limit is passed. ``report`` receives the
    decoded fraction of the limit, 0 to 1, and may raise to end the work. Raises ``DarkroomError``: ``invalid_audio`` if
    there is no audio, only silence, or it cannot be decoded; ``script_too_long_error`` beyond ``limit_seconds``.
    """
    limit, length, blocks, peak = round(limit_seconds * SAMPLE_RATE), 0, [], 0.0
    for block in _blocks(path, "mono", "The voice"):
        length += len(block)
        if length > limit:
            raise _too_long(path, limit_seconds)
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


def decode_stereo(path: Path) -> Generator[StereoSamples, None, None]:
    """Decode uploaded music of any length to blocks of n×2 float32 in [-1, 1] at ``SAMPLE_RATE``, at least one.

    Raises ``DarkroomError`` (``invalid_audio``) if there is no audio or it cannot be decoded, possibly after some
    blocks. The file is closed at the end, or when the iterator is closed or dropped.
    """
    return _blocks(path, "stereo", "The music")


def _blocks(path: Path, layout: str, name: str) -> Generator[StereoSamples, None, None]:
    empty = True
    try:
        with _opened(path, name) as container:
            for block in _resampled(_decoded(container, name), layout):
                if not np.isfinite(block).all():
                    raise _invalid(f"{name} has samples that are no numbers. Export it again and upload the new file.")
                empty = False
                yield np.clip(block, -1, 1)
    except _DECODE_ERRORS as error:
        raise _invalid(
            f"{name} is damaged or incomplete and cannot be decoded. Export it again and upload the new file."
        ) from error
    if empty:
        raise _invalid(f"{name} lasts no time at all. Upload one with sound in it.")


def _opened(path: Path, name: str) -> InputContainer:
    with path.open("rb") as file:
        kind = audio_type_of(file.read(64))
    if kind is None:
        raise _invalid(f"{name} is not a sound file we know. Upload {_FORMATS}.")
    options = {"protocol_whitelist": "file", "codec_whitelist": ",".join(sorted(DECODERS))}
    return av.open(str(path), format=DEMUXERS[kind], options=options)


def _decoded(container: InputContainer, name: str) -> Iterator[AudioFrame]:
    """Decode the first audio track, skipping damaged packets."""
    if not container.streams.audio:
        raise _invalid(f"{name}'s file has no sound in it. Upload {_FORMATS} with a sound track.")
    stream = container.streams.audio[0]
    if stream.codec_context.name not in DECODERS:
        raise _invalid(f"{name} is encoded in a way that we do not take. Export it as {_FORMATS}.")
    damaged, any_good = 0, False
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            damaged += 1
            if damaged > MAX_DAMAGED_PACKETS:
                raise
            continue
        for frame in frames:
            damaged, any_good = 0, True
            channels = frame.layout.nb_channels
            if channels > MAX_CHANNELS or not MIN_RATE <= frame.sample_rate <= MAX_RATE:
                raise _invalid(
                    f"{name} has {channels} channels at {frame.sample_rate:,} Hz; up to {MAX_CHANNELS} at {MIN_RATE:,} "
                    f"to {MAX_RATE:,} Hz are taken. Export it as stereo at 48,000 Hz."
                )
            yield frame
    if damaged and not any_good:
        raise EOFError("no packet could be decoded")


def _resampled(frames: Iterator[AudioFrame], layout: str) -> Iterator[StereoSamples]:
    """Resample to n×channels float32 at ``SAMPLE_RATE``. Files may change rate and channels midway."""
    resampler: AudioResampler | None = None
    input_format = None
    for frame in frames:
        previous, input_format = input_format, (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or input_format != previous:
            if resampler is not None:
                yield from _arrays(resampler, None)
            # Without this option, downmixing would exceed full scale.
            resampler = AudioResampler(format="flt", layout=layout, rate=SAMPLE_RATE, options={"rematrix_maxval": "1"})
        frame.pts = None
        yield from _arrays(resampler, frame)
    if resampler is not None:
        yield from _arrays(resampler, None)


def _arrays(resampler: AudioResampler, frame: AudioFrame | None) -> Iterator[StereoSamples]:
    for part in resampler.resample(frame):
        # A resampler without anything to convert flushes None, which the type stubs do not say.
        if part is not None and part.samples:
            yield cast("StereoSamples", part.to_ndarray()).reshape(part.samples, -1)


def _too_long(path: Path, limit_seconds: float) -> DarkroomError:
    with _opened(path, "The voice") as container:
        seconds = (container.duration or 0) / av.time_base
    lasts = f"lasts {_clock(seconds)}" if seconds > limit_seconds else "is longer"
    return DarkroomError(ErrorCode.TOO_LONG, f"The voice {lasts}; {_clock(limit_seconds)} is the limit. Shorten it.")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(ceil(seconds), 60)
    return f"{minutes}:{rest:02}"


def _invalid(message: str) -> DarkroomError:
    return DarkroomError(ErrorCode.INVALID_AUDIO, message)
