"""Voice audio: activity detection, level and sample rate."""

from io import BytesIO

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.speech.audio import PEAK, Resampler, decode_audio, detect_voice, normalise_peak
from pipeline.speech.types import SAMPLE_RATE, Samples


def tone(seconds: float, amplitude: float = 0.5) -> Samples:
    return (amplitude * np.sin(np.arange(round(seconds * SAMPLE_RATE)) * (440 * 2 * np.pi / SAMPLE_RATE))).astype(
        np.float32
    )


def noise(seconds: float, amplitude: float) -> Samples:
    return np.random.default_rng(1).normal(0, amplitude, round(seconds * SAMPLE_RATE)).astype(np.float32)


@pytest.mark.parametrize("gain", [1.0, 0.02])
@pytest.mark.parametrize("floor", [0.0, 1e-4, 0.02])
def test_voice_is_detected_in_noisy_and_quiet_recordings(gain: float, floor: float) -> None:
    silence = np.zeros(SAMPLE_RATE, np.float32)
    samples = np.concatenate((silence, tone(1.5), silence, tone(0.4), silence))
    parts = detect_voice(gain * (samples + noise(len(samples) / SAMPLE_RATE, floor)))
    assert parts == pytest.approx(np.array([[1.0, 2.5], [3.5, 3.9]]), abs=0.03)


def test_short_pauses_are_speech_and_clicks_are_not() -> None:
    gap = np.zeros(round(0.08 * SAMPLE_RATE), np.float32)
    rest = np.zeros(SAMPLE_RATE // 2, np.float32)
    samples = np.concatenate((tone(0.5), gap, tone(0.5), rest, tone(0.01), rest, tone(0.5)))
    assert detect_voice(samples) == pytest.approx(np.array([[0, 1.08], [2.09, 2.59]]), abs=0.03)


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(SAMPLE_RATE, np.float32), noise(1, 1e-5)])
def test_silence_has_no_voice(samples: Samples) -> None:
    assert len(detect_voice(samples)) == 0


def test_a_recording_without_pauses_is_one_part() -> None:
    assert detect_voice(tone(3)) == pytest.approx(np.array([[0.0, 3.0]]), abs=0.02)


@given(
    st.sampled_from([8_000, 16_000, 22_050, 24_000, 44_100, 96_000]), st.integers(500, 30_000), st.integers(64, 7_000)
)
def test_resampling_keeps_the_length_for_any_block_size(rate: int, count: int, block: int) -> None:
    resampler = Resampler(rate)
    samples = np.zeros(count, np.int16)
    parts = [part for start in range(0, count, block) for part in resampler.push(samples[start : start + block])]
    parts += resampler.flush()
    assert abs(sum(map(len, parts)) - count * SAMPLE_RATE / rate) <= 1


def test_resampling_has_no_delay_and_keeps_a_tone() -> None:
    resampler = Resampler(22_050)
    times = np.arange(22_050) / 22_050
    blocks = [*resampler.push((16_384 * np.sin(times * 2_000 * np.pi)).astype(np.int16)), *resampler.flush()]
    inner = slice(SAMPLE_RATE // 10, -SAMPLE_RATE // 10)
    expected = 0.5 * np.sin(np.arange(SAMPLE_RATE) / SAMPLE_RATE * 2_000 * np.pi)
    assert np.concatenate(blocks)[inner] == pytest.approx(expected[inner], abs=1e-3)


def test_peaks_are_normalised_and_silence_stays_silent() -> None:
    assert np.abs(normalise_peak([tone(0.1, 0.01), tone(0.1, 0.9)])).max() == pytest.approx(PEAK, rel=1e-4)
    assert not normalise_peak([np.zeros(10, np.float32)]).any()
    assert len(normalise_peak([])) == 0


def test_a_file_is_decoded_to_one_channel() -> None:
    file = BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=24_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.full((1, 48_000), 8_192, np.int16), format="s16", layout="stereo")
        frame.sample_rate = 24_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    samples = np.concatenate(list(decode_audio(file)))
    assert len(samples) == SAMPLE_RATE
    assert samples[1_000:-1_000] == pytest.approx(0.25, abs=0.11)  # of two equal channels, whatever they are mixed by


def test_a_file_without_audio_raises_an_error() -> None:
    with pytest.raises(av.FFmpegError):
        list(decode_audio(BytesIO(b"no sound at all")))
