"""Stereo sound, a block at a time, and on disk where it is needed more than once."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.speech.types import SAMPLE_RATE

StereoSamples = NDArray[np.float32]

BLOCK = SAMPLE_RATE  # samples of a channel that are worked on at a time: a second


class RawAudioFile:
    """Sound on disk: n×2 float32 at ``SAMPLE_RATE`` without any header, in the machine's own byte order.

    It can be iterated over as often as is wanted, in blocks of a second. Opening one that is to be written makes it
    ``length`` samples of silence.
    """

    def __init__(self, path: Path, length: int | None = None) -> None:
        self.path = path
        if length is not None:
            with path.open("wb") as file:
                file.truncate(length * 2 * 4)

    def __len__(self) -> int:
        """Samples of a channel."""
        return self.path.stat().st_size // (2 * 4)

    def __iter__(self) -> Iterator[StereoSamples]:
        with self.path.open("rb") as file:
            while data := file.read(BLOCK * 2 * 4):
                yield np.frombuffer(data, np.float32).reshape(-1, 2)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self) / SAMPLE_RATE

    def memory_map(self) -> StereoSamples:
        """The samples, n×2, to be read and changed where they lie."""
        return np.memmap(self.path, np.float32, "r+").reshape(-1, 2)


def write_audio(path: Path, blocks: Iterable[StereoSamples]) -> RawAudioFile:
    """Sound put on disk as it comes."""
    with path.open("wb") as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block, np.float32).data)
    return RawAudioFile(path)


def with_progress(
    blocks: Iterable[StereoSamples], length: int, report: Callable[[float], None]
) -> Iterator[StereoSamples]:
    """The same blocks; ``report`` hears after each how much of ``length`` samples have passed, 0 to 1."""
    done = 0
    for block in blocks:
        yield block
        done += len(block)
        report(min(done / max(length, 1), 1))
