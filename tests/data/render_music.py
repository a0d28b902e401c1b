"""Renderer of quiet background music: four chords of sines that loop without a seam, our own and free to use.

Usage: python -m tests.data.render_music      writes tests/data/music.ogg and infra/commands/samples/music.ogg
"""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 48_000
SECONDS = 6
BITS_PER_SECOND = 56_000
# C, A minor, F, G: a bass note and a chord of each, as MIDI numbers.
CHORDS = ((36, 60, 64, 67), (33, 57, 60, 64), (41, 57, 60, 65), (31, 59, 62, 67))
PLUCKS = (72, 76, 79, 76, 72, 76, 81, 76, 72, 77, 81, 77, 74, 79, 83, 79)
# Of each partial of a tone, the loudness.
PAD = (1.0, 0.35, 0.16, 0.05)
PLUCK = (1.0, 0.5, 0.1, 0.12)

Samples = NDArray[np.float64]


def render() -> Samples:
    """SECONDS of stereo, 2×n in [-1, 1]; what rings beyond the end rings at the start."""
    found = np.zeros((2, SECONDS * RATE))
    bar = SECONDS / len(CHORDS)
    for number, chord in enumerate(CHORDS):
        for place, note in enumerate(chord):
            aside = 0.5 if place == 0 else 0.25 + 0.25 * (place - 1)
            _put(found, _tone(note, bar + 0.8, PAD, attack=0.25, release=0.8) * 0.16, number * bar, aside)
    step = SECONDS / len(PLUCKS)
    for number, note in enumerate(PLUCKS):
        _put(
            found, _tone(note, 1.2, PLUCK, attack=0.006, release=1.15) * 0.06, number * step, 0.35 + 0.3 * (number % 2)
        )
    return found / np.abs(found).max() * 0.5


def write(path: Path, music: Samples) -> None:
    """Opus in Ogg."""
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=RATE, layout="stereo")
        stream.bit_rate = BITS_PER_SECOND
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(music.T.reshape(1, -1), dtype=np.float32), format="flt", layout="stereo"
        )
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _tone(note: int, seconds: float, partials: tuple[float, ...], *, attack: float, release: float) -> Samples:
    """Two sines a little apart for each partial, which swells for ``attack`` and fades for ``release`` seconds."""
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 440 * 2 ** ((note - 69) / 12)
    wave = sum(
        loudness * (np.sin(2 * np.pi * pitch * order * time) + np.sin(2 * np.pi * pitch * order * 1.003 * time)) / 2
        for order, loudness in enumerate(partials, 1)
    )
    swell = np.clip(time / attack, 0, 1)
    fade = np.clip((seconds - time) / release, 0, 1)
    return np.asarray(wave * np.sin(swell * np.pi / 2) ** 2 * fade**2)


def _put(music: Samples, tone: Samples, start: float, aside: float) -> None:
    """Add the tone at ``start`` seconds, going round; ``aside`` is 0 for left, 1 for right."""
    places = (np.arange(len(tone)) + round(start * RATE)) % music.shape[1]
    for channel, gain in enumerate((np.cos(aside * np.pi / 2), np.sin(aside * np.pi / 2))):
        np.add.at(music[channel], places, tone * gain)


if __name__ == "__main__":
    here = Path(__file__).parent
    for folder in (here, here.parents[1] / "infra" / "commands" / "samples"):
        write(folder / "music.ogg", render())
