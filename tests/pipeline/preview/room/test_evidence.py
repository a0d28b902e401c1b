"""Surface evidence: a floor that is certain, and beds, desks and photos without information that are left alone."""

import cv2
import numpy as np
import pytest

from pipeline.preview.room.box import BoxSide
from pipeline.preview.room.evidence import find_evidence
from pipeline.preview.room.layout import Doubt, RoomLayout, estimate_layout, to_analysis_size
from pipeline.preview.room.surfaces import Surfaces

FLOOR, OBJECT = 1, 4
WIDTH, HEIGHT, TOP, FOOT = 480, 360, 60, 190
FLOOR_COLOUR, WALL_COLOUR, CEILING_COLOUR = (150, 146, 140), (186, 168, 150), (226, 226, 222)


def photo(seed: int = 0) -> np.ndarray:
    """Draw a back wall between ceiling and carpet, with a photo's uneven light and noise: H×W×3 float."""
    picture = np.empty((HEIGHT, WIDTH, 3))
    picture[:TOP], picture[TOP:FOOT], picture[FOOT:] = CEILING_COLOUR, WALL_COLOUR, FLOOR_COLOUR
    rng = np.random.default_rng(seed)
    light = cv2.resize(rng.uniform(0.92, 1.06, (4, 5)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.asarray(picture * light[..., None] + rng.normal(0, 3, picture.shape))


def paint(picture: np.ndarray, corners: list[tuple[int, int]], colour: tuple[int, int, int], seed: int = 1) -> None:
    """Draw a surface with shading and folds of its own."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(mask, [np.array(corners)], 1)
    rng = np.random.default_rng(seed)
    folds = cv2.resize(rng.uniform(0.95, 1.05, (9, 9)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    picture[mask > 0] = (np.array(colour) * folds[..., None] + rng.normal(0, 2, picture.shape))[mask > 0]


def evidence(picture: np.ndarray, *seen: list[tuple[int, int]]) -> np.ndarray:
    """Find what is certain if the box is right and all but what is ``seen`` looks bare."""
    sides = np.full((HEIGHT, WIDTH), BoxSide.BACK, np.uint8)
    sides[:TOP], sides[FOOT:] = BoxSide.CEILING, BoxSide.FLOOR
    bare = np.ones_like(sides)
    for corners in seen:
        cv2.fillPoly(bare, [np.array(corners)], 0)
    return find_evidence(np.clip(picture, 0, 255).astype(np.uint8), Surfaces(sides, bare > 0))


def inside(corners: list[tuple[int, int]]) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(mask, [np.array(corners)], 1)
    return cv2.erode(mask, np.ones((15, 15), np.uint8)) > 0


BED_TOP = [(0, 188), (170, 188), (215, 230), (60, 359), (0, 359)]
BED_FRAME = [(215, 230), (215, 262), (110, 359), (60, 359)]


def test_an_empty_room_is_certain() -> None:
    assert evidence(photo())[4:-4].mean() > 0.95


@pytest.mark.parametrize("seed", range(3))
def test_a_bed_that_the_picture_cuts_off_is_no_floor(seed: int) -> None:
    """Its top is as grey as the carpet, its side is not, below which the carpet continues."""
    picture = photo(seed)
    paint(picture, BED_FRAME, (150, 104, 96))
    paint(picture, BED_TOP, (176, 170, 160))
    certain = evidence(picture, BED_FRAME)
    assert certain[inside(BED_TOP)].mean() < 0.15
    assert certain[inside([(240, 270), (479, 230), (479, 359), (150, 359)])].mean() > 0.9


def test_a_sofa_that_rises_over_the_walls_foot_is_neither_floor_nor_wall() -> None:
    picture = photo()
    sofa = [(0, 120), (190, 130), (230, 359), (0, 359)]
    paint(picture, sofa, (150, 112, 74))
    certain = evidence(picture)
    assert certain[inside(sofa)].mean() < 0.15
    assert certain[inside([(260, 220), (479, 220), (479, 359), (260, 359)])].mean() > 0.9


def test_a_table_in_front_of_the_floor_is_left_out() -> None:
    picture = photo()
    paint(picture, [(150, 262), (330, 262), (330, 290), (150, 290)], (90, 62, 40))
    top = [(170, 215), (310, 215), (330, 262), (150, 262)]
    paint(picture, top, (170, 128, 88))
    certain = evidence(picture)
    assert certain[inside(top)].mean() < 0.15
    assert certain[310:, 10:-10].mean() > 0.9


def test_if_two_surfaces_share_the_foot_neither_is_the_floor() -> None:
    """A desk fills half of the picture's foot: which of both is the floor, nothing tells."""
    picture = photo()
    desk = [(0, 230), (250, 230), (250, 359), (0, 359)]
    paint(picture, desk, (196, 150, 96))
    assert evidence(picture)[FOOT + 8 :].mean() < 0.05


def test_a_headboard_below_the_wall_is_no_wall() -> None:
    picture = photo()
    board = [(60, 120), (220, 120), (220, 188), (60, 188)]
    paint(picture, board, (176, 120, 108))
    certain = evidence(picture)
    assert certain[inside(board)].mean() < 0.15
    assert certain[TOP + 8 : 112, 10:-10].mean() > 0.9


def test_a_dim_photo_is_told_apart_like_a_bright_one() -> None:
    picture = photo()
    paint(picture, BED_FRAME, (150, 104, 96))
    paint(picture, BED_TOP, (176, 170, 160))
    certain = evidence(0.55 * picture, BED_FRAME)
    assert certain[inside(BED_TOP)].mean() < 0.15
    assert certain[inside([(240, 270), (479, 230), (479, 359), (150, 359)])].mean() > 0.9


def certain_floor(layout: RoomLayout, part: np.ndarray) -> float:
    floor = cv2.resize(part, layout.surfaces.bare.shape[::-1], interpolation=cv2.INTER_NEAREST) == FLOOR
    return float(layout.certain.mask_of(BoxSide.FLOOR)[floor].mean())


def test_the_samples_surfaces_are_certain(sample) -> None:
    layout = estimate_layout(to_analysis_size(sample.rgb))
    assert layout.repaintable
    assert layout.doubts == ()
    assert certain_floor(layout, sample.part) > 0.6
    objects = cv2.resize(sample.part, layout.surfaces.bare.shape[::-1], interpolation=cv2.INTER_NEAREST) == OBJECT
    assert layout.certain.bare[cv2.erode(objects.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0].mean() < 0.05


@pytest.mark.parametrize("brightness", [0.12, 0.25])
def test_a_dark_photo_is_left_alone(sample, brightness: float) -> None:
    dark = np.round(to_analysis_size(sample.rgb) * brightness).astype(np.uint8)
    layout = estimate_layout(dark)
    assert not layout.repaintable
    assert layout.doubts == (Doubt.TOO_DARK,)


def test_black_and_white_and_toned_photos_are_left_alone(sample) -> None:
    grey = cv2.cvtColor(to_analysis_size(sample.rgb), cv2.COLOR_RGB2GRAY)[..., None]
    for tone in ((1.0, 1.0, 1.0), (1.05, 0.93, 0.78)):
        layout = estimate_layout(np.clip(grey * np.array(tone), 0, 255).astype(np.uint8))
        assert not layout.repaintable
        assert layout.doubts == (Doubt.NO_COLOUR,)
