"""Repainting: new paint under the photo's own light, where the surface is bare, in perspective."""

import numpy as np
import pytest

from darkroom.contract.styles import Finish
from pipeline.preview.rendering.repaint import prepare_repaint, repaint_band
from pipeline.preview.room.box import Box, BoxSide
from pipeline.preview.room.camera import Camera
from pipeline.preview.room.surfaces import Surfaces

WIDTH, HEIGHT = 160, 120
# The back wall fills the picture: floor, ceiling and sides are far away.
BACK_ONLY = Box(ceiling=50.0, left=50.0, right=50.0, back=1.0)
FLOOR_ONLY = Box(ceiling=50.0, left=500.0, right=500.0, back=500.0)
LEVEL = Camera(0.72 * WIDTH, np.eye(3, dtype=np.float32), WIDTH, HEIGHT)
DOWN = Camera(0.72 * WIDTH, np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32), WIDTH, HEIGHT)
TILTED = np.array([[0.96, -0.28, 0], [0.28, 0.96, 0], [0, 0, 1]], np.float32)  # so that no line is a row
PAINT = {"material": "paint", "colours": ("#8090b0",)}


def to_linear(rgb: np.ndarray) -> np.ndarray:
    return (rgb.astype(np.float64) / 255) ** 2.2


def to_bytes(linear: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(linear, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)


def wall(light: np.ndarray, colour: tuple[float, float, float] = (0.5, 0.42, 0.3)) -> np.ndarray:
    """A photo of an even wall under ``light``, h×w relative to full light."""
    return to_bytes(light[..., None] * np.array(colour))


def repaint(
    photo: np.ndarray,
    side: BoxSide = BoxSide.BACK,
    bare: np.ndarray | None = None,
    strength: float = 1.0,
    **finish: object,
) -> np.ndarray:
    """Paint one side of the room."""
    faces = np.full((HEIGHT, WIDTH), side, np.uint8)
    surfaces = Surfaces(faces, np.ones((HEIGHT, WIDTH), bool) if bare is None else bare)
    box, camera = (FLOOR_ONLY, DOWN) if side == BoxSide.FLOOR else (BACK_ONLY, LEVEL)
    chosen = {side: Finish.model_validate({**PAINT, **finish})}
    context = prepare_repaint(photo, box, camera, surfaces, chosen, seed=3)
    return repaint_band(photo, slice(0, HEIGHT), HEIGHT, context, strength)


@pytest.fixture
def half_shadow() -> np.ndarray:
    """Light that is full on the left, and half of that on the right."""
    light = np.ones((HEIGHT, WIDTH))
    light[:, WIDTH // 2 :] = 0.5
    return light


def test_a_shadow_takes_the_same_share_of_the_new_paints_light(half_shadow: np.ndarray) -> None:
    after = to_linear(repaint(wall(half_shadow)))
    lit, dark = after[20:100, 20:60].mean((0, 1)), after[20:100, 100:140].mean((0, 1))
    assert dark / lit == pytest.approx([0.5] * 3, abs=0.04)


def test_in_full_light_the_wall_has_the_paints_colour(half_shadow: np.ndarray) -> None:
    after = repaint(wall(half_shadow))[20:100, 20:60].mean((0, 1))
    assert after == pytest.approx([0x80, 0x90, 0xB0], abs=9)


def test_the_old_paints_colour_is_gone(half_shadow: np.ndarray) -> None:
    reddish = repaint(wall(half_shadow, (0.6, 0.25, 0.2))).astype(int)
    greenish = repaint(wall(half_shadow, (0.2, 0.55, 0.25))).astype(int)
    assert np.abs(reddish - greenish)[20:100, 20:140].mean() < 4


def test_warm_light_stays_half_as_warm() -> None:
    light = np.ones((HEIGHT, WIDTH))
    photo = wall(light)
    photo[:, 120:] = to_bytes(np.array([0.5, 0.42, 0.3]) * np.array([0.8, 0.6, 0.4]))
    after = to_linear(repaint(photo))
    ratio = after[20:100, 130:150].mean((0, 1)) / after[20:100, 20:100].mean((0, 1))
    assert ratio == pytest.approx([0.7, 0.6, 0.5], abs=0.05)


def test_a_lamps_spot_is_brighter_than_the_paint_but_not_without_end() -> None:
    light = np.full((HEIGHT, WIDTH), 0.4)
    light[40:80, 60:100] = 1.8
    after = to_linear(repaint(wall(light, (0.4, 0.4, 0.4))))
    paint = to_linear(np.array([0x80, 0x90, 0xB0]))
    assert after[50:70, 70:90].mean((0, 1)) == pytest.approx(1.35 * paint, rel=0.06)


@pytest.mark.parametrize("strength", [0.0, 0.25, 0.5, 1.0])
def test_strength_is_the_share_of_the_way_from_photo_to_paint(half_shadow: np.ndarray, strength: float) -> None:
    photo = wall(half_shadow)
    whole = repaint(photo).astype(float)
    part = repaint(photo, strength=strength).astype(float)
    assert np.abs(part - (photo + strength * (whole - photo))).max() <= 1


def test_what_stands_in_front_of_the_wall_is_not_painted(half_shadow: np.ndarray) -> None:
    photo = wall(half_shadow)
    photo[40:90, 30:70] = (200, 30, 40)
    bare = np.ones((HEIGHT, WIDTH), bool)
    bare[40:90, 30:70] = False
    after = repaint(photo, bare=bare)
    assert np.array_equal(after[46:84, 36:64], photo[46:84, 36:64])
    changed = (after != photo).any(-1)
    assert changed[10:34, 10:150].mean() > 0.99


def test_a_floors_shadow_stays_and_its_pattern_goes() -> None:
    light = np.ones((HEIGHT, WIDTH))
    light[:, 90:] = 0.45
    photo = wall(light)
    photo[::8] = to_bytes(to_linear(photo[::8]) * 0.6)  # joints of the old boards
    after = to_linear(repaint(photo, BoxSide.FLOOR))
    lit, dark = after[20:100, 10:60].mean(), after[20:100, 115:150].mean()
    assert 0.4 < dark / lit < 0.62
    rows = after[20:100, 10:60].mean((1, 2))
    assert np.ptp(rows) / rows.mean() < 0.2, "the joints were 0.6 as bright"


def test_tiles_are_seen_in_their_size() -> None:
    after = repaint(
        wall(np.ones((HEIGHT, WIDTH))), material="tiles", colours=("#ffffff",), joint="#000000", size=0.5, length=0.5
    )
    dark = to_linear(after).mean(-1) < 0.35
    joints = np.flatnonzero(np.diff((dark[30:90].mean(0) > 0.5).astype(int)) == 1)
    metres_a_pixel = 0.9 / (0.72 * WIDTH)  # this box is 0.9 m × 1 from the camera to its back wall
    assert len(joints) >= 2
    assert np.diff(joints).mean() * metres_a_pixel == pytest.approx(0.5, rel=0.12)


def test_bands_are_the_picture(half_shadow: np.ndarray) -> None:
    photo = wall(half_shadow)
    surfaces = Surfaces(np.full((HEIGHT, WIDTH), BoxSide.BACK, np.uint8), np.ones((HEIGHT, WIDTH), bool))
    context = prepare_repaint(photo, BACK_ONLY, LEVEL, surfaces, {BoxSide.BACK: Finish.model_validate(PAINT)}, seed=3)
    whole = repaint_band(photo, slice(0, HEIGHT), HEIGHT, context, 1.0)
    band = repaint_band(photo[40:80], slice(40, 80), HEIGHT, context, 1.0)
    assert np.abs(band[2:-2].astype(int) - whole[42:78]).max() <= 1


def test_the_result_does_not_depend_on_the_bands() -> None:
    photo = np.random.default_rng(5).integers(60, 200, (HEIGHT, WIDTH, 3), np.uint8)
    box, camera = Box(ceiling=0.8, left=1.5, right=1.5, back=3.0), Camera(0.72 * WIDTH, TILTED, WIDTH, HEIGHT)
    sides, _ = box.intersect(camera.rays(WIDTH, HEIGHT))
    surfaces = Surfaces(sides, np.ones((HEIGHT, WIDTH), bool))
    finishes = {side: Finish.model_validate(PAINT | {"colours": (f"#{side + 2}08040",)}) for side in BoxSide}
    context = prepare_repaint(photo, box, camera, surfaces, finishes, seed=3)
    whole = repaint_band(photo, slice(0, HEIGHT), HEIGHT, context, 1.0)
    for height in (1, 7, 50):
        bands = [slice(start, min(start + height, HEIGHT)) for start in range(0, HEIGHT, height)]
        parts = [repaint_band(photo[rows], rows, HEIGHT, context, 1.0) for rows in bands]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
