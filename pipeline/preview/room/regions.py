"""Regions of a room photo: areas of even colour and texture, each within one surface group, with their borders.

A region never reaches across the box's line between floor, walls and ceiling: it is cut there into pieces. Pieces of
one area belong together unless the photo shows a crease along the cut.
"""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from pipeline.core.arrays import Bytes, Floats, Integers, Mask, Rgb
from pipeline.imaging import resize
from pipeline.preview.room.clusters import squared_norm
from pipeline.preview.room.region_merging import RegionMerger, border_lengths, oversegment
from pipeline.preview.room.surfaces import Surfaces

REGION_SIDE = 320  # long side at which regions are found
MERGE_LIMIT = 3.0  # λ per pixel of the longer side, up to which regions merge
WHITE, WHITE_PERCENTILE = 235.0, 98  # value of the lightest parts of a well exposed photo
MIN_AREA = 0.002  # of the picture
MERGE_WEIGHTS = np.array([0.5, 1.2, 1.2, 1.0], np.float32)  # of lightness, both colours and texture
APPEARANCE_WEIGHTS = np.array([0.35, 1.2, 1.2, 1.0], np.float32)  # the same, to compare regions: shade counts less
BORDER_WEIGHTS = np.array([0.5, 1.0, 1.0], np.float32)  # of lightness and both colours, in contrasts
BORDER_REACH = 2  # pixels from a border at which its contrast is measured
CREASE_REACH, CREASE_STEP = 5, 10  # pixels from a cut where colours are compared, and between references
MIN_CREASE, MIN_CREASE_RATIO = 2.5, 1.6  # contrast of a crease, and its least ratio to the contrast beside it
MIN_CREASED = 0.4  # share of the line under the ceiling that must be visible for all of it to be there

FLOOR, WALLS, CEILING = 0, 1, 2  # surface groups
GROUP_OF_SIDE = np.array([FLOOR, CEILING, WALLS, WALLS, WALLS], np.uint8)  # indexed by ``BoxSide``


class Border(NamedTuple):
    """Border of two regions: its length in pixels, how much of that is bare on both sides, and its mean contrast."""

    length: int
    bare_length: int
    contrast: float


@dataclass(frozen=True)
class Regions:
    """Regions of a photo, N of them, at the region size (h×w).

    ``label``: h×w int64, 0 to N-1. ``group``: h×w uint8, the surface group of each pixel; ``groups``: N, of each
    region. ``area``: N, share of the picture. ``bare``: N, share of the region that looks bare. ``appearance``: N×4,
    weighted lightness, hues and texture.
    ``lightness``: N, 0 to 255. ``lowest``, ``highest``: N×w, rows in each column, -1 and h where it is absent.
    ``neighbours``: for each region, its borders with others.
    ``beyond``: N, the share of the whole area whose other pieces lie across a cut without a crease.
    """

    label: Integers
    group: Bytes
    groups: Bytes
    area: Floats
    bare: Floats
    appearance: Floats
    lightness: Floats
    lowest: Integers
    highest: Integers
    neighbours: tuple[dict[int, Border], ...]
    beyond: Floats

    @property
    def present(self) -> Mask:
        """Columns in which each region is present: N×w bool."""
        return np.asarray(self.lowest >= 0)


