"""Loudness, compared with an independent measurement."""

from functools import cache
from math import inf, isinf, log10
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from pipeline.speech.types import SAMPLE_RATE
from pipeline.video.audio import RawAudioFile, StereoSamples, write_audio
from pipeline.video.loudness import amplify_with_limiter, measure_loudness, normalise_loudness, true_peaks

SECONDS = 6


def both(wave: np.ndarray) -> StereoSamples:
    return np.repeat(wave[:, None], 2, 1).astype(np.float32)


@cache
def speech() -> StereoSamples:
    """Syllables of a buzzing voice, with pauses between its sentences."""
    time = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    voice = sum(np.sin(2 * np.pi * 130 * overtone * time) / overtone for overtone in range(1, 25))
    syllables = np.clip(np.sin(2 * np.pi * 4 * time), 0, 1) ** 2
    return both(0.1 * voice * syllables * (time % 4 < 2.8))


@cache
def music() -> StereoSamples:
    """Sustained chords that differ between the channels."""
    time = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    chords = [np.sin(2 * np.pi * np.outer(time, pitches)).sum(1) for pitches in ((220, 277, 330), (221, 276, 440))]
    return np.asarray(0.15 * np.stack(chords, 1) * (0.3 + np.exp(-2 * (time % 1)))[:, None], np.float32)


def quiet() -> StereoSamples:
    return speech() * 0.05


@cache
def peaky() -> StereoSamples:
    """Speech between claps of full scale."""
    sound = speech() * 0.3
    for clap in range(SAMPLE_RATE // 2, len(sound), 2 * SAMPLE_RATE):
        sound[clap : clap + 40] += both(np.hanning(40) * np.random.default_rng(clap).choice([-1, 1], 40))
    return np.clip(sound, -1, 1)


SOUNDS = {"speech": speech, "music": music, "quiet": quiet, "peaky": peaky}


def loudness(sound: StereoSamples) -> float:
    """Measure the loudness by ITU-R BS.1770 with pyloudnorm."""
    return float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(sound.astype(float)))


def true_peak(sound: StereoSamples) -> float:
    return 20 * log10(np.abs(resample_poly(sound.astype(float), 8, 1)).max())


def whole(sound: RawAudioFile) -> StereoSamples:
    return np.concatenate(list(sound))


def blocks(sound: StereoSamples, length: int) -> list[StereoSamples]:
    return [sound[start : start + length] for start in range(0, len(sound), length)]


@pytest.mark.parametrize("name", SOUNDS)
def test_the_measurement_agrees_with_pyloudnorm(name: str) -> None:
    sound = SOUNDS[name]()
    measured = measure_loudness([sound])
    assert measured.integrated == pytest.approx(loudness(sound), abs=0.3)
    assert 10 ** (measured.true_peak / 20) == pytest.approx(10 ** (true_peak(sound) / 20), rel=0.05, abs=0.001)


@pytest.mark.parametrize("target", [-16.0, -23.0])
@pytest.mark.parametrize("name", SOUNDS)
def test_any_audio_is_normalised_to_the_target(tmp_path: Path, name: str, target: float) -> None:
    source = SOUNDS[name]()
    sound = whole(normalise_loudness(write_audio(tmp_path / "in", [source]), target, tmp_path / "out"))
    assert len(sound) == len(source)
    assert loudness(sound) == pytest.approx(target, abs=0.5)
    assert true_peak(sound) <= -1


@given(lengths=st.lists(st.integers(0, 30_000), min_size=1, max_size=8))
@settings(max_examples=15, deadline=None)
def test_block_sizes_have_no_effect(lengths: list[int]) -> None:
    sound = music()[: sum(lengths)] * 2
    cuts = np.split(sound, np.cumsum(lengths)[:-1])
    apart, together = (
        np.concatenate([*amplify_with_limiter(parts, 3, true_peaks(parts)), sound[:0]]) for parts in (cuts, [sound])
    )
    assert len(apart) == len(sound)
    assert np.allclose(apart, together, atol=1e-4)
    assert measure_loudness(cuts).integrated == pytest.approx(measure_loudness([sound]).integrated, abs=0.01)


