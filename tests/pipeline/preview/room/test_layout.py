"""Room layout of the preview engine: on the sample, on synthetic rooms, and on pictures without a room."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from pipeline.preview.room.box import WALLS, BoxSide
from pipeline.preview.room.depth import estimate_depth
from pipeline.preview.room.layout import RoomLayout, estimate_layout, to_analysis_size

FLOOR, WALL, CEILING = 1, 2, 3
FACES = {FLOOR: (BoxSide.FLOOR,), WALL: WALLS, CEILING: (BoxSide.CEILING,)}

ROOMS = {
    "furnished": {},
    "straight": {
        "yaw": 0,
        "pitch": 0,
        "size": (600, 800),
        "left": 1.5,
        "right": 1.5,
        "back": 5,
        "wall": (0.8, 0.78, 0.75),
    },
    "corner": {
        "yaw": 35,
        "pitch": 6,
        "left": 3,
        "right": 3,
        "back": 4,
        "focal": 0.6,
        "wall": (0.6, 0.3, 0.25),
        "floor": (0.5, 0.4, 0.3),
        "boxes": (((-0.5, 0, 2.5), (0.5, 0.45, 3.3), (0.8, 0.8, 0.75)),),
    },
    "plain_floor": {
        "yaw": -25,
        "pitch": 8,
        "left": 3,
        "right": 1.6,
        "back": 3.5,
        "planks": False,
        "floor": (0.6, 0.58, 0.55),
        "wall": (0.35, 0.45, 0.5),
        "boxes": (
            ((-2.2, 0, 2.4), (-1.2, 0.5, 3.4), (0.6, 0.4, 0.2)),
            ((0.4, 0, 2.6), (1.2, 1.9, 3.4), (0.3, 0.2, 0.12)),
        ),
    },
    "dim": {"lamp": (-1.0, 2.2, 2.5), "wall": (0.5, 0.52, 0.48), "floor": (0.2, 0.14, 0.1), "noise": 0.012, "seed": 5},
}


def overlap(layout: RoomLayout, part: np.ndarray, kind: int) -> float:
    height, width = layout.surfaces.side_map.shape
    truth = cv2.resize(part, (width, height), interpolation=cv2.INTER_NEAREST) == kind
    found = layout.surfaces.mask_of(*FACES[kind])
    return float((truth & found).sum() / (truth | found).sum())


def rank_correlation(one: np.ndarray, two: np.ndarray) -> float:
    ranks = [np.argsort(np.argsort(values.ravel())) for values in (one, two)]
    return float(np.corrcoef(*ranks)[0, 1])


def depth_agreement(layout: RoomLayout, depth: np.ndarray) -> float:
    found = estimate_depth(layout.box, layout.camera, layout.surfaces)
    truth = cv2.resize(depth, found.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return rank_correlation(found[::3, ::3], truth[::3, ::3])


def test_the_samples_layout_matches_the_ground_truth(sample) -> None:
    layout = estimate_layout(to_analysis_size(sample.rgb))
    assert layout.recognised
    for kind in FACES:
        assert overlap(layout, sample.part, kind) >= 0.6
    assert depth_agreement(layout, sample.depth) >= 0.75


def test_the_samples_camera_matches_the_ground_truth(sample) -> None:
    """Mitsuba rendered it with a horizontal field of view of 66° from 1.45 m under a ceiling of 2.7 m."""
    layout = estimate_layout(to_analysis_size(sample.rgb))
    field = 2 * np.degrees(np.arctan(layout.camera.width / 2 / layout.camera.focal))
    assert field == pytest.approx(66, abs=4)
    assert layout.box.ceiling == pytest.approx((2.7 - 1.45) / 1.45, rel=0.12)


@pytest.mark.parametrize("name", list(ROOMS))
def test_synthetic_rooms_match_their_ground_truth(room: Callable, name: str) -> None:
    truth = room(**ROOMS[name])
    layout = estimate_layout(to_analysis_size(truth.rgb))
    assert layout.recognised
    assert depth_agreement(layout, truth.depth) >= 0.7
    for kind in FACES:
        if (truth.part == kind).mean() > 0.05:
            assert overlap(layout, truth.part, kind) >= 0.6, kind


def test_a_mirrored_room_has_the_mirrored_layout(sample) -> None:
    layout = estimate_layout(to_analysis_size(np.ascontiguousarray(sample.rgb[:, ::-1])))
    for kind in FACES:
        assert overlap(layout, sample.part[:, ::-1], kind) >= 0.6


def non_rooms() -> dict[str, np.ndarray]:
    y, x = np.mgrid[0:300, 0:400].astype(np.float32)
    gradient = np.stack([x / 400, y / 300, 1 - x / 400], -1) * 255
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3))
    face = np.exp(-(((x - 200) / 70) ** 2 + ((y - 140) / 95) ** 2)) > 0.4
    body = (np.hypot((x - 200) / 1.4, y - 330) < 120) & ~face
    portrait = np.full((300, 400, 3), (120, 140, 120), np.float32)
    portrait[face], portrait[body] = (214, 170, 140), (60, 60, 120)
    return {
        "gradient": gradient.astype(np.uint8),
        "noise": noise.astype(np.uint8),
        "portrait": cv2.GaussianBlur(portrait, (0, 0), 4).astype(np.uint8),
        "black": np.zeros((300, 400, 3), np.uint8),
        "white": np.full((300, 400, 3), 255, np.uint8),
        "tiny": np.random.default_rng(1).integers(0, 255, (32, 32, 3)).astype(np.uint8),
        "tall": gradient.astype(np.uint8)[:, :100],
        "wide": gradient.astype(np.uint8)[:133],
        "sliver": np.full((32, 2000, 3), 90, np.uint8),
    }


@pytest.mark.parametrize("name", list(non_rooms()))
def test_pictures_without_a_room_have_low_confidence(name: str) -> None:
    assert not estimate_layout(to_analysis_size(non_rooms()[name])).recognised
