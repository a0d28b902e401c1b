"""Soundtrack mix: voices at their positions, and ducked music."""

from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.speech.types import SAMPLE_RATE, Samples
from pipeline.video import mix as mixing
from pipeline.video.audio import StereoSamples
from pipeline.video.loudness import measure_loudness
from pipeline.video.mix import mix_soundtrack

PITCH = 3_000  # Hz, of the music; voices are below


def voice(seconds: float, volume: float = 0.2) -> Samples:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    buzz = sum(np.sin(2 * np.pi * 140 * overtone * time) / overtone for overtone in range(1, 8))
    return np.asarray(volume * buzz * (1 + 0.3 * np.sin(2 * np.pi * 5 * time)), np.float32)


def music(path: Path, seconds: float, volume: float = 0.3) -> Path:
    """One long tone, as a FLAC."""
    wave = volume * np.sin(2 * np.pi * PITCH * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE, layout="stereo")
        assert isinstance(stream, AudioStream)
        block = av.AudioFrame.from_ndarray((wave * 32767).astype(np.int16).repeat(2)[None], layout="stereo")
        block.sample_rate = SAMPLE_RATE
        container.mux(stream.encode(block))
        container.mux(stream.encode(None))
    return path


def mixed(
    folder: Path,
    speech: list[tuple[float, Samples]],
    tune: Path | None,
    seconds: float,
    *,
    music_volume: float = 0.3,
    loudness: float = -16,
) -> StereoSamples:
    sound = mix_soundtrack(speech, tune, seconds, folder / "sound", music_volume=music_volume, loudness=loudness)
    return np.concatenate(list(sound))


def tone(sound: StereoSamples, at: float) -> float:
    """Measure the music's level in the 40 ms around a time, in dB."""
    part = sound[round((at - 0.02) * SAMPLE_RATE) : round((at + 0.02) * SAMPLE_RATE), 0]
    wave = np.exp(-2j * np.pi * PITCH * np.arange(len(part)) / SAMPLE_RATE) * np.hanning(len(part))
    return float(20 * np.log10(np.abs((part * wave).sum()) + 1e-9))


def lufs(sound: StereoSamples) -> float:
    return measure_loudness([sound]).integrated


@pytest.mark.parametrize("seconds", [0.04, 1.0, 3.48])
def test_a_silent_video_has_silence_of_its_length(tmp_path: Path, seconds: float) -> None:
    sound = mixed(tmp_path, [], None, seconds)
    assert sound.shape == (round(seconds * SAMPLE_RATE), 2)
    assert not sound.any()


def test_voices_are_heard_at_their_positions(tmp_path: Path) -> None:
    sound = mixed(tmp_path, [(1.0, voice(1)), (3.5, voice(0.5))], None, 5)
    audible = np.abs(sound).max(axis=1) > 0.02
    for quiet in ((0, 0.98), (2.02, 3.48), (4.02, 5)):
        assert not audible[round(quiet[0] * SAMPLE_RATE) : round(quiet[1] * SAMPLE_RATE)].any()
    for loud in (1.02, 1.9, 3.55, 3.9):
        assert audible[round(loud * SAMPLE_RATE) : round((loud + 0.05) * SAMPLE_RATE)].any()
    assert np.array_equal(sound[:, 0], sound[:, 1])


@pytest.mark.parametrize("loudness", [-16, -23])
def test_the_result_has_the_requested_loudness(tmp_path: Path, loudness: float) -> None:
    sound = mixed(
        tmp_path, [(1, voice(3, 0.01))], music(tmp_path / "music.flac", 9), 8, music_volume=0.5, loudness=loudness
    )
    assert lufs(sound) == pytest.approx(loudness, abs=0.5)
    assert measure_loudness([sound]).true_peak <= -1


def test_quiet_and_loud_voices_get_equal_loudness(tmp_path: Path) -> None:
    sound = mixed(tmp_path, [(0, voice(2, 0.02)), (3, voice(2, 0.4))], None, 5)
    assert lufs(sound[: 2 * SAMPLE_RATE]) == pytest.approx(lufs(sound[3 * SAMPLE_RATE :]), abs=0.5)


