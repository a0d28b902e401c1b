"""Surface segmentation: separates bare floor, walls and ceiling from the objects in the room.

Seeds are pixels that look like their surface. A watershed (Meyer, 1992) grows them to the nearest edges, so that soft
shadows stay with the wall and furniture keeps its outline.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.core.arrays import Bytes, Floats, Integers, Mask
from pipeline.preview.room.box import WALLS, BoxSide
from pipeline.preview.room.clusters import kmeans, squared_norm
from pipeline.preview.room.line_segments import LineSegments

OTHER_HUE = 5.5  # hue distance from which two patches are different surfaces
BARE, OBJECT = 1, 2  # watershed markers
HUE_SPREAD, LIGHT_SPREAD = 3.2, 20.0  # a wall's variation around its local colour, CIELAB units in 0..255
REACHED_SPREAD = 36.0  # the same for lightness, in areas that the flood fill reached


@dataclass(frozen=True)
class Surfaces:
    """Segmented surfaces.

    ``side_map``: h×w uint8, the box's side behind each pixel. ``bare``: h×w bool, True where that side is visible.
    """

    side_map: Bytes
    bare: Mask

    def mask_of(self, *faces: BoxSide) -> Mask:
        """Return where these sides are visible: h×w bool."""
        return self.bare & np.isin(self.side_map, faces)


def segment_surfaces(lab: Bytes, face: Bytes, segments: LineSegments) -> Surfaces:
    """Separate surfaces from objects in an h×w×3 uint8 CIELAB picture; ``face`` is its side map (h×w uint8)."""
    smooth = cv2.bilateralFilter(lab, 5, 20, 3)
    features = _features(smooth)
    flatness = _flatness(smooth)
    likeness = np.zeros(lab.shape[:2], np.float32)
    for group in (WALLS, (BoxSide.CEILING,)):
        inside = np.isin(face, group)
        if inside.mean() > 0.01:
            reached = _flood_filled(smooth, features, flatness, inside)
            for side in group:
                region = face == side
                if region.mean() > 0.003:
                    likeness = np.where(region, _smooth_likeness(features, region, reached, side), likeness)
    floor = face == BoxSide.FLOOR
    if floor.mean() > 0.02:
        likeness = np.where(floor, _floor_likeness(features, floor), likeness)
    bare = _without_islands(_grow_seeds(smooth, likeness, face), face)
    drawn = _draw_segments(segments, floor)
    bare = _without_islands(_without_tables(bare, floor, drawn | (flatness < 0.5), features), face)
    return Surfaces(face, _with_gaps(bare, floor, features, drawn))


def _features(lab: Bytes) -> Floats:
    """Compute lightness and two hues that are invariant to shade: h×w×3 float32."""
    values = lab.astype(np.float32)
    lightness = values[..., :1]
    return np.concatenate([lightness, (values[..., 1:] - 128) * (150 / (lightness + 40))], -1)


def _flatness(lab: Bytes) -> Floats:
    """Compute 1 in flat areas, falling to 0 at edges: h×w float32."""
    light = lab[..., 0].astype(np.float32)
    slope = np.abs(cv2.Sobel(light, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(light, cv2.CV_32F, 0, 1))
    return np.exp(-cv2.blur(slope, (5, 5)) / 24)


def _flood_filled(smooth: Bytes, features: Floats, flatness: Floats, inside: Mask) -> Mask:
    """Flood-fill a group of sides from its commonest colour, without crossing edges."""
    values = features[inside]
    hues = values[:, 1:]
    weight = flatness[inside] ** 2 * (0.3 + values[:, 0] / 255)
    bins = np.clip(((hues + 96) / 3).astype(int), 0, 63)
    histogram = np.bincount(bins[:, 0] * 64 + bins[:, 1], weights=weight, minlength=64 * 64).reshape(64, 64)
    peak = np.unravel_index(cv2.GaussianBlur(histogram.astype(np.float32), (0, 0), 1.0).argmax(), (64, 64))
    hue = (np.array(peak, np.float32) + 0.5) * 3 - 96
    close = np.exp(-squared_norm(hues - hue) / (2 * 3.0**2)) * weight
    hue = (hues * close[:, None]).sum(0) / close.sum()
    typical = inside & (squared_norm(features[..., 1:] - hue) < 3.0**2) & (flatness > 0.75)
    height, width = inside.shape
    reached = np.zeros((height + 2, width + 2), np.uint8)
    reached[1:-1, 1:-1][~inside | (flatness < 0.45)] = 2
    step = max(4, max(height, width) // 40)
    flags = 4 | (1 << 8) | cv2.FLOODFILL_MASK_ONLY
    for y, x in np.argwhere(typical[step // 2 :: step, step // 2 :: step]) * step + step // 2:
        if not reached[y + 1, x + 1]:
            cv2.floodFill(smooth, reached, (int(x), int(y)), 0, (3, 1, 1), (3, 1, 1), flags)
    _, label, stats, _ = cv2.connectedComponentsWithStats((reached[1:-1, 1:-1] == 1).astype(np.uint8), connectivity=4)
    # Walls and ceilings extend to the upper end of their side; objects in front of them do not.
    highest = np.where(inside.any(0), inside.argmax(0), height)
    upper = inside & (np.arange(height)[:, None] - highest[None] < 0.1 * height)
    high = np.bincount(label[upper], minlength=len(stats)) / max(1, int(upper.sum()))
    large = (stats[:, cv2.CC_STAT_AREA] > 0.03 * np.count_nonzero(inside)) & (high > 0.04)
    large[0] = False
    return large[label] if large.any() else typical


def _smooth_likeness(features: Floats, region: Mask, reached: Mask, side: BoxSide) -> Floats:
    """Rate how much each pixel resembles its surroundings on an evenly painted side, under any light."""
    height, width = region.shape
    weight = (region & reached).astype(np.float32)
    # Surroundings are smooth, so an eighth of the size suffices.
    size = (max(8, width // 8), max(8, height // 8))
    share = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    weighted_features = cv2.resize(features * weight[..., None], size, interpolation=cv2.INTER_AREA)
    local = np.zeros_like(weighted_features)
    known = np.zeros_like(share)
    # Widest first: near surroundings predict a lit wall's colour best; far ones fill in where those are hidden.
    for radius in (0.6, 0.25, 0.1):
        window = max(3, int(radius * max(size))) | 1
        total = cv2.blur(share, (window, window))
        trust = np.clip(total / 0.08, 0, 1)[..., None]
        local = local * (1 - trust) + cv2.blur(weighted_features, (window, window)) / (total + 1e-6)[..., None] * trust
        known = np.maximum(known, (total > 1e-4).astype(np.float32))
    difference = features - cv2.resize(local, (width, height), interpolation=cv2.INTER_LINEAR)
    light, one, two = (difference[..., k] for k in range(3))
    # Few objects in front of a ceiling resemble it.
    unreached = REACHED_SPREAD if side == BoxSide.CEILING else LIGHT_SPREAD
    light = light / np.where(weight > 0, np.float32(REACHED_SPREAD), np.float32(unreached))
    tinted = (one * one + two * two) * np.float32(HUE_SPREAD**-2)
    squared_difference = tinted + light * light
    likeness = np.exp(-0.5 * squared_difference) * cv2.resize(known, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.where(region, np.maximum(likeness, 0.6 * weight * (tinted < 1.5**2)), 0).astype(np.float32)


def _floor_likeness(features: Floats, floor: Mask) -> Floats:
    """Rate how much each pixel resembles what is found all along the floor's rim.

    Floors are patterned, so they are described by colour clusters. Objects touch the rim in some places, and rugs lie
    within it; the floor's clusters are those found along most of its length.
    """
    height, width = floor.shape
    reach = max(3, round(0.05 * max(height, width))) | 1
    kernel = np.ones((reach, reach), np.uint8)
    # The picture's sides are no rim, because they mostly cut off furniture. Its foot is one.
    framed = cv2.copyMakeBorder(floor.astype(np.uint8), reach, 0, reach, reach, cv2.BORDER_REPLICATE)
    framed = cv2.copyMakeBorder(framed, 0, reach, 0, 0, cv2.BORDER_CONSTANT, value=0)
    rim = floor & (cv2.erode(framed, kernel)[reach:-reach, reach:-reach] == 0)
    scaled = (features * np.array([0.4, 1.5, 1.5], np.float32)).astype(np.float32)
    sample = scaled[floor][:: max(1, int(floor.sum() // 8000))]
    count = min(14, len(sample))
    centres = kmeans(sample, count)[1]
    flat = scaled.reshape(-1, 3)
    distance = flat @ (-2 * centres.T) + squared_norm(centres)
    nearest = distance.argmin(1)
    near = np.maximum(distance[np.arange(len(flat)), nearest] + squared_norm(flat), 0).reshape(floor.shape)
    nearest = nearest.reshape(floor.shape)
    places = 16
    column = np.broadcast_to(np.arange(width) * places // width, floor.shape)

    def count_by_column(where: Mask) -> Integers:
        keys = nearest[where] * places + column[where]
        return np.bincount(keys, minlength=count * places).reshape(count, places)

    beyond = (cv2.dilate(floor.astype(np.uint8), kernel) > 0) & ~floor & (near < 8.0**2)
    rim_counts = count_by_column(rim)
    # An object at the wall is visible on both sides of the floor's upper edge.
    rim_counts = np.maximum(rim_counts - 1.5 * count_by_column(beyond), 0)
    share = rim_counts / np.maximum(count_by_column(rim).sum(0), 1)
    occupied = np.bincount(column[rim], minlength=places) > 0.2 * rim.sum() / places
    spread = np.minimum(share[:, occupied] / 0.15, 1).mean(1) if occupied.any() else np.zeros(count)
    trust = np.clip((spread - 0.2) / 0.2, 0, 1)
    # Planks and tiles come in several tones: a cluster near a trusted one is floor too, if it is seen at the rim.
    difference = centres[:, None] - centres[None]
    # In the shade of furniture a floor is much darker, of about the same hue.
    difference[..., 0] *= np.where(difference[..., 0] < 0, 0.25, 0.5)
    related = (np.exp(-squared_norm(difference) / (2 * 6.0**2)) * trust[None]).max(1) * np.clip(spread / 0.03, 0.1, 1)
    trust = np.maximum(trust, related)
    likeness = trust[nearest] * np.exp(-near / (2 * 16.0**2)) * floor
    size = max(3, round(0.006 * max(height, width))) | 1
    return np.asarray(cv2.blur(likeness.astype(np.float32), (size, size)))


def _grow_seeds(smooth: Bytes, likeness: Floats, face: Bytes) -> Mask:
    floor = face == BoxSide.FLOOR
    seed = likeness > np.where(floor, 0.45, 0.5)
    excluded = likeness < np.where(floor, 0.35, 0.2)
    small = np.ones((3, 3), np.uint8)
    markers = np.zeros(likeness.shape, np.int32)
    markers[cv2.erode(seed.astype(np.uint8), small) > 0] = BARE
    markers[cv2.erode(excluded.astype(np.uint8), small) > 0] = OBJECT
    flooded = cv2.watershed(cv2.cvtColor(smooth, cv2.COLOR_LAB2BGR), markers)
    bare = (flooded == BARE).astype(np.uint8)
    # The watershed's lines are one pixel wide: assign them to the surface; the matte refines them.
    bare = cv2.morphologyEx(bare, cv2.MORPH_CLOSE, small)
    return cv2.medianBlur(bare, 3) > 0


def _without_islands(bare: Mask, face: Bytes) -> Mask:
    """Drop patches that objects enclose, such as the mount of a picture or a table's top."""
    floor = face == BoxSide.FLOOR
    reach = max(2, round(0.006 * max(face.shape)))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    kept = np.zeros_like(bare)
    for side, least in ((floor, 0.0004), (~floor, 0.012)):
        # Opening separates patches that are joined by a thin line.
        solid = cv2.morphologyEx((bare & side).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
        beside = cv2.dilate((~side).astype(np.uint8), kernel) > 0
        beside[-reach:] = True
        _, label, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=4)
        area = stats[:, cv2.CC_STAT_AREA] / face.size
        contact = np.bincount(label[beside], minlength=len(area)) / face.size
        keep = (area >= least) & ((contact > 0.0003) | (area > 0.08))
        keep[0] = False
        grown = cv2.dilate(keep[label].astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        kept |= grown & bare & side
    return kept


def _hue_in_front(floor: Mask, features: Floats) -> Floats:
    """Measure the floor's hue along the picture's foot, or over the whole floor if it is not visible there."""
    foot = floor.copy()
    foot[: -max(2, round(0.06 * len(floor)))] = False
    where = foot if foot.sum() > 0.1 * foot.shape[1] else floor
    return np.asarray(np.median(features[where][:, 1:], axis=0) if where.any() else np.zeros(2))


def _draw_segments(segments: LineSegments, like: Mask) -> Mask:
    height, width = like.shape
    canvas = np.zeros((height, width), np.uint8)
    centre = np.array([width, height], np.float32) / 2
    cv2.polylines(canvas, list(np.rint(np.stack([segments.start, segments.end], 1) + centre).astype(int)), False, 1, 3)
    return canvas > 0


def _without_tables(bare: Mask, floor: Mask, edges: Mask, features: Floats) -> Mask:
    """Drop floor patches bounded by edges if objects surround them, or if the floor in front has another hue."""
    patches = bare & floor & ~edges
    _, label, stats, _ = cv2.connectedComponentsWithStats(patches.astype(np.uint8), connectivity=4)
    reach = max(4, round(0.016 * max(floor.shape)))
    # Between a patch and its ring lies the edge that bounds it.
    outer, inner = (np.ones((2 * k + 1, 2 * k + 1), np.uint8) for k in (reach, reach - max(2, reach // 3)))
    # A skirting board may lie between floor and wall.
    near_wall = cv2.dilate((bare & ~floor).astype(np.uint8), np.ones((4 * reach + 1, 3), np.uint8)) > 0
    removed = np.zeros_like(bare)
    height, width = floor.shape
    front = _hue_in_front(bare & floor, features)
    for index in range(1, len(stats)):
        left, top, wide, high, area = (int(value) for value in stats[index])
        if area < 0.0012 * floor.size:
            continue
        box = np.s_[
            max(0, top - reach) : min(height, top + high + reach),
            max(0, left - reach) : min(width, left + wide + reach),
        ]
        own = (label[box] == index).astype(np.uint8)
        grown = cv2.dilate(own, outer) > 0
        own_hue = np.median(features[box][own > 0][:, 1:], axis=0)
        if area > 0.003 * floor.size and ((own_hue - front) ** 2).sum() > OTHER_HUE**2:
            removed[box] |= grown & ((label[box] == 0) | (own > 0))
            continue
        if area > 0.06 * floor.size or top + high >= height - 2:
            continue
        ring = grown & (cv2.dilate(own, inner) == 0)
        beside = (bare & floor)[box] | ((~floor) & bare)[box]
        at_wall = near_wall[box][own > 0].mean() > 0.05
        if ring.any() and beside[ring].mean() < 0.45 and not at_wall:
            removed[box] |= grown & ((label[box] == 0) | (own > 0))
    return bare & ~(removed & floor)


def _with_gaps(bare: Mask, floor: Mask, features: Floats, edges: Mask) -> Mask:
    """Add small patches next to the floor that have its hue: floor in the shade of objects."""
    known = bare & floor
    if known.mean() < 0.01:
        return bare
    hue = np.median(features[known][:, 1:], axis=0)
    similar = floor & ~bare & ~edges & (squared_norm(features[..., 1:] - hue) < 6.5**2)
    _, label, stats, _ = cv2.connectedComponentsWithStats(similar.astype(np.uint8), connectivity=4)
    across = np.ones((13, 13), np.uint8)
    rim = cv2.dilate(known.astype(np.uint8), across) > 0
    area = stats[:, cv2.CC_STAT_AREA]
    contact = np.bincount(label[rim], minlength=len(area)) / area
    small = (area > 0.0001 * floor.size) & (area < 0.006 * floor.size) & (contact > 0.15)
    small[0] = False
    closed = cv2.morphologyEx((small[label] | known).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)) > 0
    return bare | (closed & floor & (cv2.dilate(small[label].astype(np.uint8), across) > 0))
