"""Depth estimation from the room box: bare sides by geometry, objects by where they touch the floor."""

import cv2
import numpy as np

from pipeline.core.arrays import Floats, Integers, Mask
from pipeline.preview.room.box import Box, BoxSide
from pipeline.preview.room.camera import Camera
from pipeline.preview.room.surfaces import Surfaces


def estimate_depth(box: Box, camera: Camera, surfaces: Surfaces) -> Floats:
    """Compute the distance along the optical axis, h×w float32, in camera heights (about 1.5 m in a person's photo).

    An object is as far away as the floor where its lowest pixels stand. Flat objects (rugs) and standing ones cannot be
    told apart without recognising them, so within the floor the two readings are averaged.
    """
    height, width = surfaces.side_map.shape
    _, box_depth = box.intersect(camera.rays(width, height))
    # Rays have camera z = 1, so the distance along the ray is the depth.
    objects = ~surfaces.bare
    foot = _lowest_of_run(objects)
    column = np.broadcast_to(np.arange(width), objects.shape)
    below = np.minimum(foot + 1, height - 1)
    stands_on_floor = (surfaces.side_map[below, column] == BoxSide.FLOOR) & objects
    standing_depth = np.where(stands_on_floor, np.minimum(box_depth[below, column], box_depth), box_depth)
    on_floor = surfaces.side_map == BoxSide.FLOOR
    depth = np.where(objects & on_floor, np.sqrt(standing_depth * box_depth), standing_depth).astype(np.float32)
    return cv2.medianBlur(depth, 5)


def _lowest_of_run(objects: Mask) -> Integers:
    """Return, for every object pixel, the row where its unbroken vertical run of object pixels ends. h×w."""
    height, width = objects.shape
    rows = np.broadcast_to(np.arange(height)[:, None], (height, width))
    ends = objects & ~np.vstack([objects[1:], np.zeros((1, width), bool)])
    marked = np.where(ends, rows, height - 1)
    return np.minimum.accumulate(marked[::-1], axis=0)[::-1]
