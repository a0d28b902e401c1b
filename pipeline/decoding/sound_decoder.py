"""Sound decoder: decodes uploaded files to blocks of samples. It runs in the decoder process."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from numpy.typing import NDArray

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.file_signatures import ACCEPTED_AUDIO, SIGNATURE_BYTES, audio_type_of
from darkroom.contract.uploads import AudioType
from pipeline.speech.types import SAMPLE_RATE

Block = NDArray[np.float32]

MAX_CHANNELS = 8
MIN_RATE, MAX_RATE = 4_000, 192_000  # Hz: at 1 Hz, each sample would become 48,000
# Consecutive damaged packets before a file counts as broken: players skip a few as well.
MAX_DAMAGED_PACKETS = 20
_ID3_BYTES = 10  # of a tag's header
# Allowed demuxers and decoders, by ffmpeg's names: an allow list, because files may claim to be anything.
DEMUXERS: dict[AudioType, str] = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp4": "mov",
    "audio/aac": "aac",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "audio/webm": "matroska",
    "audio/amr": "amr",
    "audio/aiff": "aiff",
    "audio/x-caf": "caf",
}
DECODERS = (
    frozenset({"aac", "alac", "flac", "mp3", "mp3float", "opus", "vorbis"})
    | {f"adpcm_{form}" for form in ("ima_qt", "ima_wav", "ms")}
    | {f"amr{band}" for band in ("nb", "wb")}
    | {f"pcm_{sample}{order}" for sample in ("f32", "f64", "s16", "s24", "s32") for order in ("be", "le")}
    | {f"pcm_{sample}" for sample in ("alaw", "mulaw", "s8", "u8")}
)
# Exceptions of PyAV for broken files: ffmpeg's errors, and Python's for nonsensical parameters.
_DECODE_ERRORS = (av.FFmpegError, ValueError, OSError, EOFError)


def stated_seconds(path: Path, name: str) -> float | None:
    """Return the duration that the file states, in seconds; None if it states none.

    Raises ``DarkroomError`` (``invalid_audio``) if it cannot be opened.
    """
    try:
        with _opened(path, name) as container:
            # A stream of AAC states nothing: ffmpeg guesses by the bit rate of its beginning.
            stated = None if container.format.name == DEMUXERS["audio/aac"] else container.duration
            return None if stated is None else stated / av.time_base
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
        audio_type = audio_type_of(_without_id3(file))
    if audio_type is None:
        raise _invalid(f"{name} is not a sound file we know. Upload {ACCEPTED_AUDIO}.")
    options = {"protocol_whitelist": "file", "codec_whitelist": ",".join(sorted(DECODERS))}
    return av.open(str(path), format=DEMUXERS[audio_type], options=options)


def _without_id3(file: BinaryIO) -> bytes:
    """Return a file's first bytes, after an ID3 tag if AAC follows it, which looks like MP3 otherwise."""
    head = file.read(SIGNATURE_BYTES)
    if not head.startswith(b"ID3") or len(head) < _ID3_BYTES:
        return head
    length = 0
    for byte in head[6:_ID3_BYTES]:
        length = length << 7 | byte & 0x7F
    file.seek(_ID3_BYTES + length)
    following = file.read(SIGNATURE_BYTES)
    return following if audio_type_of(following) == "audio/aac" else head


def _decoded(container: InputContainer, name: str) -> Iterator[AudioFrame]:
    """Decode the first audio track, skipping damaged packets."""
    if not container.streams.audio:
        raise _invalid(f"{name}'s file has no sound in it. Upload {ACCEPTED_AUDIO} with a sound track.")
    stream = container.streams.audio[0]
    if stream.codec_context.name not in DECODERS:
        raise _invalid(f"{name} is encoded in a way that we do not take. Export it as {ACCEPTED_AUDIO}.")
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
