"""Box scoring: rates any room box against a picture's edges, colours and segment directions."""

from typing import NamedTuple

import cv2
import numpy as np

from pipeline.core.arrays import Bytes, Floats, Integers, Mask
from pipeline.preview.room.camera import Camera
from pipeline.preview.room.clusters import kmeans
from pipeline.preview.room.line_segments import LineSegments

FAR_DISTANCE = 40.0  # camera heights: a wall this far away is out of the picture
BINS = 8  # of edge orientation
SAMPLES = 40  # along each boundary
COLOURS = 20
CHANCE_EDGE_STRENGTH = 0.25  # mean edge strength along a random boundary
EDGE_CAP = 0.5  # not higher, because furniture hides most of a room's boundaries and has edges of its own
STEP = 6  # sampling step of the colours, in pixels
AXES = np.array([0, 2, 2, 0, 2, 2, 1, 1])  # direction of each boundary, in the order of _boundaries


class BoxScores(NamedTuple):
    """Scores of M boxes: ``total`` (higher is better), and ``support`` of their boundaries by edges, 0 being chance."""

    total: Floats
    support: Floats


class BoxScorer:
    """Scorer of many boxes against one picture: H×W×3 uint8 CIELAB of the camera's aspect ratio, prepared once."""

    def __init__(self, lab: Bytes, camera: Camera, segments: LineSegments, directions: Integers) -> None:
        height, width = lab.shape[:2]
        self.camera = camera
        self.size = (width, height)
        self.scale = width / camera.width
        self.gradient = _oriented_gradient(lab)
        self.line_maps = _draw_segments(segments, directions, (height, width), self.scale)
        rays = camera.rays(width, height, step=STEP).reshape(-1, 3)
        colours = _clusters(cv2.GaussianBlur(lab, (0, 0), 1.5)[::STEP, ::STEP]).ravel()
        wall_like, floor_like = _surface_colours(colours, rays[:, 1] < 0, (height + STEP - 1) // STEP)
        # Sorted by colour, so that counting colours is summing runs.
        order = np.argsort(colours, kind="stable")
        self.rays = np.ascontiguousarray(rays[order].T)
        self.above = self.rays[1] < 0
        present, self.runs = np.unique(colours[order], return_index=True)
        self.wall_like, self.floor_like = wall_like[present], floor_like[present]
        self.total, self.high = (self._counted(which[None])[0] for which in (np.ones_like(self.above), self.above))
        lengthwise = np.concatenate([segments.middle / np.float32(camera.focal), np.ones((len(segments.middle), 1))], 1)
        self.segment_rays = lengthwise.astype(np.float32) @ camera.rotation
        self.directions = directions
        side = max(camera.width, camera.height)
        self.weights = np.minimum(segments.length, 0.25 * side) / side

    def candidates(self, count: int) -> Floats:
        """Sample boxes whose boundaries lie on segments or have usual proportions: count×4, as for ``score``."""
        rng = np.random.default_rng(0)
        x, y, z = np.where(np.abs(self.segment_rays) < 1e-4, 1e-4, self.segment_rays).astype(np.float64).T
        across, upright, deep = (self.directions == axis for axis in range(3))

        def draw(values: Floats, chosen: Mask, default: Floats) -> Floats:
            probabilities = self.weights * chosen
            if not chosen.any():
                return default
            picked = values[rng.choice(len(values), count, p=probabilities / probabilities.sum())]
            return np.where(rng.random(count) < 0.25, default, picked)

        back = draw(z / y, across & (y > 0) & (z > 0), 2.6 * np.exp(rng.normal(0, 0.5, count))).clip(0.5, 9)
        default = 0.85 * np.exp(rng.normal(0, 0.3, count)) / back
        ceiling = draw(-y / z, across & (y < 0) & (z > 0), default).clip(0.05, 2)
        walls = []
        for sign in (-1, 1):
            random_slope = np.tan(np.radians(rng.uniform(3, 66, count)))
            corner = draw(sign * x / z, upright & (sign * x / z > 0.05), random_slope)
            foot = draw(sign * x / y, deep & (y > 0) & (sign * x > 0), random_slope * back) / back
            walls.append(
                np.select([rng.random(count) < 0.12, rng.random(count) < 0.5], [FAR_DISTANCE, corner], foot).clip(0.05)
            )
        return np.stack([back, ceiling, *walls], 1)

    def score(self, shapes: Floats, edge_cap: float = EDGE_CAP) -> BoxScores:
        """Score M boxes, M×4: the back wall's distance, then ceiling, left and right relative to it.

        Edge strength beyond ``edge_cap`` does not count: use a low cap to find the right lines, 1 to align with them
        exactly.
        """
        back = shapes[:, 0]
        ceiling, left, right = (np.minimum(shapes[:, k] * back, FAR_DISTANCE) for k in (1, 2, 3))
        boxes = np.stack([ceiling, left, right, back], 1).astype(np.float32)
        support, length = self._support(boxes, edge_cap)
        total = (
            SUPPORT_WEIGHT * support
            + self._colours(boxes)
            - CONTRADICTION_WEIGHT * self._contradiction(boxes)
            - _shape_penalty(boxes)
        )
        return BoxScores(total, support / np.maximum(length, 0.3))

    def _support(self, boxes: Floats, edge_cap: float) -> tuple[Floats, Floats]:
        """Sum edge strength along the visible boundaries, less chance; also their length. Both in picture sides."""
        count = len(boxes)
        ends = (_boundaries(boxes) @ self.camera.rotation.T).reshape(-1, 2, 3)
        ends = _clip_near(ends)
        points = ends[..., :2] / ends[..., 2:] * np.float32(self.camera.focal * self.scale)
        points = _clip_frame(points + np.array(self.size, np.float32) / 2, self.size)
        delta = points[:, 1] - points[:, 0]
        share = np.hypot(delta[:, 0], delta[:, 1]) / max(self.size)
        places = np.linspace(0.02, 0.98, SAMPLES, dtype=np.float32)
        column = (points[:, :1, 0] + delta[:, :1] * places).astype(np.intp).clip(0, self.size[0] - 1)
        row = (points[:, :1, 1] + delta[:, 1:] * places).astype(np.intp).clip(0, self.size[1] - 1)
        angle = np.arctan2(delta[:, 1], delta[:, 0]) % np.pi
        channel = np.rint(angle / np.pi * BINS).astype(np.intp) % BINS
        gradient = self.gradient[channel[:, None], row, column]
        line_maps = self.line_maps[np.tile(AXES, count)[:, None], row, column]
        strength = np.maximum(0.5 * gradient, line_maps).mean(axis=1)
        gain = ((np.minimum(strength, edge_cap) - CHANCE_EDGE_STRENGTH) * share).reshape(count, -1).sum(1)
        return gain, share.reshape(count, -1).sum(1)

    def _colours(self, boxes: Floats) -> Floats:
        """Score the colours of the sides.

        Penalises wall colours on floors and floor colours on walls; rewards distinct ceiling and wall colours.
        """
        ceiling, left, right, back = boxes.T[..., None]
        x, y, z = self.rays
        level = np.where(self.above, -y / ceiling, y)
        upright = np.maximum(np.maximum(x / right, -x / left), z / back)
        vertical = level > upright
        floor = self._counted(vertical & ~self.above)
        ceilings = self._counted(vertical & self.above)
        misplaced = floor @ self.wall_like + (self.total - floor - ceilings) @ self.floor_like
        joint = np.stack([ceilings, self.high - ceilings], 1) + 1e-9
        joint /= joint.sum((1, 2), keepdims=True)
        independent = joint.sum(1, keepdims=True) * joint.sum(2, keepdims=True)
        information = (joint * np.log(joint / independent)).sum((1, 2))
        share = 1 / self.total.sum()
        return np.asarray(
            INFORMATION_WEIGHT * information * self.high.sum() * share - MISPLACED_WEIGHT * misplaced * share
        )

    def _counted(self, chosen: Mask) -> Floats:
        """Count the chosen pixels (M×P) of each colour, M×K."""
        return np.add.reduceat(chosen, self.runs, axis=1, dtype=np.int32).astype(np.float64)

    def _contradiction(self, boxes: Floats) -> Floats:
        """Sum the length of segments that are perpendicular to the side they lie on, in picture sides."""
        ceiling, left, right, back = boxes.T[..., None]
        x, y, z = self.segment_rays.T
        level = np.where(y > 0, y, -y / ceiling)
        side = np.maximum(x / right, -x / left)
        ahead = z / back
        vertical = level > np.maximum(side, ahead)
        wrong = (
            ((self.directions == 2) & ~vertical & (ahead > side))
            | ((self.directions == 0) & ~vertical & (ahead <= side))
            | ((self.directions == 1) & vertical & (y < 0))
        )
        return np.asarray(wrong.astype(np.float32) @ self.weights, np.float64)


SUPPORT_WEIGHT = 1.6
CONTRADICTION_WEIGHT = 2.0
INFORMATION_WEIGHT = 3.0
MISPLACED_WEIGHT = 8.0


def _boundaries(boxes: Floats) -> Floats:
    """Return the eight visible edges of each box: M×8×2×3 room points."""
    ceiling, left, right, back = boxes.T
    high, low, near = -ceiling, np.ones_like(back), np.full_like(back, 0.15)
    foot_left, foot_right = (-left, low, back), (right, low, back)
    top_left, top_right = (-left, high, back), (right, high, back)
    edges = (
        (foot_left, foot_right),
        (foot_left, (-left, low, near)),
        (foot_right, (right, low, near)),
        (top_left, top_right),
        (top_left, (-left, high, near)),
        (top_right, (right, high, near)),
        (top_left, foot_left),
        (top_right, foot_right),
    )
    return np.stack([np.stack([np.stack(end, -1) for end in edge], 1) for edge in edges], 1)


def _surface_colours(colours: Integers, above: Mask, rows: int) -> tuple[Floats, Floats]:
    """Rate how wall-like and how floor-like each colour is, 0 to 1.

    No floor is seen above the horizon, so colours common there are no floor colours. Floor colours are common along the
    picture's foot and rare above the horizon.
    """
    total = np.bincount(colours, minlength=COLOURS)
    high = np.bincount(colours[above], minlength=COLOURS)
    foot = np.bincount(colours[-(len(colours) // rows) * max(1, rows // 8) :], minlength=COLOURS)
    share_above = high / np.maximum(total, 1)
    at_foot = np.clip(foot / max(1, foot.sum()) / 0.1, 0, 1)
    wall_like = np.clip((share_above - 0.05) / 0.3, 0, 1) * np.clip(high / max(1, high.sum()) / 0.05, 0, 1)
    wall_like *= 1 - at_foot
    floor_like = np.clip(1 - share_above / 0.1, 0, 1) * at_foot
    return wall_like.astype(np.float32), floor_like.astype(np.float32)


def _shape_penalty(boxes: Floats) -> Floats:
    """Penalty for boxes unlike rooms: ceilings 2.2 to 3.5 m above floors seen from 1 to 1.8 m, rooms 2 to 8 m deep."""
    ceiling, left, right, back = boxes.T.astype(np.float64)
    height = np.log(np.minimum(ceiling, 3.0) / 0.85) / 0.5
    depth = np.log(back / 2.6) / 0.9
    hidden = (left >= FAR_DISTANCE / 2).astype(np.float64) + (right >= FAR_DISTANCE / 2)
    return np.asarray(0.05 * (height**2 + depth**2) + 0.06 * hidden)


def _oriented_gradient(lab: Bytes) -> Floats:
    """Edge strength in [0, 1] per direction of the edge, BINS×H×W, tolerant of a pixel or two."""
    smooth = cv2.GaussianBlur(lab, (0, 0), 1.2).astype(np.float32)
    dx = np.stack([cv2.Sobel(smooth[..., k], cv2.CV_32F, 1, 0) for k in range(3)], -1)
    dy = np.stack([cv2.Sobel(smooth[..., k], cv2.CV_32F, 0, 1) for k in range(3)], -1)
    strongest = np.abs(dx).sum(-1) + np.abs(dy).sum(-1)
    # Structure tensor over the channels: the colour gradient of Di Zenzo (1986).
    xx, yy, xy = (dx * dx).sum(-1), (dy * dy).sum(-1), (dx * dy).sum(-1)
    across = 0.5 * np.arctan2(2 * xy, xx - yy)
    along = (across + np.pi / 2) % np.pi
    magnitude = np.sqrt(np.maximum(xx + yy, 0))
    scale = max(8.0, float(np.percentile(strongest, 70)))
    strength = np.tanh(magnitude / scale)
    result = np.empty((BINS, *lab.shape[:2]), np.float32)
    kernel = np.ones((3, 3), np.uint8)
    for index in range(BINS):
        angle_difference = np.abs((along - index * np.pi / BINS + np.pi / 2) % np.pi - np.pi / 2)
        result[index] = cv2.dilate(strength * np.clip(1.5 - angle_difference / (np.pi / BINS), 0, 1), kernel)
    return result


def _draw_segments(segments: LineSegments, directions: Integers, size: tuple[int, int], scale: float) -> Floats:
    """Draw the segments of each room direction as 3×H×W lines.

    All are equally strong, because the edges at a room's corners are often faint.
    """
    height, width = size
    canvas = np.zeros((3, height, width), np.uint8)
    centre = np.array([width, height], np.float32) / 2
    ends = np.rint(np.stack([segments.start, segments.end], 1) * scale + centre).astype(int)
    for axis in range(3):
        cv2.polylines(canvas[axis], list(ends[directions == axis]), False, 255, 3)
    return canvas.astype(np.float32) / 255


def _clusters(lab: Bytes) -> Integers:
    values = lab.reshape(-1, 3).astype(np.float32)
    # Shade darkens and desaturates a colour in proportion: normalise hues to full light, and weight lightness little.
    lightness = values[:, :1]
    hues = (values[:, 1:] - 128) * (150 / (lightness + 40))
    values = np.concatenate([lightness * 0.3, hues * 1.6], 1)
    labels, _ = kmeans(values, min(COLOURS, len(values)))
    return labels.reshape(lab.shape[:2])


def _clip_near(ends: Floats) -> Floats:
    """Cut the part of each segment that is behind the camera (z < 0.05)."""
    near = np.float32(0.05)
    a, b = ends[:, 0], ends[:, 1]
    both = np.stack([a, b], 1)
    for end, other in ((0, 1), (1, 0)):
        behind = both[:, end, 2] < near
        reach = both[:, other, 2] - both[:, end, 2]
        share = np.where(np.abs(reach) > 1e-6, (near - both[:, end, 2]) / np.where(reach == 0, 1, reach), 0)
        moved = both[:, end] + (both[:, other] - both[:, end]) * share[:, None]
        both[:, end] = np.where(behind[:, None], moved, both[:, end])
    both[..., 2] = np.maximum(both[..., 2], near)
    return both


def _clip_frame(points: Floats, size: tuple[int, int]) -> Floats:
    """Liang–Barsky: the part of each of N segments within the frame; N×2×2, of zero length when there is none."""
    start, delta = points[:, 0], points[:, 1] - points[:, 0]
    enter, leave = np.zeros(len(points), np.float32), np.ones(len(points), np.float32)
    inside = np.ones(len(points), bool)
    for axis in (0, 1):
        step, low, high = delta[:, axis], -start[:, axis], size[axis] - 1 - start[:, axis]
        still = np.abs(step) < 1e-6
        safe = np.where(still, 1, step)
        first, second = low / safe, high / safe
        enter = np.where(still, enter, np.maximum(enter, np.minimum(first, second)))
        leave = np.where(still, leave, np.minimum(leave, np.maximum(first, second)))
        inside &= ~still | ((low <= 0) & (high >= 0))
    inside &= enter < leave
    enter, leave = np.where(inside, enter, 0), np.where(inside, leave, 0)
    return np.stack([start + delta * enter[:, None], start + delta * leave[:, None]], 1).astype(np.float32)
