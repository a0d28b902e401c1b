"""Overlapping tiles: computes tile positions and blend weights, and assembles enlarged tiles into one picture.

Independent of the upscaler. The result is assembled from the top down. Only its unfinished part is held in float32: a
tile, and the overlap with the row of tiles above.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Rgb

Floats = NDArray[np.float32]

LOBES = 3  # of the Lanczos kernel
# Weights are multiples of 1/256: float32 adds and multiplies them exactly.
WEIGHT_STEPS = 256


@dataclass(frozen=True)
class TileSpan:
    """Extent of a tile along one axis of the picture.

    - ``source``: the tile's pixels in the picture
    - ``target``: the pixels of the result that it contributes to
    - ``weights``: its blend weights there, float32 in (0, 1]
    - ``reduction``: maps its enlarged pixels to ``target``: a slice if no resampling is needed, else a matrix (target ×
      enlarged, float32, rows that add up to 1)
    """

    source: slice
    target: slice
    weights: Floats
    reduction: slice | Floats


@dataclass(frozen=True)
class Tile:
    """A tile: its ``pixels`` (h×w×3 uint8 sRGB), and its extents along rows and columns."""

    pixels: Rgb
    rows: TileSpan
    columns: TileSpan


def tile_spans(size: int, target: int, tile: int, overlap: int, factor: int) -> tuple[TileSpan, ...]:
    """Compute the tiles along an axis of ``size`` pixels, enlarged ``factor`` times and reduced to ``target`` pixels.

    All tiles have ``tile`` pixels, or ``size`` if that is less, and overlap the next by at least ``overlap``. In the
    overlap, a tile's outer third has weight 0, as its edge was enlarged without its surroundings. The middle third is a
    linear ramp from one tile to the next. The weights at every pixel of the result add up to exactly 1.

    Raises ``ValueError`` if the overlap exceeds half a tile, or if ``target`` exceeds ``factor * size``.
    """
    length = min(tile, size)
    if overlap * 2 > tile or overlap < 0:
        raise ValueError(f"an overlap of {overlap} is not within half of a tile of {tile}")
    if not 0 < target <= factor * size:
        raise ValueError(f"{target} pixels cannot be made of {size} enlarged {factor} times")
    count = 1 if length == size else ceil((size - overlap) / (tile - overlap))
    starts = [number * (size - length) // max(count - 1, 1) for number in range(count)]
    at = (np.arange(target, dtype=np.float64) + 0.5) * size / target
    rises = [
        np.ones(target, np.float32),
        *(_rise(at, first, second, length) for first, second in pairwise(starts)),
        np.zeros(target, np.float32),
    ]
    spans = []
    for number, start in enumerate(starts):
        weights = rises[number] - rises[number + 1]
        counting = np.flatnonzero(weights)
        span = slice(int(counting[0]), int(counting[-1]) + 1)
        reduction = _reduction(at[span] - start, length, factor, size * factor / target)
        spans.append(TileSpan(slice(start, start + length), span, weights[span], reduction))
    return tuple(spans)


def tiles(picture: Rgb, rows: Sequence[TileSpan], columns: Sequence[TileSpan]) -> Iterator[Tile]:
    """Yield the tiles of H×W×3 uint8 sRGB, row by row, in the order that ``TileAssembler`` expects."""
    for row in rows:
        for column in columns:
            yield Tile(picture[row.source, column.source], row, column)


class TileAssembler:
    """Assembles the enlarged tiles of a picture into ``result``, H×W×3 uint8 sRGB, in place."""

    def __init__(self, result: Rgb, rows: Sequence[TileSpan], columns: Sequence[TileSpan]) -> None:
        self.result = result
        width = result.shape[1]
        # The result is finished up to where the next tile starts to contribute.
        self._below = _ends(rows, result.shape[0])
        self._right = _ends(columns, width)
        # Unfinished parts: of the row of tiles above, in full width; of the tile to the left, in full height.
        self._above: Floats = np.zeros((0, width, 3), np.float32)
        self._next: Floats = self._above
        self._left: Floats = np.zeros((0, 0, 3), np.float32)

    def add(self, tile: Tile, enlarged: Floats) -> None:
        """Add the next tile. ``enlarged`` is h×w×3 float32 in [0, 255], of its ``target`` size; it is overwritten."""
        row, column = tile.rows, tile.columns
        if column.target.start == 0:
            self._above = self._next
            unfinished = row.target.stop - self._below[row.source.start]
            self._next = np.zeros((unfinished, self.result.shape[1], 3), np.float32)
            self._left = np.zeros((len(enlarged), 0, 3), np.float32)
        enlarged *= column.weights[:, None]
        enlarged[:, : self._left.shape[1]] += self._left
        done = self._right[column.source.start] - column.target.start
        self._left = enlarged[:, done:].copy()

        columns = slice(column.target.start, column.target.start + done)
        strip = enlarged[:, :done]
        strip *= row.weights[:, None, None]
        strip[: len(self._above)] += self._above[:, columns]
        finished = self._below[row.source.start] - row.target.start
        self._next[:, columns] = strip[finished:]
        rounded = np.clip(strip[:finished] + np.float32(0.5), 0, 255)
        self.result[row.target.start : row.target.start + finished, columns] = rounded


def _ends(spans: Sequence[TileSpan], whole: int) -> dict[int, int]:
    """Return up to where the result is finished after each tile, by the tile's start in the picture."""
    following = [*(part.target.start for part in spans[1:]), whole]
    return {part.source.start: end for part, end in zip(spans, following, strict=True)}


def _rise(at: NDArray[np.float64], first: int, second: int, length: int) -> Floats:
    """Compute the ramp from one tile to the next: 0 to 1 at the positions ``at``, in pixels of the picture.

    A ramp is never longer than the distance between the tiles' starts, so neighbouring ramps do not overlap.
    """
    shared = first + length - second
    middle, half = second + shared / 2, min(shared / 6, (second - first) / 2)
    ramp = (at - middle) / (2 * half) + 0.5 if half else (at >= middle).astype(np.float64)
    return (np.round(np.clip(ramp, 0, 1) * WEIGHT_STEPS) / WEIGHT_STEPS).astype(np.float32)


def _reduction(at: NDArray[np.float64], length: int, factor: int, ratio: float) -> slice | Floats:
    """Compute the resampling from ``factor * length`` enlarged pixels to the positions ``at``, in the tile's pixels.

    A Lanczos kernel, widened by ``ratio`` (enlarged pixels per pixel of the result) against aliasing. It is truncated
    at the ends and normalised to a sum of 1.
    """
    if ratio == 1:
        start = round(at[0] * factor - 0.5)
        return slice(start, start + len(at))
    distance = (np.arange(factor * length) + 0.5 - at[:, None] * factor) / ratio
    kernel = np.where(np.abs(distance) < LOBES, np.sinc(distance) * np.sinc(distance / LOBES), 0)
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True), np.float32)
