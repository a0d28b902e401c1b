"""Region merging: an oversegmentation whose neighbouring regions are joined, the least different first.

Regions are merged by the full λ-schedule (Robinson, Redding and Crisp, "Implementation of a Fast Algorithm for
Segmenting SAR Imagery", 2002), a greedy solution of Mumford and Shah's piecewise constant model. Small patterns merge
first: a rug's checks become one rug before the rug could merge with the sofa.
"""

from collections.abc import Callable, Iterable, Mapping
from heapq import heapify, heappop, heappush

import cv2
import numpy as np

from pipeline.core.arrays import Floats, Integers, Mask

CELL = 8  # pixels between the watershed's seeds
REPORT_INTERVAL = 1 << 14  # steps between two progress reports

Feature = tuple[float, float, float, float]  # lightness, a, b and texture


def oversegment(lab: Integers, mask: Mask) -> Integers:
    """Oversegment by a watershed from a grid: small regions that respect edges.

    h×w int32 from 1, 0 outside of ``mask``.
    """
    height, width = mask.shape
    seeds = np.zeros((height, width), np.int32)
    rows, columns = np.mgrid[CELL // 2 : height : CELL, CELL // 2 : width : CELL]
    seeds[rows, columns] = np.arange(1, rows.size + 1, dtype=np.int32).reshape(rows.shape)
    flooded = cv2.watershed(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR), seeds)
    # The watershed's lines, and its frame, are assigned to a neighbour.
    regions = np.maximum(flooded, 0).astype(np.float32)
    around = cv2.dilate(regions, np.ones((3, 3), np.uint8))
    regions = np.where(regions > 0, regions, around).astype(np.int32)
    regions[~mask] = 0
    # Renumber without gaps: regions on bare surfaces alone were dropped.
    names, numbered = np.unique(regions, return_inverse=True)
    numbered = numbered.reshape(mask.shape).astype(np.int32)
    return numbered if names[0] == 0 else numbered + 1


def border_lengths(label: Integers, count: int) -> dict[tuple[int, int], float]:
    """Count the pairs of neighbouring pixels along the border of each two regions."""
    pairs = []
    for one, other in ((label[:, 1:], label[:, :-1]), (label[1:], label[:-1])):
        differ = (one != other) & (one > 0) & (other > 0)
        pairs.append(np.sort(np.stack([one[differ], other[differ]], 1), axis=1))
    keys, lengths = np.unique(np.concatenate(pairs) @ np.array([count, 1], np.int64), return_counts=True)
    return {(int(key // count), int(key % count)): float(length) for key, length in zip(keys, lengths, strict=True)}


class RegionMerger:
    """Region merging on an adjacency graph.

    ``size`` (N float64) counts pixels, ``mean`` (N×4) is colour and texture, ``borders`` the result of
    ``border_lengths``.
    """

    def __init__(self, size: Floats, mean: Floats, borders: Mapping[tuple[int, int], float]) -> None:
        # Plain Python numbers: NumPy is several times slower on such short vectors.
        self._size: list[float] = size.tolist()
        self._mean: list[Feature] = [(lightness, a, b, texture) for lightness, a, b, texture in mean.tolist()]
        self._neighbours: list[dict[int, float]] = [{} for _ in size]
        for (one, other), length in borders.items():
            self._neighbours[one][other] = self._neighbours[other][one] = length
        self._parent = list(range(len(size)))
        self._version = [0] * len(size)

    def merge(self, merge_limit: float, min_area: float, report: Callable[[float], None]) -> Integers:
        """Merge neighbours, the least different first, up to λ = ``merge_limit``: returns the root of each region.

        Regions of less than ``min_area`` pixels are no objects: they also merge with neighbours along a long enough
        border.
        """
        heap = [
            self._step(one, other)
            for one, neighbour in enumerate(self._neighbours)
            for other in neighbour
            if one < other
        ]
        heapify(heap)
        visited = merged = 0
        while heap:
            if visited % REPORT_INTERVAL == 0:
                report(merged / len(self._parent))
            visited += 1
            cost, one, other, *versions = heappop(heap)
            if versions != [self._version[one], self._version[other]]:
                continue
            smaller = min(self._size[one], self._size[other])
            if cost > merge_limit and (smaller >= min_area or self._neighbours[one][other] ** 2 < smaller):
                continue
            merged += 1
            for neighbour in self._join(one, other):
                heappush(heap, self._step(one, neighbour))
        return np.array([self._root(index) for index in range(len(self._parent))])

    def _step(self, one: int, other: int) -> tuple[float, int, int, int, int]:
        (l1, a1, b1, t1), (l2, a2, b2, t2) = self._mean[one], self._mean[other]
        distance = (l1 - l2) ** 2 + (a1 - a2) ** 2 + (b1 - b2) ** 2 + (t1 - t2) ** 2
        weight = self._size[one] * self._size[other] / (self._size[one] + self._size[other])
        cost = weight * distance / self._neighbours[one][other]
        return cost, one, other, self._version[one], self._version[other]

    def _join(self, one: int, other: int) -> Iterable[int]:
        """Merge ``other`` into ``one`` and return the merged region's neighbours."""
        (l1, a1, b1, t1), (l2, a2, b2, t2) = self._mean[one], self._mean[other]
        size = self._size[one] + self._size[other]
        share, other_share = self._size[one] / size, self._size[other] / size
        self._mean[one] = (
            share * l1 + other_share * l2,
            share * a1 + other_share * a2,
            share * b1 + other_share * b2,
            share * t1 + other_share * t2,
        )
        self._size[one] = size
        self._parent[other] = one
        # Invalidates the queued steps of both regions.
        self._version[one] += 1
        self._version[other] += 1
        neighbours = self._neighbours[one]
        for neighbour, length in self._neighbours[other].items():
            del self._neighbours[neighbour][other]
            if neighbour != one:
                neighbours[neighbour] = self._neighbours[neighbour][one] = neighbours.get(neighbour, 0.0) + length
        return neighbours

    def _root(self, index: int) -> int:
        while self._parent[index] != index:
            index = self._parent[index]
        return index