def test_music_is_ducked_before_a_voice_and_returns_after_it(tmp_path: Path) -> None:
    tune = music(tmp_path / "music.flac", 12)
    sound = mixed(tmp_path, [(4, voice(1)), (5.6, voice(1.4))], tune, 12)
    before = tone(sound, 2)
    assert tone(sound, 3.5) == pytest.approx(before, abs=0.5)
    assert tone(sound, 3.85) < before - 3
    for moment in (4.0, 4.5, 5.3, 6.0, 6.9):
        assert tone(sound, moment) == pytest.approx(before - 12, abs=1)
    assert before - 11 < tone(sound, 7.4) < before - 1
    assert tone(sound, 8) == pytest.approx(before, abs=0.5)


@pytest.mark.parametrize(("volume", "below"), [(1.0, 0.0), (0.25, 12.0)])
def test_music_has_the_requested_volume_relative_to_the_voice(tmp_path: Path, volume: float, below: float) -> None:
    tune = music(tmp_path / "music.flac", 14, 0.02)
    sound = mixed(tmp_path, [(8, voice(4))], tune, 14, music_volume=volume)
    alone = lufs(sound[2 * SAMPLE_RATE : 7 * SAMPLE_RATE])
    spoken = lufs(sound[8 * SAMPLE_RATE : 12 * SAMPLE_RATE])
    assert spoken - alone == pytest.approx(below, abs=1)


def test_music_alone_has_the_videos_loudness(tmp_path: Path) -> None:
    sound = mixed(tmp_path, [], music(tmp_path / "music.flac", 6), 6, music_volume=0.1)
    assert lufs(sound) == pytest.approx(-16, abs=0.5)


def test_music_without_volume_is_silent(tmp_path: Path) -> None:
    assert not mixed(tmp_path, [], music(tmp_path / "music.flac", 2), 2, music_volume=0).any()


@pytest.mark.parametrize("seconds", [0.02, 0.7, 3.3])
def test_short_music_loops_without_gaps_and_fades_out(tmp_path: Path, seconds: float) -> None:
    sound = mixed(tmp_path, [], music(tmp_path / "music.flac", seconds), 8)[:, 0]
    levels = np.abs(sound[: round(6.4 * SAMPLE_RATE)].reshape(-1, SAMPLE_RATE // 100)).max(axis=1)
    assert levels[5:].min() > 0.4 * np.median(levels)
    steepest = 2 * np.pi * PITCH / SAMPLE_RATE * levels.max()
    assert np.abs(np.diff(sound)).max() < 1.5 * steepest
    ending = [np.abs(sound[round(at * SAMPLE_RATE) :][: SAMPLE_RATE // 100]).max() for at in (6.6, 7.0, 7.4, 7.8, 7.98)]
    assert ending == sorted(ending, reverse=True)
    assert ending[-1] < 0.05 * ending[0]


def test_no_more_music_is_read_than_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_end(_path: Path, _check: Callable[[], None]) -> Iterator[StereoSamples]:
        while True:
            yield np.full((5_000, 2), 0.1, np.float32)

    monkeypatch.setattr(mixing, "decode_stereo", without_end)
    assert len(mixed(tmp_path, [], tmp_path / "music", 2)) == 2 * SAMPLE_RATE


def test_a_file_that_is_no_music_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "music").write_bytes(b"RIFF----WAVE nothing")
    with pytest.raises(DarkroomError) as raised:
        mixed(tmp_path, [], tmp_path / "music", 2)
    assert raised.value.detail.code is ErrorCode.INVALID_AUDIO
    assert [path.name for path in tmp_path.iterdir()] == ["music"]


def test_temporary_files_are_removed(tmp_path: Path) -> None:
    tune = music(tmp_path / "music.flac", 1)
    audible: list[float] = []
    mix_soundtrack([(0, voice(1))], tune, 2, tmp_path / "sound", music_volume=1, loudness=-16, report=audible.append)
    assert {path.name for path in tmp_path.iterdir()} == {"music.flac", "sound"}
    assert audible == sorted(audible)
    assert audible[-1] == 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    speech=st.lists(st.tuples(st.floats(0, 4), st.floats(0, 3), st.floats(0, 1)), max_size=4),
    frames=st.integers(1, 75),
)
def test_any_voices_give_audio_of_the_videos_length(
    tmp_path: Path, speech: list[tuple[float, float, float]], frames: int
) -> None:
    voices = [(begins, voice(seconds, volume)) for begins, seconds, volume in speech]
    sound = mixed(tmp_path, voices, None, frames / 25)
    assert len(sound) == frames * SAMPLE_RATE // 25
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 1
