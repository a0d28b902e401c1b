"""Stereo audio in blocks, and raw audio files for audio that is needed more than once."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.speech.types import SAMPLE_RATE

StereoSamples = NDArray[np.float32]

BLOCK = SAMPLE_RATE  # samples per channel in a block: a second


class RawAudioFile:
    """Raw audio file: n×2 float32 at ``SAMPLE_RATE``, headerless, in native byte order.

    Iterating yields blocks of a second, as often as needed. Opening one for writing fills it with ``length`` samples of
    silence.
    """

    def __init__(self, path: Path, length: int | None = None) -> None:
        self.path = path
        if length is not None:
            with path.open("wb") as file:
                file.truncate(length * 2 * 4)

    def __len__(self) -> int:
        """Return the samples per channel."""
        return self.path.stat().st_size // (2 * 4)

    def __iter__(self) -> Iterator[StereoSamples]:
        with self.path.open("rb") as file:
            while data := file.read(BLOCK * 2 * 4):
                yield np.frombuffer(data, np.float32).reshape(-1, 2)

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self) / SAMPLE_RATE

    def memory_map(self) -> StereoSamples:
        """Map the samples, n×2, into memory for reading and writing."""
        return np.memmap(self.path, np.float32, "r+").reshape(-1, 2)


def write_audio(path: Path, blocks: Iterable[StereoSamples]) -> RawAudioFile:
    """Write blocks to a raw audio file as they arrive."""
    with path.open("wb") as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block, np.float32).data)
    return RawAudioFile(path)


def with_progress(
    blocks: Iterable[StereoSamples], length: int, report: Callable[[float], None]
) -> Iterator[StereoSamples]:
    """Yield the same blocks; ``report`` receives after each the fraction of ``length`` samples passed, 0 to 1."""
    done = 0
    for block in blocks:
        yield block
        done += len(block)
        report(min(done / max(length, 1), 1))
