"""From a photo to its room: everything the preview engine knows about a picture, or that it knows nothing."""

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.core.arrays import Rgb
from pipeline.imaging import resize
from pipeline.preview.room import box as room
from pipeline.preview.room import camera, line_segments, surfaces
from pipeline.preview.room.box import WALLS, Box, Face
from pipeline.preview.room.camera import Camera
from pipeline.preview.room.surfaces import Surfaces

SIDE = 640  # long side that pictures are analysed at


@dataclass(frozen=True)
class Layout:
    """A room that was found. ``confidence`` in [0, 1]; surfaces and camera are of the analysed size."""

    camera: Camera
    box: Box
    surfaces: Surfaces
    confidence: float


def reduced(photo: Rgb) -> Rgb:
    """The photo at the size it is analysed at: long side 640 at most. h×w×3 uint8."""
    return resize.reduced(photo, SIDE)


def find_layout(small: Rgb) -> Layout:
    """Find the room in a reduced photo. Low confidence means that the picture shows none that we can see."""
    height, width = small.shape[:2]
    segments = line_segments.detect(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
    view, explained, directions = camera.estimate(segments, width, height)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    half = cv2.resize(lab, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    fit = room.fit(half, view, segments, directions)
    face, _ = fit.box.faces(view.rays(width, height))
    seen = surfaces.find(lab, face, segments)
    covered = float(seen.bare.mean())
    floor_seen = float(seen.of(Face.FLOOR).mean())
    walls_seen = float(seen.of(*WALLS).mean())
    # Each must hold: directions that lines agree on, boundaries that lie on edges, bare sides to be seen.
    parts = (
        np.clip((explained - 0.3) / 0.35, 0, 1),
        np.clip((fit.support + 0.05) / 0.1, 0, 1),
        np.clip(covered / 0.25, 0, 1),
        np.clip(max(walls_seen, floor_seen) / 0.12, 0, 1),
    )
    return Layout(view, fit.box, seen, float(np.prod(parts)))
