"""Hole filling: multi-scale patch synthesis (PatchMatch), then Poisson blending to remove the seams."""

from collections.abc import Callable

import cv2
import numpy as np

from pipeline.core.arrays import Floats, Integers, Mask, Rgb
from pipeline.imaging.holes import Crop
from pipeline.imaging.poisson_blending import NEIGHBOURS, paste_hole, solve_poisson
from pipeline.preview.inpainting.patchmatch import REACH, SIDE, PatchMatcher, vote

COARSEST_DEPTH = 1.5  # pixels from the middle of the hole to its rim, at the coarsest scale
MIN_SIDE = 3 * SIDE  # pixels of the coarsest scale's shorter side
MIN_SOURCES = 64  # patches that a scale must offer
ITERATIONS = (12, 8, 5, 3, 2, 1)  # at each scale from the coarsest on; the last for all finer ones
CERTAINTY_FALLOFF = 1.3  # factor by which certainty falls with each pixel away from the rim
COLOUR_ANCHOR = 1 / 8**2  # weight of the voted colours against the gradients of the copied pixels
MAX_CERTAINTY_DEPTH = 24.0  # pixels from the rim beyond which certainty falls no further


def fill_hole(photo: Rgb, hole: Mask, seed: int, report: Callable[[float], None] = lambda _: None) -> Rgb:
    """Fill the H×W bool ``hole`` of an H×W×3 uint8 photo; pixels outside of the hole stay unchanged, bit for bit.

    Wexler, Shechtman and Irani, Space-Time Completion of Video, 2007, with the search of Barnes et al., PatchMatch,
    2009. Deterministic for a seed. If almost nothing is known, its colours are spread over the hole.
    """
    rng = np.random.default_rng(seed)
    scales = _scales(photo, hole)
    if not scales:
        return paste_hole(photo, 255 * _smooth(photo.astype(np.float32) / 255, hole), hole)
    sources: Integers = np.zeros(0, np.int64)
    patches: PatchMatcher | None = None
    known = scales[-1][0]
    done, total = 0.0, float(sum(level[1].size ** 0.7 for level in scales))
    for number, (known, hole_at_scale) in enumerate(reversed(scales)):
        iterations = ITERATIONS[min(number, len(ITERATIONS) - 1)]
        before = patches
        patches = PatchMatcher(known, hole_at_scale, rng)
        if before is None:
            patches.set_hole_content(_smooth(known, hole_at_scale))
            sources = patches.nearest_source(patches.targets // patches.width, patches.targets % patches.width)
        else:
            sources = _finer(before, patches, sources)
            patches.set_hole_content(vote(known, patches, sources, _certainty(patches)))
        for iteration in range(iterations):
            if iteration:
                patches.set_hole_content(vote(known, patches, sources, _patch_confidence(patches, sources)))
            if patches.can_search_exhaustively():
                sources = patches.exhaustive_search()
            else:
                sources = patches.propagate_and_search(sources, max(known.shape[:2]) // (4 if iteration == 0 else 16))
            report((done + hole_at_scale.size**0.7 * (iteration + 1) / iterations) / total)
        done += hole_at_scale.size**0.7
    assert patches is not None
    target = 255 * vote(known, patches, sources, _patch_confidence(patches, sources))
    return _blend_copied(photo, hole, patches, sources, target)


def _scales(photo: Rgb, hole: Mask) -> list[tuple[Floats, Mask]]:
    """Build an image pyramid of picture (0 to 1) and hole: full size, half, and so on until the hole is thin."""
    scales: list[tuple[Floats, Mask]] = []
    picture, hole_at_scale = photo.astype(np.float32) / 255, hole
    depth = hole_depth(hole)
    while _has_enough_sources(hole_at_scale):
        scales.append((picture, hole_at_scale))
        if depth <= COARSEST_DEPTH or min(hole_at_scale.shape) < 2 * MIN_SIDE:
            break
        size = (hole_at_scale.shape[1] // 2, hole_at_scale.shape[0] // 2)
        known = (~hole_at_scale).astype(np.float32)
        share = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
        small = cv2.resize(picture * known[..., None], size, interpolation=cv2.INTER_AREA)
        picture, hole_at_scale = small / np.maximum(share, 1e-3)[..., None], np.asarray(share < 0.5)
        depth /= 2
    return scales


def hole_depth(hole: Mask) -> float:
    """Return the largest distance in pixels from the hole to known pixels; the picture's border counts as unknown."""
    if hole.all():
        return float(max(hole.shape))
    return float(cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5).max())


def _has_enough_sources(hole: Mask) -> bool:
    touching = cv2.dilate(hole.astype(np.uint8), np.ones((SIDE, SIDE), np.uint8))
    inner = touching[REACH:-REACH, REACH:-REACH]
    return bool(hole.any()) and inner.size - int(np.count_nonzero(inner)) >= MIN_SOURCES


def _smooth(picture: Floats, hole: Mask) -> Floats:
    """Fill the hole by interpolating its rim (Laplace's equation)."""
    return np.where(hole[..., None], solve_poisson(picture, np.zeros_like(picture), hole), picture)


def _finer(coarse: PatchMatcher, fine: PatchMatcher, sources: Integers) -> Integers:
    """Carry the sources to the next finer scale: the same offset from their targets, in twice as many pixels."""
    y, x = fine.targets // fine.width, fine.targets % fine.width
    above = np.minimum(y // 2, coarse.height - 1) * coarse.width + np.minimum(x // 2, coarse.width - 1)
    number = coarse.place[above]
    # A patch that just touches the hole may not touch it at the coarser scale.
    coarse_source = np.where(number >= 0, sources[number], above)
    down, right = (
        coarse_source // coarse.width - above // coarse.width,
        coarse_source % coarse.width - above % coarse.width,
    )
    return fine.nearest_source(y + 2 * down, x + 2 * right)


def _certainty(patches: PatchMatcher) -> Floats:
    depth = cv2.distanceTransform(patches.hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    at = np.minimum(depth.reshape(-1)[patches.targets], MAX_CERTAINTY_DEPTH)
    return np.asarray(CERTAINTY_FALLOFF**-at, np.float32)


def _patch_confidence(patches: PatchMatcher, sources: Integers) -> Floats:
    distances = patches.distances(sources)
    typical_distance = max(float(np.percentile(distances, 75)), 1e-8)
    return np.asarray(_certainty(patches) * np.exp(-np.maximum(distances, 0) / (2 * typical_distance)), np.float32)


def _blend_copied(photo: Rgb, hole: Mask, patches: PatchMatcher, sources: Integers, target: Floats) -> Rgb:
    """Blend the copied pixels: gradients follow those of the source, and their mean where two sources meet.

    ``target`` is h×w×3 float32 in 0 to 255: the colours to stay close to.
    """
    height, width = hole.shape
    flat = photo.astype(np.float32).reshape(-1, 3)
    inside = hole.reshape(-1)
    hole_pixels = np.flatnonzero(inside)
    origin = np.arange(height * width)
    origin[hole_pixels] = sources[patches.place[hole_pixels]]
    copied = flat[origin[hole_pixels]]
    target_laplacian = np.float32(COLOUR_ANCHOR) * (target.reshape(-1, 3)[hole_pixels] - copied)
    y, x = hole_pixels // width, hole_pixels % width
    # All that is solved is the hole and the pixels beside it, which ``place`` counts.
    part = Crop(max(y.min() - 1, 0), max(x.min() - 1, 0), y.max() + 2, x.max() + 2)
    part_hole = part.view(hole)
    place = (y - part.top) * part_hole.shape[1] + x - part.left
    laplacian, rim, values = (np.zeros((*part_hole.shape, 3), np.float32) for _ in range(3))
    neighbour_counts = np.zeros((*part_hole.shape, 1), np.float32)
    for down, right in NEIGHBOURS:
        there = np.flatnonzero((y + down >= 0) & (y + down < height) & (x + right >= 0) & (x + right < width))
        step = down * width + right
        one = hole_pixels[there]
        other = one + step
        own = inside[other]
        # Beside the hole, the photo's pixel meets the pixel beside the source.
        outer, beyond = other[~own], origin[one[~own]] + step
        beside = place[there[~own]] + down * part_hole.shape[1] + right
        rim.reshape(-1, 3)[beside] += flat[outer] - flat[beyond]
        neighbour_counts.reshape(-1)[beside] += 1
        there, one, other = there[own], one[own], other[own]
        own_copy, other_copy = copied[there], flat[origin[other]]
        own_gradient = own_copy - flat[origin[one] + step]
        other_gradient = flat[origin[other] - step] - other_copy
        target_laplacian[there] += (own_gradient + other_gradient) / 2 - (own_copy - other_copy)
    laplacian.reshape(-1, 3)[place] = target_laplacian
    values.reshape(-1, 3)[place] = copied
    rim /= np.maximum(neighbour_counts, 1)
    values += solve_poisson(rim, laplacian, part_hole, COLOUR_ANCHOR)
    # Over a wide hole, contradictory gradients add up to colours that occur nowhere in the picture.
    seen = (~hole).astype(np.uint8)
    extremes = [cv2.minMaxLoc(channel, seen)[:2] for channel in cv2.split(photo)]
    low, high = np.array(extremes, np.float32).T
    result = photo.copy()
    part.view(result)[:] = paste_hole(part.view(photo), np.clip(values, low, high), part_hole)
    return result
