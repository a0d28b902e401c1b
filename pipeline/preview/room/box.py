"""Room box: floor, ceiling and up to three walls around the camera, fitted to edges and colours.

Box layouts after Hedau, Hoiem and Forsyth, "Recovering the Spatial Layout of Cluttered Rooms" (2009). The fit is our
own: coordinate descent over four numbers instead of a learned ranking of vanishing-point rays.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from pipeline.core.arrays import Bytes, Floats, Integers
from pipeline.preview.room.box_scoring import EDGE_CAP, FAR_DISTANCE, BoxScorer
from pipeline.preview.room.camera import Camera
from pipeline.preview.room.line_segments import LineSegments

# Parameters of the search: the back wall's distance, then ceiling, left and right relative to it. Thus each number
# moves one line of the picture: the back wall's foot, its top, its left and right corner.
CANDIDATES, DESCENT_STARTS = 1200, 5
_CORNERS = np.append(np.tan(np.radians(np.linspace(6, 66, 25))), FAR_DISTANCE)
_FEET = np.geomspace(0.9, 7, 26)
SEARCH_GRID = (
    (0, _FEET),
    (1, np.append(np.linspace(0.08, 0.9, 24), FAR_DISTANCE)),
    (2, _CORNERS),
    (3, _CORNERS),
    (0, _FEET),
)
MAX_SWEEPS = 2


class BoxSide(IntEnum):
    """Sides of the box, as numbered in side maps."""

    FLOOR = 0
    CEILING = 1
    LEFT = 2
    RIGHT = 3
    BACK = 4


WALLS = (BoxSide.LEFT, BoxSide.RIGHT, BoxSide.BACK)


@dataclass(frozen=True)
class Box:
    """Room box: distances from the camera to each side, in camera heights (the floor is 1 below)."""

    ceiling: float
    left: float
    right: float
    back: float

    def intersect(self, rays: Floats) -> tuple[Bytes, Floats]:
        """Intersect rays: the side that each meets, h×w uint8, and the distance in units of its length, h×w float32."""
        x, y, z = rays[..., 0], rays[..., 1], rays[..., 2]
        level = np.maximum(y, y * np.float32(-1 / self.ceiling))
        side = np.maximum(x * np.float32(1 / self.right), x * np.float32(-1 / self.left))
        forward = z * np.float32(1 / self.back)
        face = np.where(x > 0, np.uint8(BoxSide.RIGHT), np.uint8(BoxSide.LEFT))
        face = np.where(forward > side, np.uint8(BoxSide.BACK), face)
        upright = np.maximum(side, forward)
        vertical = np.where(y > 0, np.uint8(BoxSide.FLOOR), np.uint8(BoxSide.CEILING))
        return np.where(level > upright, vertical, face), 1 / np.maximum(np.maximum(level, upright), np.float32(1e-6))


@dataclass(frozen=True)
class BoxFit:
    """Fitted box. ``support``: how well the picture's edges lie on its boundaries: 0 by chance, 0.75 perfect."""

    box: Box
    score: float
    support: float


def fit_box(lab: Bytes, camera: Camera, segments: LineSegments, directions: Integers) -> BoxFit:
    """Fit a box to an H×W×3 uint8 CIELAB picture of the camera's aspect ratio, any size (320 wide is enough)."""
    scorer = BoxScorer(lab, camera, segments, directions)
    candidates = scorer.candidates(CANDIDATES)
    totals = np.concatenate([scorer.score(part).total for part in np.array_split(candidates, CANDIDATES // 60)])
    found = [_descend(scorer, candidates[index]) for index in _distinct(candidates, totals)]
    best, shape = max(found, key=lambda item: item[0])
    best, shape = _polish(scorer, best, shape, (0.06, 0.04, 0.02))
    exact_score = float(scorer.score(shape[None], 1.0).total[0])
    _, shape = _polish(scorer, exact_score, shape, (0.01, 0.007, 0.004, 0.002), 1.0)
    scores = scorer.score(shape[None])
    back, ceiling, left, right = (float(value) for value in shape)
    box = Box(min(ceiling * back, FAR_DISTANCE), min(left * back, FAR_DISTANCE), min(right * back, FAR_DISTANCE), back)
    return BoxFit(box, float(scores.total[0]), float(scores.support[0]))


def _distinct(candidates: Floats, totals: Floats) -> list[int]:
    """Select the best candidates that are not variations of a better one."""
    chosen: list[int] = []
    log_shapes = np.log(np.minimum(candidates, 6.0))
    for index in np.argsort(-totals, kind="stable"):
        if all(np.abs(log_shapes[index] - log_shapes[other]).max() > 0.25 for other in chosen):
            chosen.append(int(index))
        if len(chosen) == DESCENT_STARTS:
            break
    return chosen


def _polish(
    scorer: BoxScorer,
    best: float,
    shape: Floats,
    steps: tuple[float, ...],
    edge_cap: float = EDGE_CAP,
) -> tuple[float, Floats]:
    rng = np.random.default_rng(0)
    for step in steps:
        moves = np.exp(rng.normal(0, step, (40, 4)) * (rng.random((40, 4)) < 0.5))
        best, shape = _better(scorer, best, shape, shape * moves, edge_cap)
    return best, shape


def _descend(scorer: BoxScorer, shape: Floats) -> tuple[float, Floats]:
    best = -np.inf
    for _ in range(MAX_SWEEPS):
        before = best
        for index, options in SEARCH_GRID:
            trials = np.repeat(shape[None], len(options), 0)
            trials[:, index] = options
            best, shape = _better(scorer, best, shape, trials)
        if best - before < 1e-4:
            break
    return best, shape


def _better(
    scorer: BoxScorer,
    best: float,
    shape: Floats,
    trials: Floats,
    edge_cap: float = EDGE_CAP,
) -> tuple[float, Floats]:
    scores = scorer.score(trials, edge_cap)
    best_index = int(scores.total.argmax())
    value = float(scores.total[best_index])
    return (value, trials[best_index]) if value > best else (best, shape)
