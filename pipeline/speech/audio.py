"""Voice audio: resampling, peak normalisation and voice activity detection."""

from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.speech.types import SAMPLE_RATE, Samples

PEAK = 10 ** (-3 / 20)  # -3 dBFS: the peak of every synthesised voice
HOP = SAMPLE_RATE // 100  # samples between two measurements of the level
SILENCE_DBFS = -70.0  # dBFS: recordings whose loud parts are below contain no speech
SPEECH_RANGE = 35.0  # dB from the loud parts of speech down to its quietest sounds
NOISE_MARGIN, SPEECH_MARGIN = 8.0, 12.0  # dB between the threshold and noise or speech
MIN_PART_SECONDS = 0.05  # seconds; shorter parts are clicks


class Resampler:
    """Streaming resampler of mono audio from any rate to ``SAMPLE_RATE``, by libswresample without delay."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)

    def push(self, block: NDArray[np.int16]) -> Iterator[Samples]:
        """Add n signed 16-bit samples; yields the output that is final."""
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self._rate
        return self._samples(frame)

    def flush(self) -> Iterator[Samples]:
        """Yield the remaining output, so that the total lasts as long as the input."""
        return self._samples(None)

    def _samples(self, frame: av.AudioFrame | None) -> Iterator[Samples]:
        for resampled in self._resampler.resample(frame):
            yield resampled.to_ndarray()[0]


def decode_audio(file: BinaryIO) -> Iterator[Samples]:
    """Decode a file that libavformat can read to one channel at ``SAMPLE_RATE``, block by block.

    Raises ``av.FFmpegError`` for damage, ``IndexError`` if the file has no audio.
    """
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    with av.open(file, "r") as container:
        frames = container.decode(audio=0)
        for frame in chain(frames, (None,)):
            for resampled in resampler.resample(frame):
                yield resampled.to_ndarray()[0]


def normalise_peak(blocks: list[Samples]) -> Samples:
    """Join the blocks and normalise their peak to ``PEAK``; silence stays silent."""
    samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    peak = max(float(samples.max(initial=0)), -float(samples.min(initial=0)))
    if peak > 0:
        samples *= PEAK / peak
    return samples


def detect_voice(samples: Samples, *, max_pause: float = 0.1) -> NDArray[np.float64]:
    """Detect voice activity: n×2 float64 seconds, start and end of each part in order; none in silence.

    A part is louder than a threshold between the recording's own noise and its own speech. Pauses shorter than
    ``max_pause`` seconds belong to the speech, like the closure before a stop consonant.
    """
    levels = _levels(samples)
    if not len(levels):
        return np.zeros((0, 2))
    noise, speech = np.percentile(levels, (5, 95))
    if speech < SILENCE_DBFS:
        return np.zeros((0, 2))
    threshold = min(max(noise + NOISE_MARGIN, speech - SPEECH_RANGE), speech - SPEECH_MARGIN)
    loud = np.concatenate(([0], (levels > threshold).astype(np.int8), [0]))
    change = np.diff(loud)
    parts = np.stack((np.flatnonzero(change > 0), np.flatnonzero(change < 0)), axis=1) * (HOP / SAMPLE_RATE)
    pauses = parts[1:, 0] - parts[:-1, 1] >= max_pause
    starts = parts[np.concatenate(([True], pauses)), 0]
    ends = np.minimum(parts[np.concatenate((pauses, [True])), 1], len(samples) / SAMPLE_RATE)
    kept = ends - starts >= MIN_PART_SECONDS
    spoken: NDArray[np.float64] = np.stack((starts, ends), axis=1)[kept]
    return spoken


def _levels(samples: Samples) -> NDArray[np.float64]:
    """Compute the level around every ``HOP`` samples in dBFS, at least -100."""
    hops = len(samples) // HOP
    blocks = samples[: hops * HOP].reshape(hops, HOP)
    power = np.einsum("ij,ij->i", blocks, blocks).astype(np.float64) / HOP
    if hops > 2:
        power = np.convolve(np.pad(power, 1, "edge"), np.full(3, 1 / 3), "valid")
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(power, 1e-10))
    return levels
