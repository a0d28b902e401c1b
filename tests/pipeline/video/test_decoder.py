"""Audio decoding: exactly the listed formats."""

import gc
import struct
import weakref
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from PIL import Image

from darkroom.contract.errors import DarkroomError, ErrorCode, ErrorDetail
from pipeline.speech.types import SAMPLE_RATE
from pipeline.video.audio import StereoSamples
from pipeline.video.decoder import decode_frames
from pipeline.video.encoder import encode_video
from tests.pipeline.uninterrupted import decode_stereo, decode_voice

SIDE = 64
MUXERS = {".aac": "adts", ".aifc": "aiff"}
FORMATS = [
    ("voice.wav", "pcm_s16le", "s16"),
    ("voice.mp3", "libmp3lame", "fltp"),
    ("voice.m4a", "aac", "fltp"),
    ("voice.ogg", "libopus", "flt"),
    ("voice.flac", "flac", "s16"),
    ("voice.webm", "libopus", "flt"),
    ("voice.aac", "aac", "fltp"),
    ("voice.aiff", "pcm_s16be", "s16"),
    ("voice.aifc", "pcm_s16be", "s16"),
    ("voice.caf", "pcm_s16be", "s16"),
    ("memo.caf", "alac", "s16p"),
    ("voice.mov", "pcm_s24be", "s32"),
]


def tone(seconds: float, *, rate: int = SAMPLE_RATE, channels: int = 2) -> StereoSamples:
    """440 Hz in all channels: n×channels."""
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, 1).astype(np.float32)


def save(
    path: Path,
    sound: StereoSamples,
    codec: str,
    sample: str,
    *,
    rate: int = SAMPLE_RATE,
    layout: str = "stereo",
    options: dict[str, str] | None = None,
) -> Path:
    """Encode n×channels float32 as an upload."""
    with av.open(str(path), "w", format=MUXERS.get(path.suffix), options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, AudioStream)
        resampler = av.AudioResampler(format=sample, layout=layout, rate=rate)
        block = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout=layout)
        block.sample_rate = rate
        for part in (*resampler.resample(block), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def raw_wav(
    path: Path, data: bytes, *, channels: int = 1, rate: int = SAMPLE_RATE, bits: int = 16, code: int = 1
) -> Path:
    """A WAV file with any header (RIFF; code 1: PCM, 3: IEEE float)."""
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", code, channels, rate, rate * frame % 2**32, frame % 2**16, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def refused(path: Path, limit_seconds: float = 300) -> ErrorDetail:
    with pytest.raises(DarkroomError) as raised:
        decode_voice(path, limit_seconds=limit_seconds)
    return raised.value.detail


@pytest.mark.parametrize(("name", "codec", "sample"), FORMATS)
def test_every_audio_format_is_decoded(tmp_path: Path, name: str, codec: str, sample: str) -> None:
    samples = decode_voice(save(tmp_path / name, tone(1.5), codec, sample))
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert len(samples) / SAMPLE_RATE == pytest.approx(1.5, abs=0.08)
    middle = samples[SAMPLE_RATE // 2 : SAMPLE_RATE]
    assert np.abs(np.fft.rfft(middle)).argmax() * SAMPLE_RATE / len(middle) == pytest.approx(440, abs=3)
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("rate", "layout", "channels"), [(8_000, "mono", 1), (44_100, "stereo", 2), (96_000, "5.1", 6)]
)
def test_any_rate_and_channels_are_resampled(tmp_path: Path, rate: int, layout: str, channels: int) -> None:
    path = save(
        tmp_path / "voice.wav", tone(1, rate=rate, channels=channels), "pcm_s16le", "s16", rate=rate, layout=layout
    )
    samples = decode_voice(path)
    assert len(samples) / SAMPLE_RATE == pytest.approx(1, abs=0.01)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.05)
    music = np.concatenate(list(decode_stereo(path)))
    assert music.shape[1] == 2
    assert len(music) / SAMPLE_RATE == pytest.approx(1, abs=0.01)


def test_frames_are_decoded_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    encode_video(path, (np.full((SIDE, SIDE, 3), 2 * number, np.uint8) for number in range(100)), None, SIDE, SIDE)
    frames = decode_frames(path)
    first = next(frames)
    seen = weakref.ref(first)
    del first
    for frame in islice(frames, 20):
        assert frame.shape == (SIDE, SIDE, 3)
    gc.collect()
    assert seen() is None


