"""A picture in tiles that overlap: where they lie, what each counts for, and how their enlargements become one result.

Nothing here knows what enlarges a tile. The result is put together from the top down: only what is not finished is
held in float32, a tile and the overlap with the row of tiles above.
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
    """One tile along one side of the picture.

    ``source``: its pixels of the picture. ``target``: the pixels of the result that it has a part in, which count
    ``weights`` (float32, in (0, 1]) there. ``reduction`` leads from its enlarged pixels to those: a slice where they
    are the same, else a matrix (target × enlarged, float32, rows that add up to 1).
    """

    source: slice
    target: slice
    weights: Floats
    reduction: slice | Floats


@dataclass(frozen=True)
class Tile:
    """A tile: ``pixels`` (h×w×3 uint8 sRGB), and what its rows and columns become."""

    pixels: Rgb
    rows: TileSpan
    columns: TileSpan


def tile_spans(size: int, target: int, tile: int, overlap: int, factor: int) -> tuple[TileSpan, ...]:
    """The tiles along a side of ``size`` pixels that becomes one of ``target``, each enlarged ``factor`` times.

    All have ``tile`` pixels, or ``size`` where that is less, and share ``overlap`` or more with the next. Of what two
    share, the outer thirds count for nothing in the tile whose edge is near, since it was made without its
    surroundings, and one passes into the other in the middle. At every pixel of the result the weights add up to
    exactly 1. The result may be smaller than the enlargement, never larger: ``target`` is at most ``factor * size``.

    Raises ``ValueError`` for an overlap of more than half a tile and for a target that is too large.
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
    made = []
    for number, start in enumerate(starts):
        weights = rises[number] - rises[number + 1]
        counting = np.flatnonzero(weights)
        span = slice(int(counting[0]), int(counting[-1]) + 1)
        reduction = _reduction(at[span] - start, length, factor, size * factor / target)
        made.append(TileSpan(slice(start, start + length), span, weights[span], reduction))
    return tuple(made)


def tiles(picture: Rgb, rows: Sequence[TileSpan], columns: Sequence[TileSpan]) -> Iterator[Tile]:
    """The tiles of H×W×3 uint8 sRGB, row by row, as ``TileAssembler`` wants them back."""
    for row in rows:
        for column in columns:
            yield Tile(picture[row.source, column.source], row, column)


class TileAssembler:
    """Puts the enlarged tiles of a picture together; ``result`` is H×W×3 uint8 sRGB, to be written to."""

    def __init__(self, result: Rgb, rows: Sequence[TileSpan], columns: Sequence[TileSpan]) -> None:
        self.result = result
        width = result.shape[1]
        # Where the next tile begins to count, what is before is finished.
        self._below = _ends(rows, result.shape[0])
        self._right = _ends(columns, width)
        # What is not: of the row of tiles above, the result's whole width; of the tile at the left, its whole height.
        self._above: Floats = np.zeros((0, width, 3), np.float32)
        self._next: Floats = self._above
        self._left: Floats = np.zeros((0, 0, 3), np.float32)

    def add(self, tile: Tile, enlarged: Floats) -> None:
        """Add the next tile: h×w×3 float32 in [0, 255], as many pixels as its parts have in the result.

        ``enlarged`` is written to.
        """
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


def _ends(those: Sequence[TileSpan], whole: int) -> dict[int, int]:
    """Up to where the result is finished once a tile is added, by where the tile starts in the picture."""
    following = [*(part.target.start for part in those[1:]), whole]
    return {part.source.start: end for part, end in zip(those, following, strict=True)}


def _rise(at: NDArray[np.float64], first: int, second: int, length: int) -> Floats:
    """How one tile passes into the next along a side: 0 to 1 at the places ``at``, in pixels of the picture.

    The ramps of neighbours never meet: none is longer than what the tiles are apart.
    """
    shared = first + length - second
    middle, half = second + shared / 2, min(shared / 6, (second - first) / 2)
    ramp = (at - middle) / (2 * half) + 0.5 if half else (at >= middle).astype(np.float64)
    return (np.round(np.clip(ramp, 0, 1) * WEIGHT_STEPS) / WEIGHT_STEPS).astype(np.float32)


def _reduction(at: NDArray[np.float64], length: int, factor: int, ratio: float) -> slice | Floats:
    """From ``factor * length`` enlarged pixels to those at the places ``at``, in pixels of the tile.

    Lanczos' kernel, widened to ``ratio`` enlarged pixels for one of the result, so that nothing aliases; at the ends
    it is cut off and what is left made to add up to 1.
    """
    if ratio == 1:
        start = round(at[0] * factor - 0.5)
        return slice(start, start + len(at))
    distance = (np.arange(factor * length) + 0.5 - at[:, None] * factor) / ratio
    kernel = np.where(np.abs(distance) < LOBES, np.sinc(distance) * np.sinc(distance / LOBES), 0)
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True), np.float32)
