"""Motion curves of a portrait: mouth opening from the loudness of the voice, and random blinks."""

import numpy as np

from pipeline.core.arrays import Floats
from pipeline.speech.types import SAMPLE_RATE, Samples
from pipeline.video import FPS

HOP = SAMPLE_RATE // 50  # samples: 20 ms
LOUD_QUANTILE = 0.95  # quantile of the levels above silence that counts as the loud voice
SILENCE = -60.0  # dBFS: no voice is so low
RANGE = 22.0  # dB below loud at which the mouth is closed
NOISE_QUANTILE, NOISE_MARGIN = 0.1, 8.0  # quantile of the noise floor, and the dB above it at which the mouth is closed
MIN_RANGE = 10.0  # least dB of range, however noisy the room
ATTACK, RELEASE = 0.025, 0.07  # time constants of opening and closing, in seconds
CLOSED_OPENING = 0.08  # opening below which the lips touch
LEAD_SECONDS = 0.02  # seconds by which lips part before they are heard

BLINK_GAP = (2.5, 6.0)  # seconds from one blink to the next
BLINK_CLOSING, BLINK_CLOSED, BLINK_OPENING = 0.07, 0.03, 0.12  # seconds


def mouth_openness(samples: Samples, frames: int) -> Floats:
    """Compute how far the mouth is open in each frame: ``frames`` float32 from 0 to 1, exactly 0 in pauses.

    ``samples`` are mono float32 in [-1, 1] at ``SAMPLE_RATE``. The loudness of every 20 ms, in dB below the voice's own
    loud passages, is smoothed by a one-pole filter (Zölzer, DAFX, 2011, §4.2) that rises faster than it falls.
    """
    levels = _levels(samples)
    audible = levels[levels > SILENCE]
    if not len(audible):
        return np.zeros(frames, np.float32)
    loud = float(np.quantile(audible, LOUD_QUANTILE))
    floor = max(loud - RANGE, float(np.quantile(levels, NOISE_QUANTILE)) + NOISE_MARGIN)
    floor = min(floor, loud - MIN_RANGE)
    target = np.clip((levels - floor) / (loud - floor), 0, 1)
    rise, fall = (1 - np.exp(-HOP / SAMPLE_RATE / seconds) for seconds in (ATTACK, RELEASE))
    smoothed = np.empty(len(target), np.float32)
    value = 0.0
    for index, target_level in enumerate(target.tolist()):
        value += (rise if target_level > value else fall) * (target_level - value)
        smoothed[index] = value
    opening = np.clip((smoothed - CLOSED_OPENING) / (1 - CLOSED_OPENING), 0, 1)
    # A hop's level belongs to its middle.
    times = ((np.arange(frames) + 0.5) / FPS + LEAD_SECONDS) * SAMPLE_RATE / HOP - 0.5
    between = np.interp(times, np.arange(len(opening)), opening, left=0, right=0)
    return np.asarray(between, np.float32)


def eye_closure(frames: int, seed: int) -> Floats:
    """Compute how far the eyes are closed in each frame: ``frames`` float32 from 0 to 1, open in the first one."""
    rng = np.random.default_rng(seed)
    closed = np.zeros(frames, np.float32)
    times = np.arange(frames) / FPS
    start = float(rng.uniform(1.0, BLINK_GAP[0]))
    while start < frames / FPS:
        elapsed = times - start
        down = np.clip(elapsed / BLINK_CLOSING, 0, 1)
        up = np.clip((elapsed - BLINK_CLOSING - BLINK_CLOSED) / BLINK_OPENING, 0, 1)
        closed = np.maximum(closed, (down - up).astype(np.float32))
        start += float(rng.uniform(*BLINK_GAP))
    return closed


def _levels(samples: Samples) -> Floats:
    """Compute the root mean square of every hop, in dBFS; the last hop may be shorter."""
    whole = len(samples) // HOP * HOP
    powers = np.square(samples[:whole]).reshape(-1, HOP).mean(1)
    if whole < len(samples):
        powers = np.append(powers, np.square(samples[whole:]).mean())
    return np.asarray(10 * np.log10(np.maximum(powers, 1e-12)), np.float32)