def test_a_file_is_closed_when_its_frames_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    encode_video(path, [np.zeros((SIDE, SIDE, 3), np.uint8)] * 50, None, SIDE, SIDE)
    frames, open_files = decode_frames(path), Path("/proc/self/fd")
    next(frames)
    del frames
    gc.collect()
    if open_files.exists():
        assert str(path) not in {str(link.readlink()) for link in open_files.iterdir() if link.is_symlink()}


def test_a_too_long_voice_is_rejected(tmp_path: Path) -> None:
    error = refused(save(tmp_path / "voice.wav", tone(72), "pcm_s16le", "s16"), limit_seconds=65)
    assert error.code is ErrorCode.TOO_LONG
    assert error.message == "The voice lasts 1:12; 1:05 is the limit. Shorten it."


def test_a_header_with_a_too_short_length_has_no_effect(tmp_path: Path) -> None:
    path = save(tmp_path / "voice.flac", tone(8), "flac", "s16")
    data = bytearray(path.read_bytes())
    # STREAMINFO (RFC 9639, §8.2): the last 32 of the 36 bits that count the samples.
    data[22:26] = struct.pack(">I", SAMPLE_RATE)
    path.write_bytes(data)
    error = refused(path, limit_seconds=5)
    assert error.code is ErrorCode.TOO_LONG
    assert "0:05 is the limit" in error.message


def test_a_voice_within_the_limit_is_decoded_completely(tmp_path: Path) -> None:
    path = save(tmp_path / "voice.wav", tone(5), "pcm_s16le", "s16")
    fractions: list[float] = []
    assert len(decode_voice(path, limit_seconds=5, report=fractions.append)) == 5 * SAMPLE_RATE
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


NOT_SOUND = {
    "nothing": b"",
    "words": b"I am a voice, honestly. " * 40,
    "a WAV of nothing": b"RIFF\x24\x00\x00\x00WAVE",
    "an MP4 of nothing": b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A mp42",
    "an Ogg of noise": b"OggS" + bytes(range(256)) * 20,
    "a FLAC of noise": b"fLaC" + bytes(range(256)) * 20,
    "a WebM of noise": b"\x1aE\xdf\xa3" + bytes(range(256)) * 20,
    "an MP3 of noise": b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(range(200)) * 50,
}


@pytest.mark.parametrize("name", NOT_SOUND)
def test_a_file_that_is_no_audio_is_rejected(tmp_path: Path, name: str) -> None:
    (tmp_path / "voice").write_bytes(NOT_SOUND[name])
    error = refused(tmp_path / "voice")
    assert error.code is ErrorCode.INVALID_AUDIO
    assert "pload" in error.message


def test_a_recording_of_a_phone_in_amr_is_decoded(tmp_path: Path) -> None:
    sound = tone(1.5, rate=8000, channels=1)
    for name in ("memo.amr", "memo.3gp"):
        path = save(tmp_path / name, sound, "libopencore_amrnb", "s16", rate=8000, layout="mono")
        samples = decode_voice(path)
        assert len(samples) / SAMPLE_RATE == pytest.approx(1.5, abs=0.08)
        middle = samples[SAMPLE_RATE // 2 : SAMPLE_RATE]
        assert np.abs(np.fft.rfft(middle)).argmax() * SAMPLE_RATE / len(middle) == pytest.approx(440, abs=8)


def test_a_wav_for_more_than_4_gigabytes_is_decoded(tmp_path: Path) -> None:
    path = save(tmp_path / "field.wav", tone(1.5), "pcm_s16le", "s16", options={"rf64": "always"})
    assert path.read_bytes().startswith(b"RF64")
    assert len(decode_voice(path)) == round(1.5 * SAMPLE_RATE)


def test_aac_after_an_id3_tag_is_decoded_as_aac(tmp_path: Path) -> None:
    path = save(tmp_path / "voice.aac", tone(1.5), "aac", "fltp")
    path.write_bytes(b"ID3\x04\0\0\0\0\x01\x48" + bytes(200) + path.read_bytes())
    assert len(decode_voice(path)) / SAMPLE_RATE == pytest.approx(1.5, abs=0.08)


def test_an_aac_that_is_too_long_is_not_said_to_last_what_its_start_would_suggest(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, (SAMPLE_RATE, 2)).astype(np.float32)
    path = save(tmp_path / "voice.aac", np.concatenate([np.zeros_like(noise)] * 3 + [noise] * 3), "aac", "fltp")
    assert "The voice is longer; 0:05 is the limit." in refused(path, limit_seconds=5).message


def test_a_picture_is_rejected_as_audio(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32)).save(tmp_path / "voice.png")
    assert refused(tmp_path / "voice.png").code is ErrorCode.INVALID_AUDIO


