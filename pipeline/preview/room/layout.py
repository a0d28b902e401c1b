"""Room layout: camera, room box and surfaces of a photo, with a confidence, and what speaks against repainting."""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from pipeline.core.arrays import Bytes, Rgb
from pipeline.imaging import resize
from pipeline.preview.room import box as room
from pipeline.preview.room import camera, evidence, line_segments, surfaces
from pipeline.preview.room.box import WALLS, Box, BoxSide
from pipeline.preview.room.camera import Camera
from pipeline.preview.room.surfaces import Surfaces

ANALYSIS_SIDE = 640  # long side that pictures are analysed at
MIN_LAYOUT_CONFIDENCE = 0.35
DARK = 90  # of 255: a photo whose brightest tenth is darker has lost what tells a floor from furniture
MIN_COLOUR_SPREAD = 2.5  # how far, of 255, the most colourful hundredth is from one tone: less is black and white
MIN_SIDE = 0.03  # of the picture: smaller sides of the box need no word
GROUPS = {"floor": (BoxSide.FLOOR,), "walls": WALLS, "ceiling": (BoxSide.CEILING,)}


class Doubt(StrEnum):
    """Reason for which a photo, or one of its surfaces, is not repainted."""

    TOO_DARK = "too_dark"
    NO_COLOUR = "no_colour"
    FLOOR = "floor"
    WALLS = "walls"
    CEILING = "ceiling"


@dataclass(frozen=True)
class RoomLayout:
    """Layout of a room. ``confidence`` in [0, 1]; surfaces and camera are of the analysed size.

    ``surfaces``: what is bare if the box is right. ``certain``: the part of it that the photo's regions confirm, which
    may be repainted. ``doubts``: why the rest is not.
    """

    camera: Camera
    box: Box
    surfaces: Surfaces
    certain: Surfaces
    confidence: float
    doubts: tuple[Doubt, ...] = ()

    @property
    def recognised(self) -> bool:
        """True if the confidence suffices to tell the room's surfaces from objects."""
        return self.confidence >= MIN_LAYOUT_CONFIDENCE

    @property
    def repaintable(self) -> bool:
        """True if any surface is certain enough to be repainted."""
        return self.recognised and bool(self.certain.bare.any())


def to_analysis_size(photo: Rgb) -> Rgb:
    """Downscale a photo to the analysed size, a long side of 640 at most: h×w×3 uint8."""
    return resize.downscaled(photo, ANALYSIS_SIDE)


def estimate_layout(small: Rgb) -> RoomLayout:
    """Estimate the room layout of a downscaled photo; see ``RoomLayout.recognised``."""
    height, width = small.shape[:2]
    segments = line_segments.detect_segments(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
    view, explained, directions = camera.estimate_camera(segments, width, height)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    half = cv2.resize(lab, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    fit = room.fit_box(half, view, segments, directions)
    face, _ = fit.box.intersect(view.rays(width, height))
    seen = surfaces.segment_surfaces(lab, face, segments)
    covered = float(seen.bare.mean())
    floor_seen = float(seen.mask_of(BoxSide.FLOOR).mean())
    walls_seen = float(seen.mask_of(*WALLS).mean())
    # The product demands all: lines that agree on directions, boundaries on edges, visible bare sides.
    parts = (
        np.clip((explained - 0.3) / 0.35, 0, 1),
        np.clip((fit.support + 0.05) / 0.1, 0, 1),
        np.clip(covered / 0.25, 0, 1),
        np.clip(max(walls_seen, floor_seen) / 0.12, 0, 1),
    )
    confidence, doubt = float(np.prod(parts)), _photo_doubt(lab)
    # Evidence is a quarter of the work, and of no use where nothing is repainted.
    unseen = doubt is not None or confidence < MIN_LAYOUT_CONFIDENCE
    sure = np.zeros_like(seen.bare) if unseen else evidence.find_evidence(small, seen)
    certain = Surfaces(seen.side_map, sure)
    doubts = (doubt,) if doubt else _surface_doubts(certain)
    return RoomLayout(view, fit.box, seen, certain, confidence, doubts)


def _photo_doubt(lab: Bytes) -> Doubt | None:
    """Tell why no surface of a photo (h×w×3 uint8 CIELAB) can be told from furniture; None if nothing is wrong."""
    values = lab.reshape(-1, 3)[::7].astype(np.float64)
    lightness, colours = values[:, 0], values[:, 1:]
    if np.percentile(lightness, 90) < DARK:
        return Doubt.TOO_DARK
    # A toned photo has one hue at each lightness, so a polynomial of lightness predicts it.
    terms = np.stack([np.ones_like(lightness), lightness / 255, (lightness / 255) ** 2], 1)
    rest = colours - terms @ np.linalg.lstsq(terms, colours, rcond=None)[0]
    return Doubt.NO_COLOUR if np.percentile(np.hypot(*rest.T), 99) < MIN_COLOUR_SPREAD else None


def _surface_doubts(certain: Surfaces) -> tuple[Doubt, ...]:
    """List the surfaces that the box shows in the photo, but of which nothing is certain."""
    return tuple(
        Doubt(name)
        for name, sides in GROUPS.items()
        if np.isin(certain.side_map, sides).mean() > MIN_SIDE and not certain.mask_of(*sides).any()
    )
