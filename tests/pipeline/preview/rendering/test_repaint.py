"""Repainting: new paint under the photo's own light, where the surface is bare, in perspective."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from darkroom.contract.styles import Finish
from pipeline.preview.rendering.materials import Texture
from pipeline.preview.rendering.repaint import RepaintContext, prepare_repaint, repaint_band
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


def plain_render(levels: list[np.ndarray], metres: float, context: RepaintContext) -> np.ndarray:
    """Render a floor's texture through the camera ``DOWN``, h×w×3: a mipmap look-up in float64, pixel by pixel."""
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / DOWN.focal
    y = (np.arange(HEIGHT)[:, None] + 0.5 - HEIGHT / 2) / DOWN.focal
    # The floor lies ``context.metres`` straight below: the camera's y is the room's -z.
    u, v = np.broadcast_arrays(-y * context.metres + context.shift[0], x * context.metres + context.shift[1])
    texels = context.metres / DOWN.focal * len(levels[0]) / metres * (1 + x * x + y * y) ** 0.25
    level = np.log2(np.maximum(texels, 1))
    result = np.zeros((HEIGHT, WIDTH, 3))
    for index, picture in enumerate(levels):
        size = len(picture)
        column, row = u / metres * size - 0.5, v / metres * size - 0.5
        left, top = np.floor(column).astype(int), np.floor(row).astype(int)
        right, down = (column - left)[..., None], (row - top)[..., None]
        corners = [[picture[(top + i) % size, (left + j) % size] for j in (0, 1)] for i in (0, 1)]
        upper, lower = (one * (1 - right) + other * right for one, other in corners)
        result += (upper * (1 - down) + lower * down) * np.clip(1 - np.abs(level - index), 0, 1)[..., None]
    return result


@pytest.mark.parametrize("metres", [0.8, 3.0], ids=["much smaller than seen", "larger than seen"])
def test_a_material_is_seen_as_a_plain_mipmap_shows_it(metres: float) -> None:
    photo = wall(np.ones((HEIGHT, WIDTH)))
    surfaces = Surfaces(np.full((HEIGHT, WIDTH), BoxSide.FLOOR, np.uint8), np.ones((HEIGHT, WIDTH), bool))
    finish = {BoxSide.FLOOR: Finish.model_validate(PAINT)}
    context = prepare_repaint(photo, FLOOR_ONLY, DOWN, surfaces, finish, seed=3)
    levels = [np.random.default_rng(7).integers(40, 220, (256, 256, 3)).astype(np.uint8)]
    while len(levels[-1]) > 8:
        levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    bordered = tuple(cv2.copyMakeBorder(level, 1, 1, 1, 1, cv2.BORDER_WRAP) for level in levels)
    context = replace(
        context, textures={BoxSide.FLOOR: Texture(bordered, metres, False)}, shade=np.ones_like(context.shade)
    )
    found = repaint_band(photo, slice(0, HEIGHT), HEIGHT, context, 1.0)
    difference = np.abs(found - plain_render(levels, metres, context))
    # A look-up is rounded to 1/32 of a texel, which shows in a texture of noise alone.
    assert difference.mean() < 1
    assert np.percentile(difference, 99.9) < 8


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
