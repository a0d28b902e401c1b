"""Room layout: camera, room box and bare surfaces of a photo, with a confidence."""

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.core.arrays import Rgb
from pipeline.imaging import resize
from pipeline.preview.room import box as room
from pipeline.preview.room import camera, line_segments, surfaces
from pipeline.preview.room.box import WALLS, Box, BoxSide
from pipeline.preview.room.camera import Camera
from pipeline.preview.room.surfaces import Surfaces

ANALYSIS_SIDE = 640  # long side that pictures are analysed at
MIN_LAYOUT_CONFIDENCE = 0.35


@dataclass(frozen=True)
class RoomLayout:
    """Layout of a room. ``confidence`` in [0, 1]; surfaces and camera are of the analysed size."""

    camera: Camera
    box: Box
    surfaces: Surfaces
    confidence: float

    @property
    def recognised(self) -> bool:
        """True if the confidence suffices to repaint the room, or to tell its surfaces from objects."""
        return self.confidence >= MIN_LAYOUT_CONFIDENCE


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
    return RoomLayout(view, fit.box, seen, float(np.prod(parts)))
