"""Motion curves of a portrait: mouth opening and blinks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.preview.faces.motion_curves import BLINK_GAP, eye_closure, mouth_openness
from pipeline.speech.types import SAMPLE_RATE, Samples
from pipeline.video import FPS


def voice_in(*spans: tuple[float, float], seconds: float, level: float = 0.5) -> Samples:
    """Return a tone in each span of seconds, and silence elsewhere."""
    moments = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    audible = np.zeros(len(moments), bool)
    for start, end in spans:
        audible |= (moments >= start) & (moments < end)
    return (level * np.sin(2 * np.pi * 180 * moments) * audible).astype(np.float32)


@pytest.mark.parametrize("level", [0.9, 0.05, 0.01])
def test_the_mouth_opens_with_the_voice_at_any_recording_level(level: float) -> None:
    open_at = mouth_openness(voice_in((1, 2), (3, 3.5), seconds=5, level=level), 5 * FPS)
    assert open_at[int(1.2 * FPS) : int(1.9 * FPS)].min() > 0.8
    assert open_at[int(3.2 * FPS)] > 0.8


def test_openness_is_exactly_zero_in_pauses() -> None:
    open_at = mouth_openness(voice_in((1, 2), (3, 3.5), seconds=5), 5 * FPS)
    for start, end in ((0, 0.9), (2.4, 2.9), (3.9, 5)):
        assert not open_at[round(start * FPS) : round(end * FPS)].any()


def test_openness_rises_faster_than_it_falls() -> None:
    open_at = mouth_openness(voice_in((1, 2), seconds=3), 3 * FPS)
    assert open_at[FPS + 2] > 0.6
    after = open_at[2 * FPS : 2 * FPS + 4]
    assert after[1] > after[2] > after[3] > 0


def test_room_noise_does_not_open_the_mouth() -> None:
    noise = np.random.default_rng(5).normal(0, 0.004, 4 * SAMPLE_RATE).astype(np.float32)
    open_at = mouth_openness(voice_in((1, 2), seconds=4) + noise, 4 * FPS)
    assert open_at[round(1.2 * FPS) : round(1.9 * FPS)].min() > 0.8
    assert not open_at[round(2.5 * FPS) :].any()


@pytest.mark.parametrize("samples", [np.zeros(SAMPLE_RATE, np.float32), np.zeros(0, np.float32)])
def test_silence_does_not_open_the_mouth(samples: Samples) -> None:
    assert mouth_openness(samples, 10).tolist() == [0] * 10


@settings(max_examples=30, deadline=None)
@given(length=st.integers(0, SAMPLE_RATE // 2), frames=st.integers(0, 40), seed=st.integers(0, 99))
def test_every_frame_has_one_openness(length: int, frames: int, seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, length).astype(np.float32)
    open_at = mouth_openness(samples, frames)
    assert open_at.shape == (frames,)
    assert ((open_at >= 0) & (open_at <= 1)).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_blinks_are_short_complete_and_separate(seed: int) -> None:
    closed = eye_closure(30 * FPS, seed)
    assert closed[0] == 0
    starts = np.flatnonzero((closed[1:] > 0) & (closed[:-1] == 0)) + 1
    ends = np.flatnonzero((closed[1:] == 0) & (closed[:-1] > 0)) + 1
    assert 4 <= len(starts) <= 13
    for start, end in zip(starts, ends, strict=False):
        assert (end - start) / FPS < 0.3
        assert closed[start:end].max() > 0.5
    assert (np.diff(starts) / FPS > BLINK_GAP[0] - 0.1).all()


def test_blinks_depend_on_the_seed() -> None:
    assert np.array_equal(eye_closure(500, 3), eye_closure(500, 3))
    assert not np.array_equal(eye_closure(500, 3), eye_closure(500, 4))
