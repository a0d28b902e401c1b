"""Surface evidence: which parts of the room box are really floor, wall or ceiling, and not furniture before them.

A box says where a floor would be, not that one is seen there: a bed in front of it has straight edges too. So each
region must behave like its surface. Nothing lies below a floor. A wall reaches the ceiling. Nothing of one colour runs
over the line between two surfaces. A surface without such evidence is left alone.
"""

from collections.abc import Callable

import cv2
import numpy as np

from pipeline.core.arrays import Floats, Mask, Rgb
from pipeline.preview.room.regions import CEILING, FLOOR, GROUP_OF_SIDE, WALLS, Regions, find_regions
from pipeline.preview.room.surfaces import Surfaces

TOLERANCE = 0.025  # of the longer side: by how much a box's line may be wrong
MAX_BEYOND = 0.1  # share of a region's area that may cross into another surface
MIN_AT_FOOT = 0.6  # share of a region's columns that end at the picture's foot
MIN_WALL_AT_TOP, MIN_CEILING_AT_TOP = 0.5, 0.25  # the same at the upper end; lamps and beams hang from ceilings
MIN_FLOOR_WIDTH = 0.3  # of the picture's foot
MAX_RIVAL = 0.6  # width of other regions at the foot, relative to the floor's: with more, either may be the floor
MAX_RAISED_CONTACT = 0.1  # of the picture's foot
MIN_FOOT_WIDTH = 0.03  # of the picture's foot: narrower regions are no candidates
MAX_WALL_TEXTURE, MAX_GROWN_TEXTURE = 7.0, 10.0  # walls are plain; curtains, books and blinds are not
# How far apart lightness, hue and texture of regions of one surface may be.
SAME_FLOOR, SAME_WALL, SAME_CEILING = (18.0, 6.5, 5.0), (26.0, 9.0, 9.0), (np.inf, 9.0, 9.0)
BLACK, BLOWN_OUT = 30.0, 246.0  # lightness of what has no visible texture, and of windows and lamps
SOFT_BORDER = 9.0  # contrast of a border that is no edge
MIN_SHARED_BORDER = 0.04  # of a region's outline
MIN_GROWN_AREA = 0.001  # of the picture
MIN_AREA = {WALLS: 0.015, CEILING: 0.01}  # of a region that can be a wall or a ceiling by itself
MIN_SURFACE = {WALLS: 0.05, CEILING: 0.02}  # of the picture: what is less in all is no evidence

MIN_SEEN = 0.35  # share of a side's bare area that must be certain; with less, the side is left alone
MIN_COMPLETED = 0.5  # share of a bare patch of wall or ceiling that must be certain for all of it to be

RIM = np.ones((5, 5), np.uint8)  # regions are found at a smaller size, so their rims are uncertain by some pixels

Limits = tuple[float, float, float]  # of differences in lightness, hue and texture


def find_evidence(small: Rgb, surfaces: Surfaces) -> Mask:
    """Find which bare pixels are certain: h×w bool. ``small``: the photo at the analysed size, h×w×3 uint8."""
    regions = find_regions(small, surfaces, TOLERANCE)
    height, width = surfaces.bare.shape
    certain = np.zeros((height, width), bool)
    for group, find, complete in ((FLOOR, _floor, False), (WALLS, _walls, True), (CEILING, _ceiling, True)):
        bare = surfaces.bare & (GROUP_OF_SIDE[surfaces.side_map] == group)
        accepted, contradicted = (
            bare & (cv2.dilate(cv2.resize(each[regions.label].astype(np.uint8), (width, height)), RIM) > 0)
            for each in find(regions)
        )
        if group == FLOOR:
            accepted = _largest_patch(accepted)
        if complete:
            # Lamps hang before a ceiling, but no furniture stands there.
            accepted = _completed(accepted, bare if group == CEILING else bare & ~contradicted)
            if accepted.sum() < MIN_SEEN * bare.sum():
                continue
        certain |= accepted
    return certain


def _largest_patch(accepted: Mask) -> Mask:
    """Keep the largest connected patch (h×w bool): what is apart may lie higher. Legs of chairs do not divide it."""
    closed = cv2.morphologyEx(accepted.astype(np.uint8), cv2.MORPH_CLOSE, RIM)
    _, label, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    if len(stats) == 1:
        return accepted
    return np.asarray(accepted & (label == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())))


def _completed(accepted: Mask, possible: Mask) -> Mask:
    """Add the rest of each patch of ``possible`` that is mostly accepted: all h×w bool."""
    _, label = cv2.connectedComponents((possible | accepted).astype(np.uint8), connectivity=4)
    share = np.bincount(label[accepted], minlength=label.max() + 1) / np.bincount(label.ravel())
    share[0] = 0
    return np.asarray(accepted | (share > MIN_COMPLETED)[label])


