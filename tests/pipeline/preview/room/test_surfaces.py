"""Surface segmentation: bare floor and wall to the pixel, with their shadows, and without what stands in the room."""

import cv2
import numpy as np
import pytest

from pipeline.preview.room.box import BoxSide
from pipeline.preview.room.line_segments import detect_segments
from pipeline.preview.room.surfaces import Surfaces, segment_surfaces

WIDTH, HEIGHT, FOOT = 320, 240, 150
WALL_COLOUR, FLOOR_COLOUR = np.array([205, 198, 186.0]), np.array([134, 96, 66.0])
TABLE, PICTURE = np.s_[130:200, 90:150], np.s_[40:90, 200:250]


def segment(photo: np.ndarray) -> Surfaces:
    """Segment a photo of a back wall above row ``FOOT`` and a floor below it."""
    noise = np.random.default_rng(2).normal(0, 1.2, photo.shape)
    rgb = np.clip(photo + noise, 0, 255).astype(np.uint8)
    sides = np.full((HEIGHT, WIDTH), BoxSide.BACK, np.uint8)
    sides[FOOT:] = BoxSide.FLOOR
    segments = detect_segments(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8))
    return segment_surfaces(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), np.uint8), sides, segments)


def room() -> np.ndarray:
    photo = np.empty((HEIGHT, WIDTH, 3))
    photo[:FOOT], photo[FOOT:] = WALL_COLOUR, FLOOR_COLOUR
    return photo


def furnished() -> np.ndarray:
    photo = room()
    photo[TABLE] = (40, 70, 120)
    photo[PICTURE] = (150, 40, 50)
    return photo


def furniture() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[TABLE] = mask[PICTURE] = True
    return mask


def test_an_empty_room_is_bare() -> None:
    bare = segment(room()).bare
    assert bare[4:-4, 4:-4].mean() > 0.98


def test_furniture_is_left_out_along_its_outline() -> None:
    bare = segment(furnished()).bare
    objects = furniture()
    inside = cv2.erode(objects.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    outside = cv2.dilate(objects.astype(np.uint8), np.ones((13, 13), np.uint8)) == 0
    assert bare[inside].mean() < 0.02
    assert bare[outside].mean() > 0.97
    union = (~bare | objects).sum()
    assert (~bare & objects).sum() / union > 0.85


def test_each_side_has_its_own_mask() -> None:
    surfaces = segment(furnished())
    assert not surfaces.mask_of(BoxSide.FLOOR)[:FOOT].any()
    assert not surfaces.mask_of(BoxSide.BACK)[FOOT:].any()
    assert np.array_equal(surfaces.mask_of(BoxSide.FLOOR, BoxSide.BACK), surfaces.bare)


@pytest.mark.parametrize("depth", [0.92, 0.85])
def test_a_soft_shadow_belongs_to_the_wall(depth: float) -> None:
    photo = furnished()
    shadow = np.ones((HEIGHT, WIDTH))
    shadow[20:100, 20:80] = depth
    bare = segment(photo * cv2.GaussianBlur(shadow, (0, 0), 8)[..., None]).bare
    assert bare[30:90, 30:70].mean() > 0.97


def test_light_that_falls_off_along_the_wall_belongs_to_it() -> None:
    falling = np.linspace(1.0, 0.8, WIDTH)[None, :, None]
    photo = furnished()
    photo[:FOOT] *= falling
    bare = segment(photo).bare
    outside = cv2.dilate(furniture().astype(np.uint8), np.ones((15, 15), np.uint8)) == 0
    assert bare[outside].mean() > 0.95


def test_boards_of_several_tones_are_one_floor() -> None:
    photo = furnished()
    tones = np.random.default_rng(4).uniform(0.85, 1.15, WIDTH // 16)
    boards = np.repeat(tones, 16)[None, :, None]
    keep = photo[TABLE].copy()
    photo[FOOT:] *= boards
    photo[TABLE] = keep
    bare = segment(photo).mask_of(BoxSide.FLOOR)
    outside = cv2.dilate(furniture().astype(np.uint8), np.ones((13, 13), np.uint8)) == 0
    outside[: FOOT + 4] = False
    assert bare[outside].mean() > 0.93
    assert bare[160:195, 95:145].mean() < 0.05


def test_a_rug_is_no_floor() -> None:
    photo = room()
    photo[185:225, 110:230] = (60, 110, 90)
    bare = segment(photo).bare
    assert bare[190:220, 116:224].mean() < 0.05
    assert bare[160:178, 20:300].mean() > 0.9


def test_a_mirrored_room_has_the_mirrored_surfaces() -> None:
    bare, mirrored = segment(furnished()).bare, segment(furnished()[:, ::-1]).bare
    assert (bare == mirrored[:, ::-1]).mean() > 0.985


@pytest.mark.parametrize("colour", [(176, 88, 76), (70, 110, 150), (96, 92, 84)], ids=["brick", "blue", "dark"])
def test_a_coloured_walls_shade_is_no_other_surface(colour: tuple[int, int, int]) -> None:
    photo = furnished()
    painted = np.ones((HEIGHT, WIDTH), bool)
    painted[FOOT:] = False
    painted &= ~furniture()
    photo[painted] = colour
    shade = np.ones((HEIGHT, WIDTH))
    shade[:, 180:] = 0.82
    photo[:FOOT] *= cv2.GaussianBlur(shade, (0, 0), 12)[:FOOT, :, None]
    bare = segment(photo).mask_of(BoxSide.BACK)
    outside = cv2.dilate(furniture().astype(np.uint8), np.ones((15, 15), np.uint8)) == 0
    outside[FOOT - 4 :] = False
    assert bare[outside].mean() > 0.95
    assert bare[48:82, 208:242].mean() < 0.05
