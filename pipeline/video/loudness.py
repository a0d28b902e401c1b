"""Loudness: measurement by EBU R 128, and normalisation with a true-peak limiter."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, inf, isfinite, log10
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipeline.speech.types import SAMPLE_RATE
from pipeline.video.audio import RawAudioFile, StereoSamples, with_progress, write_audio

SILENCE = -70.0  # LUFS: the absolute gate of ITU-R BS.1770-5; nothing below it counts
MAX_GAIN = 40.0  # dB: audio that would need more is noise
TRUE_PEAK = -1.0  # dBTP: the most that EBU R 128 allows
# dB below that limit, for peaks that fourfold oversampling misses (BS.1770-5, annex 2, attachment 1).
MARGIN = 0.4
TOLERANCE = 0.2  # LU: negligible difference from the target
ATTEMPTS = 4
STEPS = 1_000  # true peaks per second
LIMITER_STEPS = 10  # steps before and after a limited peak in which the gain changes
OVERSAMPLED = 4 * SAMPLE_RATE  # BS.1770-5, annex 2: peaks between samples are found at four times 48 kHz


Peaks = NDArray[np.float32]


@dataclass(frozen=True)
class Loudness:
    """Loudness of audio: ``integrated`` in LUFS and ``true_peak`` in dBTP; both -inf for silence.

    ``integrated`` is also -inf for audio shorter than 0.4 seconds, the length of the measuring window.
    """

    integrated: float
    true_peak: float


def measure_loudness(blocks: Iterable[StereoSamples]) -> Loudness:
    """Measure the loudness of all blocks, n×2 float32 at ``SAMPLE_RATE``, by EBU R 128 (2023) and ITU-R BS.1770-5.

    Uses ffmpeg's ``ebur128`` filter. True peaks are accurate to a thousandth of full scale.
    """
    peak = 0.0

    def with_sample_peak() -> Iterator[StereoSamples]:
        nonlocal peak
        for block in blocks:
            peak = max(peak, float(np.abs(block).max(initial=0)))
            yield block

    metadata: dict[str, str] = {}
    for frame in _filtered((("ebur128", "metadata=1:peak=true:framelog=quiet"),), with_sample_peak()):
        metadata = frame.metadata or metadata
    integrated = float(metadata.get("lavfi.r128.I", SILENCE))
    peak = max(peak, float(metadata.get("lavfi.r128.true_peak", 0)))
    return Loudness(integrated if integrated > SILENCE else -inf, 20 * log10(peak) if peak else -inf)


def true_peaks(blocks: Iterable[StereoSamples]) -> Peaks:
    """Compute the true peak of either channel within each started millisecond, as amplitude: float32.

    By BS.1770-5, annex 2: the largest sample at four times the rate.
    """
    peaks: list[Peaks] = []
    remainder = np.empty(0, np.float32)
    span = OVERSAMPLED // STEPS
    input_length = 0

    def with_silence() -> Iterator[StereoSamples]:
        nonlocal input_length
        yield silence
        for block in blocks:
            input_length += len(block)
            yield block
        yield silence

    # Playback starts and ends in silence; it also flushes the last samples out of the resampler.
    silence = np.zeros((SAMPLE_RATE // STEPS * LIMITER_STEPS, 2), np.float32)
    for frame in _filtered((("aresample", str(OVERSAMPLED)), ("aformat", "sample_fmts=flt")), with_silence()):
        remainder = np.concatenate([remainder, np.abs(frame.to_ndarray().reshape(-1, 2)).max(axis=1)])
        whole = len(remainder) // span * span
        peaks.append(remainder[:whole].reshape(-1, span).max(axis=1))
        remainder = remainder[whole:]
    return np.concatenate(peaks)[LIMITER_STEPS : LIMITER_STEPS + ceil(input_length * STEPS / SAMPLE_RATE)]


def amplify_with_limiter(blocks: Iterable[StereoSamples], decibels: float, peaks: Peaks) -> Iterator[StereoSamples]:
    """Amplify the blocks by ``decibels``, limited to true peaks of -1 dBTP; ``peaks`` are the blocks' own.

    Around higher peaks, the gain falls in the 20 ms before, by a smooth curve, and rises again in the 20 ms after.
    Waves of more than 50 Hz are not distorted.
    """
    gain = 10 ** (decibels / 20)
    curve = gain * _limiter_gain(peaks * gain)
    middles = np.arange(len(curve)) + 0.5
    start = 0
    for block in blocks:
        places = (np.arange(start, start + len(block)) + 0.5) * (STEPS / SAMPLE_RATE)
        yield block * np.interp(places, middles, curve).astype(np.float32)[:, None]
        start += len(block)


def normalise_loudness(
    sound: RawAudioFile, target: float, path: Path, *, report: Callable[[float], None] = lambda _fraction: None
) -> RawAudioFile:
    """Write the audio at ``target`` LUFS to ``path``: one gain for all of it, and true peaks of at most -1 dBTP.

    If limiting reduces the loudness, more gain compensates, as far as possible. Silence stays silence, and audio too
    short to measure stays as loud as it is. ``report`` receives the fraction done, 0 to 1.
    """
    length = len(sound)
    loudness = measure_loudness(with_progress(sound, length, lambda part: report(0.2 * part)))
    peaks = true_peaks(with_progress(sound, length, lambda part: report(0.2 + 0.2 * part)))
    gain = min(target - loudness.integrated, MAX_GAIN) if isfinite(loudness.integrated) else 0.0
    for attempt in range(ATTEMPTS):

        def report_attempt(part: float, before: int = attempt) -> None:
            report(0.4 + 0.6 * (before + part) / ATTEMPTS)

        amplified = write_audio(
            path,
            amplify_with_limiter(with_progress(sound, length, lambda part: report_attempt(0.3 * part)), gain, peaks),
        )
        shortfall = (
            target
            - measure_loudness(
                with_progress(amplified, length, lambda part: report_attempt(0.3 + 0.7 * part))
            ).integrated
        )
        if not isfinite(shortfall) or abs(shortfall) <= TOLERANCE or gain == MAX_GAIN:
            break
        gain = min(gain + shortfall, MAX_GAIN)
    report(1)
    return amplified


def _limiter_gain(peaks: Peaks) -> Peaks:
    """Compute the gain in each millisecond that keeps all peaks within the limit."""
    if not len(peaks):
        return np.ones(1, np.float32)
    limit = 10 ** ((TRUE_PEAK - MARGIN) / 20)
    needed = limit / np.maximum(peaks, limit)
    # A moving minimum, then a moving average of the same reach, never exceeds the gain that a peak permits. The minimum
    # reaches one step further, because the gain is interpolated linearly between the middles of steps.
    min_gain = sliding_window_view(np.pad(needed, LIMITER_STEPS + 1, "edge"), 2 * LIMITER_STEPS + 3).min(axis=1)
    weights = np.hanning(2 * LIMITER_STEPS + 3)[1:-1]
    return np.convolve(np.pad(min_gain, LIMITER_STEPS, "edge"), weights / weights.sum(), "valid").astype(np.float32)


def _filtered(filters: Iterable[tuple[str, str]], blocks: Iterable[StereoSamples]) -> Iterator[AudioFrame]:
    """Run audio through a chain of ffmpeg filters."""
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=SAMPLE_RATE, format="flt", layout="stereo", time_base=Fraction(1, SAMPLE_RATE)
    )
    graph.link_nodes(source, *(graph.add(name, options) for name, options in filters), graph.add("abuffersink"))
    graph.configure()
    start = 0
    for block in blocks:
        if not len(block):
            continue
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
        start += len(block)
        graph.push(frame)
        yield from _pull_frames(graph)
    graph.push(None)
    yield from _pull_frames(graph)


def _pull_frames(graph: Graph) -> Iterator[AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        assert isinstance(frame, AudioFrame)
        yield frame
