"""Fixtures of the pipeline tests: a ray caster for rooms with known layout, depth and parts, and the real sample."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.paths import DATA

FLOOR, WALL, CEILING, OBJECT = 1, 2, 3, 4


@dataclass(frozen=True)
class Truth:
    """A photo (H×W×3 uint8), its depth (H×W, any unit) and parts (H×W: FLOOR, WALL, CEILING or OBJECT)."""

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    part: NDArray[np.uint8]


@dataclass(frozen=True)
class Room:
    """A box room in metres. The camera at (0, ``eye``, 0) looks along +z, turned by yaw and pitch in degrees."""

    left: float = 2.0
    right: float = 2.4
    back: float = 4.2
    height: float = 2.6
    eye: float = 1.45
    yaw: float = 8.0
    pitch: float = 5.0
    focal: float = 0.75
    size: tuple[int, int] = (800, 600)
    wall: tuple[float, float, float] = (0.72, 0.7, 0.64)
    ceiling: tuple[float, float, float] = (0.86, 0.86, 0.85)
    floor: tuple[float, float, float] = (0.42, 0.28, 0.17)
    boxes: tuple[tuple[tuple[float, ...], tuple[float, ...], tuple[float, float, float]], ...] = (
        ((-1.2, 0.0, 3.2), (0.9, 0.8, 4.1), (0.25, 0.33, 0.45)),
        ((1.5, 0.0, 2.6), (2.0, 0.5, 3.1), (0.5, 0.12, 0.1)),
        ((-0.5, 1.2, 4.15), (0.5, 1.9, 4.2), (0.1, 0.35, 0.3)),
    )
    seed: int = 0
    planks: bool = True
    noise: float = 0.006
    lamp: tuple[float, float, float] = field(default=(0.4, 2.3, 1.6))


def render(room: Room) -> Truth:
    """Ray-cast ``room`` with one lamp (inverse-square, cosine, hard shadows) over an ambient term."""
    width, height = room.size
    focal = room.focal * max(width, height)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    rays = np.stack([(x + 0.5 - width / 2) / focal, -(y + 0.5 - height / 2) / focal, np.ones_like(x)], -1)
    pitch, yaw = np.radians(room.pitch), np.radians(room.yaw)
    tilt = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]], np.float32)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]], np.float32)
    rays = rays @ (turn @ tilt).T
    eye = np.array([0, room.eye, 0], np.float32)
    shell = (np.array([-room.left, 0, -1.5], np.float32), np.array([room.right, room.height, room.back], np.float32))

    leave = np.where(rays > 0, (shell[1] - eye) / rays, (shell[0] - eye) / np.where(rays == 0, -1e-9, rays))
    axis = leave.argmin(-1)
    depth = leave.min(-1)
    part = np.where(axis != 1, WALL, np.where(rays[..., 1] < 0, FLOOR, CEILING)).astype(np.uint8)
    normal = np.zeros_like(rays)
    np.put_along_axis(normal, axis[..., None], -np.sign(np.take_along_axis(rays, axis[..., None], -1)), -1)
    point = eye + rays * depth[..., None]
    palette = np.array([(0, 0, 0), room.floor, room.wall, room.ceiling], np.float32)
    albedo = palette[part]
    if room.planks:
        plank = np.floor(point[..., 0] / 0.15).astype(int)
        tone = np.random.default_rng(room.seed).uniform(0.85, 1.12, 256).astype(np.float32)[plank % 256]
        seam = np.abs(point[..., 0] / 0.15 - plank - 0.5) > 0.47
        albedo = np.where((part == FLOOR)[..., None], albedo * np.where(seam, 0.6, tone)[..., None], albedo)
    for low, high, colour in room.boxes:
        enter, hit_axis = _slab(eye, rays, np.array(low, np.float32), np.array(high, np.float32))
        hit = enter < depth - 1e-4
        depth = np.where(hit, enter, depth)
        part = np.where(hit, np.uint8(OBJECT), part)
        albedo = np.where(hit[..., None], np.array(colour, np.float32), albedo)
        facing = np.zeros_like(rays)
        np.put_along_axis(facing, hit_axis[..., None], -np.sign(np.take_along_axis(rays, hit_axis[..., None], -1)), -1)
        normal = np.where(hit[..., None], facing, normal)
    point = eye + rays * depth[..., None]
    to_lamp = np.array(room.lamp, np.float32) - point
    distance = np.linalg.norm(to_lamp, axis=-1)
    lit = np.clip((normal * to_lamp).sum(-1) / distance, 0, 1) / (1 + distance**2)
    for low, high, _ in room.boxes:
        enter, _ = _slab(point + normal * 0.01, to_lamp, np.array(low, np.float32), np.array(high, np.float32))
        lit = np.where(enter < 1, lit * 0.25, lit)
    shade = 0.32 + 1.7 * cv2.GaussianBlur(lit.astype(np.float32), (0, 0), 3)
    linear = albedo * shade[..., None]
    linear += np.random.default_rng(room.seed).normal(0, room.noise, linear.shape).astype(np.float32)
    rgb = (np.clip(linear, 0, 1) ** (1 / 2.2) * 255).round().astype(np.uint8)
    return Truth(rgb, depth.astype(np.float32), part)


def _slab(origin: NDArray[np.float32], rays: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]):
    safe = np.where(np.abs(rays) < 1e-9, 1e-9, rays)
    first, second = (low - origin) / safe, (high - origin) / safe
    near, far = np.minimum(first, second), np.maximum(first, second)
    enter = near.max(-1)
    return np.where((enter > 1e-3) & (enter < far.min(-1)), enter, np.inf), near.argmax(-1)


@pytest.fixture(scope="session")
def room() -> Callable[..., Truth]:
    """Render a synthetic room: ``room(yaw=-20, floor=(…))``."""
    return lambda **changes: render(Room(**changes))


@pytest.fixture(scope="session")
def sample_path() -> Path:
    """The sample photo on disk."""
    return DATA / "living_room.jpg"


@pytest.fixture(scope="session")
def sample(sample_path: Path) -> Truth:
    """The rendered sample photo with its ground truth."""
    bgr = cv2.imread(str(sample_path))
    assert bgr is not None
    with np.load(DATA / "living_room_truth.npz") as file:
        truth = dict(file)
    kinds = {"floor": FLOOR, "wall": WALL, "ceiling": CEILING}
    table = np.array([kinds.get(str(name), OBJECT) for name in truth["part_names"]], np.uint8)
    return Truth(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), truth["depth_m"].astype(np.float32), table[truth["part"]])
