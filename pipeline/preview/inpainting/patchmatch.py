"""PatchMatch: finds, for each patch that touches a hole, the most similar patch outside of it."""

import cv2
import numpy as np

from pipeline.core.arrays import Floats, Integers, Mask
from pipeline.imaging.bands import compute_in_bands

REACH = 3  # pixels around the middle of a patch
SIDE = 2 * REACH + 1
BLOCK = 1_000_000  # pairs compared at a time: they fit the cache, and NumPy's matrix product has threads of its own
MAX_EXHAUSTIVE_PAIRS = 10_000_000  # most pairs of patches for an exhaustive search
SPREAD_SAMPLE = 100_000  # patches, to measure their variance
BAND_PIXELS = 32_000  # whose descriptors are computed at a time: they fit the cache
DISTANCE_COST = 0.02  # cost of a distance of the crop's whole diagonal, in shares of the patches' variance


class PatchMatcher:
    """Nearest-patch search within one picture with a hole.

    ``picture`` is h×w×3 float32 in 0 to 1, ``hole`` h×w bool. Targets are the pixels whose patches touch the hole,
    sources those whose patches are whole and known; both are flat indices. Patches are compared by a few low-frequency
    coefficients of their cosine transform, which hold nearly all of a photo's variance.
    """

    def __init__(self, picture: Floats, hole: Mask, rng: np.random.Generator) -> None:
        self.height, self.width = hole.shape
        self.hole = hole
        block = np.ones((SIDE, SIDE), np.uint8)
        touched = cv2.dilate(hole.astype(np.uint8), block) > 0
        whole = np.zeros_like(hole)
        whole[REACH : self.height - REACH, REACH : self.width - REACH] = True
        self.valid: Mask = whole & ~touched
        self.sources: Integers = np.flatnonzero(self.valid)
        self.targets: Integers = np.flatnonzero(touched)
        self.place = np.full(self.height * self.width, -1)
        self.place[self.targets] = np.arange(len(self.targets))
        self._rng = rng
        self.descriptors = _compute_descriptors(picture).reshape(-1, DESCRIPTOR_LENGTH)
        sample = self.sources[:: max(len(self.sources) // SPREAD_SAMPLE, 1)]
        spread = self.descriptors[sample].var(axis=0).sum()
        self._distance_cost = DISTANCE_COST * (spread + 1e-3) / (self.height**2 + self.width**2)
        self.target_descriptors: Floats = self.descriptors[:0]

    def set_hole_content(self, picture: Floats) -> None:
        """Set what the hole contains (h×w×3 ``picture``), to which the targets are compared from now on."""
        y, x = self.targets // self.width, self.targets % self.width
        top, left = max(y.min() - REACH, 0), max(x.min() - REACH, 0)
        part = _compute_descriptors(picture[top : y.max() + REACH + 1, left : x.max() + REACH + 1])
        self.target_descriptors = part[y - top, x - left]

    def distances(self, sources: Integers, targets: Integers | None = None) -> Floats:
        """Compute the distance of each source's patch to its target's; ``targets`` are numbers, None for all."""
        at, target_descriptors = (
            (self.targets, self.target_descriptors)
            if targets is None
            else (self.targets[targets], self.target_descriptors[targets])
        )
        found = self.descriptors[sources] - target_descriptors
        squared_offset = (sources // self.width - at // self.width) ** 2 + (sources % self.width - at % self.width) ** 2
        return np.asarray(np.einsum("nk,nk->n", found, found) + self._distance_cost * squared_offset)

    def exhaustive_search(self) -> Integers:
        """Find the best source of each target by comparing all: for at most ``MAX_EXHAUSTIVE_PAIRS`` pairs."""
        table = self.descriptors[self.sources]
        place = np.stack((self.sources // self.width, self.sources % self.width), 1).astype(np.float32)
        weight = np.float32(self._distance_cost**0.5)
        table = np.concatenate((table, weight * place), axis=1)
        sizes = (table**2).sum(axis=1)
        target_positions = np.stack((self.targets // self.width, self.targets % self.width), 1).astype(np.float32)
        target_descriptors = np.concatenate((self.target_descriptors, weight * target_positions), axis=1)
        found = np.empty(len(self.targets), np.int64)

        rows = max(BLOCK // len(self.sources), 1)
        for start in range(0, len(found), rows):
            part = slice(start, start + rows)
            products = 2 * target_descriptors[part] @ table.T
            found[part] = np.subtract(sizes, products, out=products).argmin(axis=1)
        return self.sources[found]

    def can_search_exhaustively(self) -> bool:
        """Return True if there are few enough patches to compare all pairs."""
        return len(self.sources) * len(self.targets) <= MAX_EXHAUSTIVE_PAIRS

    def propagate_and_search(self, sources: Integers, radius: int) -> Integers:
        """Improve the sources in place: try the neighbours', shifted, then random ones within ``radius`` pixels."""
        best = self.distances(sources)
        for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            self._try(sources, best, self._neighbours(sources, down, right))
        while radius >= 1:
            y = sources // self.width + self._rng.integers(-radius, radius + 1, len(sources))
            x = sources % self.width + self._rng.integers(-radius, radius + 1, len(sources))
            self._try(sources, best, self._flat(y, x))
            radius //= 3
        return sources

    def nearest_source(self, y: Integers, x: Integers) -> Integers:
        """Return the valid source nearest to each place, as a flat index."""
        outside = (~self.valid).astype(np.uint8)
        _, labels = cv2.distanceTransformWithLabels(
            outside, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
        )
        number = np.zeros(int(labels.max()) + 1, np.int64)
        number[labels[self.valid]] = self.sources
        y, x = np.clip(y, 0, self.height - 1), np.clip(x, 0, self.width - 1)
        return np.asarray(number[labels[y, x]])

    def _neighbours(self, sources: Integers, down: int, right: int) -> Integers:
        """Return, for each target, its neighbour's source shifted back; -1 if there is none."""
        y, x = self.targets // self.width + down, self.targets % self.width + right
        inside = (y >= 0) & (y < self.height) & (x >= 0) & (x < self.width)
        number = np.where(inside, self.place[np.where(inside, y * self.width + x, 0)], -1)
        neighbour_sources = sources[number]
        return np.where(
            number >= 0, self._flat(neighbour_sources // self.width - down, neighbour_sources % self.width - right), -1
        )

    def _flat(self, y: Integers, x: Integers) -> Integers:
        inside = (y >= 0) & (y < self.height) & (x >= 0) & (x < self.width)
        flat = np.where(inside, y * self.width + x, 0)
        return np.where(inside & self.valid.reshape(-1)[flat], flat, -1)

    def _try(self, sources: Integers, best: Floats, candidates: Integers) -> None:
        valid_targets = np.flatnonzero((candidates >= 0) & (candidates != sources))
        found = self.distances(candidates[valid_targets], valid_targets)
        better = found < best[valid_targets]
        improved = valid_targets[better]
        sources[improved], best[improved] = candidates[improved], found[better]


def _basis() -> tuple[tuple[int, Floats, Floats], ...]:
    """Return the cosine basis as (channel, column, row): the ten lowest frequencies of lightness, three per colour."""
    at = (np.arange(SIDE) + 0.5) * np.pi / SIDE
    waves = [np.cos(k * at) for k in range(4)]
    waves = [wave / np.linalg.norm(wave) for wave in waves]
    order = sorted(((u, v) for u in range(4) for v in range(4) if u + v < 4), key=sum)
    return tuple((c, waves[u], waves[v]) for c, few in ((0, 10), (1, 3), (2, 3)) for u, v in order[:few])


BASIS = _basis()
DESCRIPTOR_LENGTH = len(BASIS)
# Lightness and two opponent colours (blue, red against green): an orthonormal basis.
OPPONENT = np.linalg.qr(np.array([[1, 1, 1], [-1, -1, 2], [1, -1, 0]], np.float32).T)[0].astype(np.float32)


def _compute_descriptors(picture: Floats) -> Floats:
    """Compute patch descriptors, h×w×NUMBERS float32, of an h×w×3 picture, mirrored beyond its border."""
    channels = cv2.split(np.ascontiguousarray(picture @ OPPONENT))
    height, width = picture.shape[:2]
    descriptors = np.empty((height, width, DESCRIPTOR_LENGTH), np.float32)

    def describe(rows: slice) -> None:
        around = slice(max(rows.start - REACH, 0), min(rows.stop + REACH, height))
        inner = slice(rows.start - around.start, rows.stop - around.start)
        numbers = [cv2.sepFilter2D(channels[c][around], cv2.CV_32F, row, column)[inner] for c, column, row in BASIS]
        descriptors[rows] = cv2.merge(numbers)

    compute_in_bands(width, height, describe, pixels=BAND_PIXELS)
    return descriptors


def vote(colours: Floats, patches: PatchMatcher, sources: Integers, confidence: Floats) -> Floats:
    """Vote for the hole's colours, h×w×C float32: the weighted mean of what all patches over a pixel have there.

    ``confidence`` has a weight for each target. Wexler, Shechtman and Irani, 2007.
    """
    width = patches.width
    inside = np.flatnonzero(patches.hole)
    y, x = inside // width, inside % width
    total = np.zeros((len(inside), colours.shape[2]), np.float32)
    weights = np.zeros(len(inside), np.float32)
    flat = colours.reshape(-1, colours.shape[2])
    for down in range(-REACH, REACH + 1):
        for right in range(-REACH, REACH + 1):
            inside_picture = (y + down >= 0) & (y + down < patches.height) & (x + right >= 0) & (x + right < width)
            number = patches.place[np.where(inside_picture, inside + down * width + right, inside)]
            weight = confidence[number] * inside_picture
            source = sources[number] - np.where(inside_picture, down * width + right, 0)
            total += weight[:, None] * flat[source]
            weights += weight
    result = colours.copy()
    result.reshape(-1, colours.shape[2])[inside] = total / np.maximum(weights, 1e-20)[:, None]
    return result
