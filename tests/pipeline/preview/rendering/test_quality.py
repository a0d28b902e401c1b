"""Scores of a restyled picture, on pictures whose scores are known."""

import cv2
import numpy as np
import pytest

from pipeline.preview.rendering.quality import measure_quality

WALL = (200, 180, 160)
NAME = "#c8b4a0"  # the same


def picture() -> np.ndarray:
    """A wall with a framed picture to the left, 120×160."""
    room = np.full((120, 160, 3), WALL, np.uint8)
    cv2.rectangle(room, (20, 30), (60, 80), (20, 40, 60), -1)
    return room


def bare() -> np.ndarray:
    mask = np.ones((120, 160), bool)
    mask[20:90, 10:70] = False
    return mask


def test_an_unchanged_picture_in_the_palettes_colour_has_full_marks() -> None:
    quality = measure_quality(picture(), picture(), bare(), ["#000000", NAME])
    assert (quality.structure, quality.visual) == (1, 1)
    assert quality.style == pytest.approx(1, abs=0.01)


def test_a_room_without_anything_in_it_is_scored() -> None:
    wall = np.full((120, 160, 3), WALL, np.uint8)
    quality = measure_quality(wall, wall, np.ones((120, 160), bool), [NAME])
    assert (quality.structure, quality.visual) == (1, 1)


def test_lost_furniture_costs_structure_and_detail() -> None:
    empty = np.full((120, 160, 3), WALL, np.uint8)
    quality = measure_quality(picture(), empty, bare(), [NAME])
    assert (quality.structure, quality.visual) == (0, 0)
    half = picture()
    half[55:81, 20:61] = WALL
    assert measure_quality(picture(), half, bare(), [NAME]).structure == pytest.approx(0.5, abs=0.12)


def test_lines_on_repainted_surfaces_are_no_structure() -> None:
    boards = picture()
    boards[:, 90::12] = (90, 70, 50)
    assert measure_quality(boards, picture(), bare(), [NAME]).structure == 1
    assert measure_quality(boards, picture(), None, [NAME]).structure < 0.6


@pytest.mark.parametrize(
    ("change", "style"), [((0, 0, 0), 1.0), ((10, 0, 0), 0.91), ((0, 20, 0), 0.5), ((0, 60, 0), 0.0)]
)
def test_style_falls_with_the_distance_to_the_nearest_colour(change: tuple[int, int, int], style: float) -> None:
    """Lightness counts 0.35, hue in full; 40 away is no style at all. Furniture does not count."""
    lab = cv2.cvtColor(np.array([[WALL]], np.float32) / 255, cv2.COLOR_RGB2LAB) + np.float32(change)
    colour = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)[0, 0] * 255, 0, 255).round().astype(np.uint8)
    after = picture()
    after[bare()] = colour
    assert measure_quality(picture(), after, bare(), ["#003000", NAME]).style == pytest.approx(style, abs=0.03)


def test_repainted_furniture_costs_more_than_any_score_can_make_up_for() -> None:
    """A bed of a tenth of the picture was repainted: its edges stay, but its surface is another."""
    damaged = picture()
    damaged[30:81, 20:61] = (160, 120, 90)
    quality = measure_quality(picture(), damaged, bare(), [NAME], picture())
    assert quality.score < 0.6
    assert max(quality.structure, quality.visual) < 0.01
    assert quality.style == pytest.approx(1, abs=0.01)


def test_grading_and_kept_objects_are_no_damage() -> None:
    graded = np.clip(picture() * 0.6, 0, 255).astype(np.uint8)
    kept = graded.copy()
    kept[30:81, 20:61] = picture()[30:81, 20:61]
    repainted = kept.copy()
    repainted[bare()] = (60, 60, 70)
    assert measure_quality(picture(), repainted, bare(), [NAME], graded).structure > 0.9


def test_a_little_paint_beyond_a_surfaces_edge_is_no_damage() -> None:
    spilt = picture()
    spilt[28:84, 57:61] = (90, 60, 40)
    spilt[bare()] = (90, 60, 40)
    mask = bare()
    mask[20:90, 62:70] = True
    clean = measure_quality(picture(), spilt, mask, [NAME]).visual
    assert measure_quality(picture(), spilt, mask, [NAME], picture()).visual == pytest.approx(clean, abs=0.02)