def _floor(regions: Regions) -> tuple[Mask, Mask]:
    """Accept floor regions: those that reach the picture's foot, and what lies on the same floor behind them.

    This and the next two return which regions (N bool) are accepted, and which are contradicted.
    """
    height, width = regions.label.shape
    at_foot = regions.present & (regions.lowest >= height - 1 - _margin(regions) // 2)
    contact, share = at_foot.sum(1) / width, _share(at_foot, regions)
    usable = (regions.groups == FLOOR) & (regions.beyond < MAX_BEYOND) & (regions.lightness > BLACK)
    candidates = usable & (share > MIN_AT_FOOT) & (contact > MIN_FOOT_WIDTH)
    accepted = np.zeros_like(usable)
    if candidates.any():
        main = int(np.where(candidates, contact, 0).argmax())
        accepted[main] = True

        def lies_on_floor(region: int, floor: Mask) -> bool:
            """Check what is below a region. A bed that the foot cuts off ends there in some columns, not in others."""
            if contact[region] <= MAX_RAISED_CONTACT:
                return True
            columns = np.flatnonzero(regions.present[region])
            below = regions.label[np.minimum(regions.lowest[region, columns] + 2, height - 1), columns]
            return bool((floor[below] | at_foot[region, columns]).mean() > MIN_AT_FOOT)

        accepted = _grown(regions, accepted, usable, SAME_FLOOR, lies_on_floor)
        visible = contact * regions.bare
        others = ~accepted & usable & (contact > MIN_FOOT_WIDTH)
        found, rivals = (float(visible[which].sum()) for which in (accepted, others))
        if found < MIN_FLOOR_WIDTH or rivals > MAX_RIVAL * found:
            accepted[:] = False
    return accepted, ~usable


def _walls(regions: Regions) -> tuple[Mask, Mask]:
    """Accept wall regions: plain ones that reach the ceiling or the picture's top, and what continues them."""
    ceiling = np.vstack([np.zeros((1, regions.group.shape[1]), bool), regions.group == CEILING])
    rows = np.clip(regions.highest - _margin(regions), 0, None)
    under_ceiling = np.take_along_axis(ceiling[1:], np.minimum(rows, len(regions.group) - 1), 0)
    at_top = regions.present & (under_ceiling | (regions.highest <= _margin(regions) // 2))
    usable = (regions.groups == WALLS) & (regions.beyond < MAX_BEYOND) & (regions.lightness < BLOWN_OUT)
    texture = regions.appearance[:, 3]
    candidates = usable & (_share(at_top, regions) > MIN_WALL_AT_TOP) & (texture < MAX_WALL_TEXTURE)
    accepted = _alike(regions, candidates, WALLS, SAME_WALL)
    usable &= texture < MAX_GROWN_TEXTURE
    walls = _large(regions, _grown(regions, accepted, usable, SAME_WALL), WALLS)
    # What is large and looks different is a headboard or a cupboard; what is small is a stain or a switch.
    return walls, ~usable | (~walls & (regions.area > MIN_AREA[WALLS]))


def _ceiling(regions: Regions) -> tuple[Mask, Mask]:
    """Accept ceiling regions: those that reach the picture's top, and what continues them."""
    at_top = regions.present & (regions.highest <= _margin(regions) // 2)
    usable = (regions.groups == CEILING) & (regions.beyond < MAX_BEYOND)
    candidates = usable & (_share(at_top, regions) > MIN_CEILING_AT_TOP)
    accepted = _alike(regions, candidates, CEILING, SAME_CEILING)
    return _large(regions, _grown(regions, accepted, usable, SAME_CEILING), CEILING), ~usable


def _alike(regions: Regions, candidates: Mask, group: int, limits: Limits) -> Mask:
    """Choose the largest candidate and those that look like it."""
    candidates = candidates & (regions.area > MIN_AREA[group])
    if not candidates.any():
        return np.zeros_like(candidates)
    return candidates & _similar(regions, int(np.where(candidates, regions.area, 0).argmax()), limits)


def _similar(regions: Regions, main: int, limits: Limits) -> Mask:
    """Return which regions look like ``main``, in lightness, hue and texture: N bool."""
    difference = regions.appearance - regions.appearance[main]
    hue = np.hypot(difference[:, 1], difference[:, 2])
    lightness, texture = np.abs(difference[:, 0]), np.abs(difference[:, 3])
    return np.asarray((lightness < limits[0]) & (hue < limits[1]) & (texture < limits[2]))


def _large(regions: Regions, accepted: Mask, group: int) -> Mask:
    """Accept nothing if the regions are small in all."""
    return accepted if regions.area[accepted].sum() > MIN_SURFACE[group] else np.zeros_like(accepted)


def _grown(
    regions: Regions,
    accepted: Mask,
    usable: Mask,
    limits: Limits,
    supported: Callable[[int, Mask], bool] = lambda _region, _accepted: True,
) -> Mask:
    """Add regions that continue an accepted one without an edge between them."""
    accepted = accepted.copy()
    waiting = [int(each) for each in np.flatnonzero(usable & ~accepted & (regions.area > MIN_GROWN_AREA))]
    while True:
        added = [each for each in waiting if _continues(regions, each, accepted, limits) and supported(each, accepted)]
        if not added:
            return accepted
        accepted[added] = True
        waiting = [each for each in waiting if not accepted[each]]


def _continues(regions: Regions, region: int, accepted: Mask, limits: Limits) -> bool:
    neighbours = regions.neighbours[region]
    outline = sum(border.length for border in neighbours.values())
    similar = accepted & _similar(regions, region, limits)
    return any(
        similar[other] and border.contrast < SOFT_BORDER and border.bare_length > MIN_SHARED_BORDER * outline
        for other, border in neighbours.items()
    )


def _share(columns: Mask, regions: Regions) -> Floats:
    """Return the share of each region's columns that are in ``columns`` (N×w)."""
    return np.asarray(columns.sum(1) / np.maximum(regions.present.sum(1), 1))


def _margin(regions: Regions) -> int:
    margin: int = round(TOLERANCE * max(regions.group.shape))
    return margin