def test_a_gain_without_limiting_is_linear() -> None:
    sound = music() * 0.2
    louder = np.concatenate(list(amplify_with_limiter(blocks(sound, SAMPLE_RATE), 6, true_peaks([sound]))))
    assert np.allclose(louder, sound * 10 ** (6 / 20), rtol=1e-4)


@given(seed=st.integers(0, 10**6), decibels=st.floats(-20, 40), tilt=st.integers(1, 60))
@example(seed=1118, decibels=0.0, tilt=26)  # as loud as can be from its first sample on
@settings(max_examples=25, deadline=None)
def test_no_true_peak_exceeds_the_limit(seed: int, decibels: float, tilt: int) -> None:
    rng = np.random.default_rng(seed)
    length = SAMPLE_RATE // 2
    # Noise that is dull or bright, in bursts of any height: white where tilt is 1.
    noise = np.convolve(rng.standard_normal(length + tilt - 1), np.ones(tilt) / tilt, "valid")
    sound = np.clip(both(noise * np.repeat(rng.choice([0, 0.01, 0.3, 2], length // 500), 500)), -1, 1)
    louder = np.concatenate(list(amplify_with_limiter([sound], decibels, true_peaks([sound]))))
    assert not louder.any() or true_peak(louder) <= -1


@pytest.mark.parametrize("pitch", [60, 200, 3_000])
def test_a_limited_tone_is_not_distorted(pitch: float) -> None:
    sound = both(np.sin(2 * np.pi * pitch * np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE))
    louder = np.concatenate(list(amplify_with_limiter([sound], 10, true_peaks([sound]))))[
        SAMPLE_RATE // 2 : -SAMPLE_RATE // 2, 0
    ]
    spectrum = np.abs(np.fft.rfft(louder * np.hanning(len(louder)))) ** 2
    near = slice(pitch - 5, pitch + 6)
    assert spectrum[near].sum() / spectrum.sum() > 0.99999


@pytest.mark.parametrize("seconds", [0.0, 0.2, 3.0])
def test_silence_stays_silence(tmp_path: Path, seconds: float) -> None:
    nothing = np.zeros((round(seconds * SAMPLE_RATE), 2), np.float32)
    assert measure_loudness([nothing]).integrated == -inf
    assert measure_loudness([nothing]).true_peak == -inf
    sound = normalise_loudness(write_audio(tmp_path / "in", [nothing]), -16, tmp_path / "out")
    assert len(sound) == len(nothing)
    assert not any(block.any() for block in sound)


def test_audio_too_short_to_measure_is_unchanged(tmp_path: Path) -> None:
    blip = music()[: SAMPLE_RATE // 5] * 0.1
    assert isinf(measure_loudness([blip]).integrated)
    sound = whole(normalise_loudness(write_audio(tmp_path / "in", [blip]), -16, tmp_path / "out"))
    assert np.abs(sound[2_000:-2_000] - blip[2_000:-2_000]).max() < 0.001


def test_noise_is_not_amplified_beyond_the_limit(tmp_path: Path) -> None:
    hiss = both(np.random.default_rng(1).standard_normal(4 * SAMPLE_RATE) * 10 ** (-68 / 20))
    sound = whole(normalise_loudness(write_audio(tmp_path / "in", [hiss]), -16, tmp_path / "out"))
    assert loudness(sound) < -20


def test_progress_is_reported_and_can_end_the_work(tmp_path: Path) -> None:
    source, fractions = write_audio(tmp_path / "in", [music()]), list[float]()
    normalise_loudness(source, -16, tmp_path / "out", report=fractions.append)
    assert len(fractions) > 10
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1

    def stop(fraction: float) -> None:
        if fraction > 0.3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        normalise_loudness(source, -16, tmp_path / "out", report=stop)
