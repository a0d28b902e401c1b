"""Camera calibration: focal length and attitude relative to the room's three directions, from line segments.

A room is mostly built along three perpendicular directions (Coughlan and Yuille, "Manhattan World", 1999), so its
segments point at three vanishing points that one rotation and one focal length explain together.

Camera axes: x right, y down, z forward. Room axes: X right, Y down (gravity), Z towards the back wall.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.core.arrays import Floats, Integers
from pipeline.preview.room.line_segments import LineSegments

# Fields of view from a phone's ultra-wide to a short telephoto, as focal length over the long side.
FOCALS = (0.55, 0.72, 0.95)
USUAL_FOCAL = 0.72
COARSE, FINE = 6.0, 1.8  # tolerance in degrees


@dataclass(frozen=True)
class Camera:
    """Calibrated camera: ``focal`` in pixels of the analysed picture, ``rotation`` 3×3 from room to camera axes."""

    focal: float
    rotation: Floats
    width: int
    height: int

    def rays(self, width: int, height: int, rows: slice | None = None, step: int = 1) -> Floats:
        """Compute the directions of the pixel centres in room axes, h×w×3, for the picture at ``width``×``height``.

        ``rows`` limits them to a band; ``step`` takes every so many pixels. Camera z of every direction is 1.
        """
        scale = self.width / width
        top, bottom = (rows.start, rows.stop) if rows else (0, height)
        x = np.arange(0, width, step, dtype=np.float32)
        y = np.arange(top, bottom, step, dtype=np.float32)[:, None]
        x = ((x + 0.5) * scale - self.width / 2) / self.focal
        y = ((y + 0.5) * self.height / height - self.height / 2) / self.focal
        r = self.rotation
        # Each coordinate is a contiguous plane in memory, as callers compute with one at a time.
        planes = np.empty((3, len(y), len(x)), np.float32)
        for k in range(3):
            np.add(x * r[0, k], y * r[1, k], out=planes[k])
        planes += r[2][:, None, None]
        return np.moveaxis(planes, 0, -1)


def estimate_camera(segments: LineSegments, width: int, height: int) -> tuple[Camera, float, Integers]:
    """Estimate the camera, the share of the segments' length that it explains (0 to 1), and each segment's direction.

    Directions: 0, 1, 2 for X, Y, Z; −1 for none. With fewer than six segments, returns a level camera and a share of 0.
    """
    side = max(width, height)
    level = np.array([[0.0, 0.0, 0.0, USUAL_FOCAL]])
    if len(segments.length) < 6:
        no_directions = np.full(len(segments.length), -1)
        return Camera(USUAL_FOCAL * side, _rotations(level)[0], width, height), 0.0, no_directions
    best = _search(segments, side)
    camera = Camera(float(best[3]) * side, _rotations(best[None])[0], width, height)
    offsets = _offsets(segments, best[None], side)[0]
    nearest = offsets.argmin(axis=-1)
    explained = offsets.min(axis=-1) < np.sin(np.radians(2.5))
    confidence = float(segments.length[explained].sum() / segments.length.sum())
    return camera, confidence, np.where(explained, nearest, -1)


def _search(segments: LineSegments, side: int) -> Floats:
    """Grid search, then shrinking steps around the best few. Each row: pitch, roll, yaw (degrees), focal/side."""
    grid = np.stack(
        np.meshgrid(np.arange(-24, 25, 4.0), (-4.0, 0.0, 4.0), np.arange(-45, 45, 3.0), FOCALS, indexing="ij"), -1
    ).reshape(-1, 4)
    longest = LineSegments(*(value[:70] for value in vars(segments).values()))
    scores = _score(longest, grid, side, COARSE)
    order = np.argsort(-scores, kind="stable")
    chosen: list[Floats] = []
    for index in order[:400]:
        if all(abs(grid[index] - other)[:3].max() > 4.5 for other in chosen):
            chosen.append(grid[index])
        if len(chosen) == 6:
            break
    rng = np.random.default_rng(0)
    step_sizes = np.array([3.0, 2.0, 3.0, 0.1])
    results = []
    for start in chosen:
        best, value = start, -np.inf
        for shrink, tolerance in ((1.0, 4.0), (0.5, 3.0), (0.25, FINE), (0.12, FINE), (0.06, FINE)):
            trials = np.concatenate([best[None], best + rng.uniform(-1, 1, (80, 4)) * step_sizes * shrink])
            trials[:, 3] = trials[:, 3].clip(0.42, 1.4)
            scores = _score(segments, trials, side, tolerance)
            best, value = trials[scores.argmax()], float(scores.max())
        results.append((value, best))
    return max(results, key=lambda pair: pair[0])[1]


def _score(segments: LineSegments, poses: Floats, side: int, tolerance: float) -> Floats:
    weight = np.minimum(segments.length, 0.25 * side)
    weight = weight / weight.sum()
    result = np.empty(len(poses), np.float32)
    for first in range(0, len(poses), 1024):
        part = slice(first, first + 1024)
        each = _offsets(segments, poses[part], side)
        offsets = np.minimum(np.minimum(each[..., 0], each[..., 1]), each[..., 2]) / np.sin(np.radians(tolerance))
        result[part] = (np.maximum(1 - offsets * offsets, 0) * weight).sum(axis=-1)
    prior = (poses[:, 0] / 14) ** 2 + (poses[:, 1] / 2.5) ** 2 + (np.log(poses[:, 3] / USUAL_FOCAL) / 0.3) ** 2
    return result - np.float32(0.02) * prior.astype(np.float32)


def _offsets(segments: LineSegments, poses: Floats, side: int) -> Floats:
    """Compute the sine of the angle between each segment and the line to each vanishing point. P×N×3."""
    rotations = _rotations(poses)
    focal = (poses[:, 3] * side).astype(np.float32)[:, None, None]
    toward_x = rotations[:, 0][:, None] * focal - segments.middle[:, 0][None, :, None] * rotations[:, 2][:, None]
    toward_y = rotations[:, 1][:, None] * focal - segments.middle[:, 1][None, :, None] * rotations[:, 2][:, None]
    cross = segments.direction[:, 0][None, :, None] * toward_y - segments.direction[:, 1][None, :, None] * toward_x
    return np.asarray(np.abs(cross) / (np.sqrt(toward_x * toward_x + toward_y * toward_y) + np.float32(1e-6)))


def _rotations(poses: Floats) -> Floats:
    """Build rotations, P×3×3: yaw about the room's vertical, then pitch, then roll about the camera's axis."""
    pitch, roll, yaw = np.radians(poses[:, :3]).T
    zero, one = np.zeros_like(pitch), np.ones_like(pitch)

    def matrix(*rows: tuple[Floats, ...]) -> Floats:
        return np.stack([np.stack(row, -1) for row in rows], -2)

    about_y = matrix((np.cos(yaw), zero, -np.sin(yaw)), (zero, one, zero), (np.sin(yaw), zero, np.cos(yaw)))
    about_x = matrix((one, zero, zero), (zero, np.cos(pitch), -np.sin(pitch)), (zero, np.sin(pitch), np.cos(pitch)))
    about_z = matrix((np.cos(roll), -np.sin(roll), zero), (np.sin(roll), np.cos(roll), zero), (zero, zero, one))
    return (about_z @ about_x @ about_y).astype(np.float32)
