"""How loud sound is (EBU R 128), and sound brought to a loudness without ever clipping."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import inf, isfinite, log10
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph

from pipeline.speech.speech import RATE
from pipeline.video.sound import SoundFile, Stereo, reported, written

SILENCE = -70.0  # LUFS: the absolute gate of ITU-R BS.1770-5; nothing below it counts
MOST_GAIN = 40.0  # dB: what would need more is noise
TRUE_PEAK = -1.0  # dBTP: the most that EBU R 128 allows
# Between what the limiter is told and what there may be: reducing the rate again lets peaks grow a little.
MARGIN = 0.4
TOLERANCE = 0.2  # LU that are as good as none
ATTEMPTS = 3
OVERSAMPLED = 4 * RATE  # BS.1770-5, annex 2: peaks between samples are found at four times 48 kHz


@dataclass(frozen=True)
class Loudness:
    """``integrated`` in LUFS and ``true_peak`` in dBTP; both -inf where nothing is heard.

    The loudness is -inf as well for what is shorter than 0.4 seconds, the length of the measure's window.
    """

    integrated: float
    true_peak: float


def measure(blocks: Iterable[Stereo]) -> Loudness:
    """The loudness of all blocks, n×2 float32 at ``RATE``, by EBU R 128 (2023) and ITU-R BS.1770-5.

    ffmpeg's ``ebur128`` filter does it. The peak between samples is known to a thousandth of full scale.
    """
    peak = 0.0

    def looked_at() -> Iterator[Stereo]:
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


def amplified(blocks: Iterable[Stereo], decibels: float) -> Iterator[Stereo]:
    """As many samples, louder by ``decibels``, but with true peaks of no more than -1 dBTP.

    What would pass that is held back by a limiter that looks ahead, at four times the rate (ffmpeg's ``alimiter``).
    """
    limit = 10 ** ((TRUE_PEAK - MARGIN) / 20)
    filters = (
        ("volume", f"{decibels:.4f}dB"),
        ("aresample", str(OVERSAMPLED)),
        ("alimiter", f"limit={limit:.5f}:level=0:attack=5:release=100:latency=1"),
        ("aresample", str(RATE)),
        ("aformat", "sample_fmts=flt"),
    )
    for frame in _through(filters, blocks):
        yield np.asarray(frame.to_ndarray(), np.float32).reshape(-1, 2)


def level(
    sound: SoundFile, target: float, path: Path, *, report: Callable[[float], None] = lambda _fraction: None
) -> SoundFile:
    """The sound at ``target`` LUFS, written to ``path``: one gain for all of it, and true peaks of at most -1 dBTP.

    Where the limiter takes loudness away, more gain makes up for it, as far as that goes. Silence stays silence, and
    what is shorter than loudness can be measured stays as loud as it is. ``report`` hears how much is done, 0 to 1.
    """
    loudness = measure(reported(sound, len(sound), lambda part: report(0.1 * part)))
    gain = min(target - loudness.integrated, MOST_GAIN) if isfinite(loudness.integrated) else 0.0
    for attempt in range(ATTEMPTS):

        def heard(part: float, before: int = attempt) -> None:
            report(0.1 + 0.9 * (before + part) / ATTEMPTS)

        louder = written(path, amplified(reported(sound, len(sound), lambda part: heard(0.8 * part)), gain))
        missing = target - measure(reported(louder, len(louder), lambda part: heard(0.8 + 0.2 * part))).integrated
        if not isfinite(missing) or abs(missing) <= TOLERANCE or gain == MOST_GAIN:
            break
        gain = min(gain + missing, MOST_GAIN)
    report(1)
    return louder


def _through(filters: Iterable[tuple[str, str]], blocks: Iterable[Stereo]) -> Iterator[AudioFrame]:
    """What comes out of ffmpeg's filters, one after the other."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="flt", layout="stereo", time_base=Fraction(1, RATE))
    graph.link_nodes(source, *(graph.add(name, options) for name, options in filters), graph.add("abuffersink"))
    graph.configure()
    start = 0
    for block in blocks:
        if not len(block):
            continue
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
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
