"""Sound decoder: decodes uploaded files to blocks of samples. It runs in the decoder process."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from numpy.typing import NDArray

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.uploads import audio_type_of
from pipeline.speech.types import SAMPLE_RATE

Block = NDArray[np.float32]

MAX_CHANNELS = 8
MIN_RATE, MAX_RATE = 4_000, 192_000  # Hz: at 1 Hz, each sample would become 48,000
# Consecutive damaged packets before a file counts as broken: players skip a few as well.
MAX_DAMAGED_PACKETS = 20
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


def stated_seconds(path: Path, name: str) -> float | None:
    """Return the duration that the file states, in seconds; None if it states none.

    Raises ``DarkroomError`` (``invalid_audio``) if it cannot be opened.
    """
    try:
        with _opened(path, name) as container:
            return None if container.duration is None else container.duration / av.time_base
    except _DECODE_ERRORS as error:
        raise _damaged(name) from error


def decode_sound_here(path: Path, layout: str, name: str) -> Generator[Block, None, None]:
    """Decode sound to blocks of n×channels float32 in [-1, 1] at ``SAMPLE_RATE``, at least one.

    ``layout`` is ``mono`` or ``stereo``; ``name`` begins messages. Nothing interrupts it: elsewhere than in the decoder
    process, call ``pipeline.decoding.client.decode_sound``.

    Raises ``DarkroomError`` (``invalid_audio``), possibly after some blocks.
    """
    empty = True
    try:
        with _opened(path, name) as container:
            for block in _resampled(_decoded(container, name), layout):
                if not np.isfinite(block).all():
                    raise _invalid(f"{name} has samples that are no numbers. Export it again and upload the new file.")
                empty = False
                yield np.clip(block, -1, 1)
    except _DECODE_ERRORS as error:
        raise _damaged(name) from error
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


def _resampled(frames: Iterator[AudioFrame], layout: str) -> Iterator[Block]:
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


def _arrays(resampler: AudioResampler, frame: AudioFrame | None) -> Iterator[Block]:
    for part in resampler.resample(frame):
        # A resampler without anything to convert flushes None, which the type stubs do not say.
        if part is not None and part.samples:
            yield cast("Block", part.to_ndarray()).reshape(part.samples, -1)


def _damaged(name: str) -> DarkroomError:
    return _invalid(f"{name} is damaged or incomplete and cannot be decoded. Export it again and upload the new file.")


def _invalid(message: str) -> DarkroomError:
    return DarkroomError(ErrorCode.INVALID_AUDIO, message)
