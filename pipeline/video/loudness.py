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
MOST_GAIN = 40.0  # dB: audio that would need more is noise
TRUE_PEAK = -1.0  # dBTP: the most that EBU R 128 allows
# dB below that limit, for peaks that fourfold oversampling misses (BS.1770-5, annex 2, attachment 1).
MARGIN = 0.4
TOLERANCE = 0.2  # LU: negligible difference from the target
ATTEMPTS = 4
STEPS = 1_000  # true peaks per second
REACH = 10  # steps before and after a limited peak in which the gain changes
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

    def looked_at() -> Iterator[StereoSamples]:
        nonlocal peak
        for block in blocks:
            peak = max(peak, float(np.abs(block).max(initial=0)))
            yield block

    found: dict[str, str] = {}
    for frame in _through((("ebur128", "metadata=1:peak=true:framelog=quiet"),), looked_at()):
        found = frame.metadata or found
    integrated = float(found.get("lavfi.r128.I", SILENCE))
    peak = max(peak, float(found.get("lavfi.r128.true_peak", 0)))
    return Loudness(integrated if integrated > SILENCE else -inf, 20 * log10(peak) if peak else -inf)


def true_peaks(blocks: Iterable[StereoSamples]) -> Peaks:
    """Compute the true peak of either channel within each started millisecond, as amplitude: float32.

    By BS.1770-5, annex 2: the largest sample at four times the rate.
    """
    found: list[Peaks] = []
    rest = np.empty(0, np.float32)
    span = OVERSAMPLED // STEPS
    given = 0

    def amid_silence() -> Iterator[StereoSamples]:
        nonlocal given
        yield silence
        for block in blocks:
            given += len(block)
            yield block
        yield silence

    # Playback starts and ends in silence; it also flushes the last samples out of the resampler.
    silence = np.zeros((SAMPLE_RATE // STEPS * REACH, 2), np.float32)
    for frame in _through((("aresample", str(OVERSAMPLED)), ("aformat", "sample_fmts=flt")), amid_silence()):
        rest = np.concatenate([rest, np.abs(frame.to_ndarray().reshape(-1, 2)).max(axis=1)])
        whole = len(rest) // span * span
        found.append(rest[:whole].reshape(-1, span).max(axis=1))
        rest = rest[whole:]
    return np.concatenate(found)[REACH : REACH + ceil(given * STEPS / SAMPLE_RATE)]


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
    gain = min(target - loudness.integrated, MOST_GAIN) if isfinite(loudness.integrated) else 0.0
    for attempt in range(ATTEMPTS):

        def heard(part: float, before: int = attempt) -> None:
            report(0.4 + 0.6 * (before + part) / ATTEMPTS)

        louder = write_audio(
            path, amplify_with_limiter(with_progress(sound, length, lambda part: heard(0.3 * part)), gain, peaks)
        )
        missing = (
            target - measure_loudness(with_progress(louder, length, lambda part: heard(0.3 + 0.7 * part))).integrated
        )
        if not isfinite(missing) or abs(missing) <= TOLERANCE or gain == MOST_GAIN:
            break
        gain = min(gain + missing, MOST_GAIN)
    report(1)
    return louder


def _limiter_gain(peaks: Peaks) -> Peaks:
    """Compute the gain in each millisecond that keeps all peaks within the limit."""
    if not len(peaks):
        return np.ones(1, np.float32)
    limit = 10 ** ((TRUE_PEAK - MARGIN) / 20)
    needed = limit / np.maximum(peaks, limit)
    # A moving minimum, then a moving average of the same reach, never exceeds the gain that a peak permits. The minimum
    # reaches one step further, because the gain is interpolated linearly between the middles of steps.
    least = sliding_window_view(np.pad(needed, REACH + 1, "edge"), 2 * REACH + 3).min(axis=1)
    weights = np.hanning(2 * REACH + 3)[1:-1]
    return np.convolve(np.pad(least, REACH, "edge"), weights / weights.sum(), "valid").astype(np.float32)


def _through(filters: Iterable[tuple[str, str]], blocks: Iterable[StereoSamples]) -> Iterator[AudioFrame]:
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
        yield from _ready(graph)
    graph.push(None)
    yield from _ready(graph)


def _ready(graph: Graph) -> Iterator[AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        assert isinstance(frame, AudioFrame)
        yield frame