def test_a_video_is_accepted_only_with_an_audio_track(tmp_path: Path) -> None:
    frames = [np.zeros((SIDE, SIDE, 3), np.uint8)] * 25
    encode_video(tmp_path / "silent.mp4", frames, None, SIDE, SIDE)
    error = refused(tmp_path / "silent.mp4")
    assert error.code is ErrorCode.INVALID_AUDIO
    assert "no sound" in error.message
    encode_video(tmp_path / "film.mp4", frames, [tone(1)], SIDE, SIDE)
    assert len(decode_voice(tmp_path / "film.mp4")) / SAMPLE_RATE == pytest.approx(1, abs=0.05)


def test_empty_audio_is_rejected(tmp_path: Path) -> None:
    error = refused(raw_wav(tmp_path / "voice.wav", b""))
    assert error.code is ErrorCode.INVALID_AUDIO


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_samples_are_rejected(tmp_path: Path, value: float) -> None:
    samples = np.zeros(SAMPLE_RATE, "<f4")
    samples[777] = value
    error = refused(raw_wav(tmp_path / "voice.wav", samples.tobytes(), bits=32, code=3))
    assert error.code is ErrorCode.INVALID_AUDIO


def test_samples_beyond_full_scale_are_clipped(tmp_path: Path) -> None:
    path = raw_wav(tmp_path / "voice.wav", np.full(SAMPLE_RATE, 1e9, "<f4").tobytes(), bits=32, code=3)
    assert np.abs(decode_voice(path)).max() <= 1


def test_audio_in_the_pipelines_format_is_unchanged(tmp_path: Path) -> None:
    samples = tone(1, channels=1)
    path = raw_wav(tmp_path / "voice.wav", samples.astype("<f4").tobytes(), bits=32, code=3)
    assert np.array_equal(decode_voice(path), samples[:, 0])


@pytest.mark.parametrize(
    ("channels", "rate"), [(200, SAMPLE_RATE), (1, 1), (1, 2_000_000_000), (60_000, 4_000_000_000), (0, 0)]
)
def test_absurd_headers_are_rejected(tmp_path: Path, channels: int, rate: int) -> None:
    path = raw_wav(tmp_path / "voice.wav", bytes(500_000), channels=channels, rate=rate)
    assert refused(path).code is ErrorCode.INVALID_AUDIO


@pytest.mark.parametrize(("name", "codec", "sample"), FORMATS)
def test_a_truncated_file_is_decoded_up_to_there_or_rejected(
    tmp_path: Path, name: str, codec: str, sample: str
) -> None:
    path = save(tmp_path / name, tone(2), codec, sample)
    data = path.read_bytes()
    for part in (0.02, 0.3, 0.7):
        path.write_bytes(data[: int(len(data) * part)])
        try:
            assert 0 < len(decode_voice(path)) <= 2.1 * SAMPLE_RATE
        except DarkroomError as error:
            assert error.detail.code is ErrorCode.INVALID_AUDIO


@pytest.mark.parametrize(("name", "codec", "sample"), FORMATS)
def test_damaged_bytes_raise_only_darkroom_errors(tmp_path: Path, name: str, codec: str, sample: str) -> None:
    path = save(tmp_path / name, tone(1), codec, sample)
    data = path.read_bytes()
    rng = np.random.default_rng(5)
    for _ in range(12):
        broken = bytearray(data)
        for place in rng.integers(12, len(data), 40):
            broken[place] = rng.integers(256)
        path.write_bytes(broken)
        try:
            assert np.isfinite(decode_voice(path, limit_seconds=10)).all()
        except DarkroomError as error:
            assert error.detail.code in {ErrorCode.INVALID_AUDIO, ErrorCode.TOO_LONG}


@pytest.mark.parametrize("sides", [(0.0, 0.0), (1e-4, 1e-4), (1.0, -1.0)], ids=["nothing", "noise", "opposite"])
def test_an_inaudible_voice_is_rejected(tmp_path: Path, sides: tuple[float, float]) -> None:
    path = save(tmp_path / "voice.wav", tone(1) * np.float32(sides), "pcm_s16le", "s16")
    detail = refused(path)
    assert detail.code is ErrorCode.INVALID_AUDIO
    assert "silent" in detail.message


def test_a_voice_in_one_channel_is_decoded(tmp_path: Path) -> None:
    path = save(tmp_path / "voice.wav", tone(1) * np.float32((1, 0)), "pcm_s16le", "s16")
    assert np.abs(decode_voice(path)).max() == pytest.approx(0.25, abs=0.02)