def find_regions(small: Rgb, surfaces: Surfaces, tolerance: float) -> Regions:
    """Find the regions of an h×w×3 uint8 photo of the analysed size, whose surfaces are known.

    ``tolerance``: by what share of the longer side the box's lines may be wrong.
    """
    picture = _exposed(resize.downscaled(small, REGION_SIDE))
    height, width = picture.shape[:2]
    side_map, bare = (
        cv2.resize(each.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
        for each in (surfaces.side_map, surfaces.bare)
    )
    group = GROUP_OF_SIDE[side_map]
    lab = np.asarray(cv2.cvtColor(cv2.bilateralFilter(picture, 7, 30, 4), cv2.COLOR_RGB2LAB))
    texture = _texture(picture)
    area = _areas(lab, texture)
    _, label = np.unique(area * 3 + group, return_inverse=True)
    label = label.reshape(area.shape)
    count = int(label.max()) + 1
    flat, size = label.ravel(), np.bincount(label.ravel(), minlength=count)
    features = np.dstack([lab[..., :1].astype(np.float32), _hues(lab), texture[..., None]])
    sums = [np.bincount(flat, weights=features[..., k].ravel(), minlength=count) for k in range(4)]
    mean = np.stack(sums, 1) / size[:, None]
    columns = np.arange(width)
    lowest, highest = np.full((count, width), -1), np.full((count, width), height)
    for row in range(height):
        lowest[label[row], columns] = row
    for row in range(height - 1, -1, -1):
        highest[label[row], columns] = row
    smooth = cv2.GaussianBlur(lab.astype(np.float32), (0, 0), 1.0) * BORDER_WEIGHTS
    groups, whole = np.zeros(count, np.uint8), np.zeros(count, np.int64)
    groups[flat], whole[flat] = group.ravel(), area.ravel()
    return Regions(
        label,
        group,
        groups,
        size / label.size,
        np.bincount(flat, weights=bare.ravel(), minlength=count) / size,
        mean * APPEARANCE_WEIGHTS,
        mean[:, 0],
        lowest,
        highest,
        _neighbours(label, count, smooth, bare > 0),
        _beyond(label, group, groups, whole, smooth, round(tolerance * max(height, width))),
    )


def _exposed(picture: Rgb) -> Rgb:
    """Brighten a dim picture, so that the contrast of an edge does not depend on the exposure."""
    white = max(float(np.percentile(picture, WHITE_PERCENTILE)), 1.0)
    return np.asarray(cv2.convertScaleAbs(picture, alpha=WHITE / white)) if white < WHITE else picture


def _texture(picture: Rgb) -> Floats:
    """Measure texture, h×w float32: the local deviation of lightness; single edges do not count."""
    lightness = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
    detail = lightness - cv2.GaussianBlur(lightness, (0, 0), 2.0)
    deviation = np.sqrt(np.maximum(cv2.blur(detail * detail, (7, 7)), 0))
    return cv2.blur(cv2.erode(deviation, np.ones((7, 7), np.uint8)), (7, 7))


def _hues(lab: Bytes) -> Floats:
    """Compute two hues that are invariant to shade: h×w×2 float32."""
    values = lab.astype(np.float32)
    return np.asarray((values[..., 1:] - 128) * (150 / (values[..., :1] + 40)))


def _areas(lab: Bytes, texture: Floats) -> Integers:
    """Segment the picture into areas of even colour and texture: h×w int64."""
    first = oversegment(lab, np.ones(lab.shape[:2], bool))
    count, flat = int(first.max()) + 1, first.ravel()
    values = np.dstack([lab.astype(np.float32), texture]) * MERGE_WEIGHTS
    size = np.bincount(flat, minlength=count).astype(np.float64)
    total = np.stack([np.bincount(flat, weights=values[..., k].ravel(), minlength=count) for k in range(4)], 1)
    merger = RegionMerger(size, total / np.maximum(size, 1)[:, None], border_lengths(first, count))
    roots = merger.merge(MERGE_LIMIT * max(lab.shape[:2]), MIN_AREA * first.size, lambda _fraction: None)
    return np.asarray(roots[first])


def _neighbours(label: Integers, count: int, smooth: Floats, bare: Mask) -> tuple[dict[int, Border], ...]:
    """Measure the borders between regions: for each region, its neighbours."""
    keys, contrasts, open_pairs = [], [], []
    for axis in (0, 1):
        one, other = _pairs(label, axis)
        differ = one != other
        before, after = (_shifted(smooth, axis, place) for place in (-BORDER_REACH, 1 + BORDER_REACH))
        keys.append(np.minimum(one, other)[differ] * count + np.maximum(one, other)[differ])
        contrasts.append(_first(np.sqrt(squared_norm(after - before)), axis)[differ])
        open_pairs.append(np.logical_and(*_pairs(bare, axis))[differ])
    borders, index, lengths = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
    means = np.bincount(index, weights=np.concatenate(contrasts)) / lengths
    bare_lengths = np.bincount(index, weights=np.concatenate(open_pairs)).astype(int)
    result: tuple[dict[int, Border], ...] = tuple({} for _ in range(count))
    for key, *border in zip(*(each.tolist() for each in (borders, lengths, bare_lengths, means)), strict=True):
        one_region, other_region = divmod(key, count)
        result[one_region][other_region] = result[other_region][one_region] = Border(*border)
    return result


def _beyond(label: Integers, group: Bytes, groups: Bytes, whole: Integers, smooth: Floats, margin: int) -> Floats:
    """Measure how much of each region's area lies in another group, with no crease between: N, share of the area."""
    count = len(groups)
    kernel = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    far = np.zeros((3, count))
    for each in range(3):
        away = cv2.dilate((group == each).astype(np.uint8), kernel) == 0
        far[each] = np.bincount(label[away], minlength=count)
    size = np.bincount(label.ravel(), minlength=count).astype(np.float64)
    total = np.bincount(whole, weights=size)[whole]
    beyond = np.zeros(count)
    for one, other in _joined(label, groups, whole, smooth):
        beyond[one] += far[groups[one], other]
        beyond[other] += far[groups[other], one]
    return beyond / total


def _joined(label: Integers, groups: Bytes, whole: Integers, smooth: Floats) -> list[tuple[int, int]]:
    """List the pairs of pieces of one area between which no crease is visible.

    Wall and ceiling may have one colour in places, and little stands before the line between them. If most of that
    line is visible, it is a crease everywhere.
    """
    pairs, lengths, creased = _cuts(label, groups, smooth)
    under_ceiling = np.array([CEILING in (groups[one], groups[other]) for one, other in pairs], bool)
    visible = lengths[under_ceiling & creased].sum() > MIN_CREASED * lengths[under_ceiling].sum()
    joined = ~creased & ~(under_ceiling & visible)
    return [pair for pair, each in zip(pairs, joined, strict=True) if each and whole[pair[0]] == whole[pair[1]]]


def _cuts(label: Integers, groups: Bytes, smooth: Floats) -> tuple[list[tuple[int, int]], Integers, Mask]:
    """Measure the borders along the box's lines: pairs of regions of two groups, their lengths, and if it is a crease.

    A crease is a step between two areas that are each even; a gradual change of light is none.
    """
    keys, crossings, references = [], [], []
    for axis in (0, 1):
        one, other = _pairs(label, axis)
        cut = groups[one] != groups[other]
        places = (-CREASE_REACH - CREASE_STEP, -CREASE_REACH, 1 + CREASE_REACH, 1 + CREASE_REACH + CREASE_STEP)
        outer, near, beyond, far = (_first(_shifted(smooth, axis, place), axis)[cut] for place in places)
        sign = np.where(one < other, 1, -1)[cut][:, None]
        keys.append(np.minimum(one, other)[cut] * len(groups) + np.maximum(one, other)[cut])
        crossings.append((beyond - near) * sign)
        references.append(np.stack([(near - outer) * sign, (far - beyond) * sign], 1))
    cuts, index, lengths = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
    sums = [np.bincount(index, weights=values) for values in np.concatenate(crossings).T]
    contrast = np.linalg.norm(np.stack(sums, 1), axis=1) / lengths
    beside = np.zeros(len(cuts))
    for reference in np.moveaxis(np.concatenate(references), 1, 0):
        sums = [np.bincount(index, weights=values) for values in reference.T]
        beside = np.maximum(beside, np.linalg.norm(np.stack(sums, 1), axis=1) / lengths)
    creased = (contrast >= MIN_CREASE) & (contrast >= MIN_CREASE_RATIO * beside)
    return [divmod(cut, len(groups)) for cut in cuts.tolist()], lengths, creased


def _pairs(label: Integers, axis: int) -> tuple[Integers, Integers]:
    """Return the labels of all neighbouring pixels along an axis."""
    return (label[:-1], label[1:]) if axis == 0 else (label[:, :-1], label[:, 1:])


def _first(values: Floats, axis: int) -> Floats:
    """Return the values of the first pixel of each pair of neighbours along an axis."""
    return values[:-1] if axis == 0 else values[:, :-1]


def _shifted(values: Floats, axis: int, steps: int) -> Floats:
    """Shift a picture so that each pixel has the value of the one ``steps`` further on; its edge is repeated."""
    index = np.clip(np.arange(values.shape[axis]) + steps, 0, values.shape[axis] - 1)
    return np.take(values, index, axis)
