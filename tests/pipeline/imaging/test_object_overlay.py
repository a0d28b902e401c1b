"""Object overlay, as it is drawn over the photo."""

import numpy as np
import pytest

from darkroom.contract.results import FoundObject
from pipeline.imaging.object_overlay import MAX_SIDE, draw_objects


def square(left: float, top: float, side: float, label: str = "thing") -> FoundObject:
    ring = [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]
    box = (left, top, left + side, top + side)
    return FoundObject(label=label, box=box, score=1, area=0.1, outlines=[ring])


def grey(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 120, np.uint8)


def test_an_object_is_tinted_outlined_and_labelled() -> None:
    shown = draw_objects(grey(400, 600), [square(100, 100, 200)])
    changed = (shown != 120).any(-1)
    assert changed[100:300, 100:300].all()
    assert not changed[:90].any()
    assert not changed[:, 315:].any()
    assert (shown[180:220, 180:220] == 255).all(-1).any(), "the label's letters"


def test_a_hole_in_an_object_is_not_tinted() -> None:
    ring = square(100, 100, 200).outlines[0]
    hole = square(150, 150, 100).outlines[0]
    shown = draw_objects(grey(400, 600), [square(100, 100, 200).model_copy(update={"outlines": [ring, hole]})])
    assert (shown[230:240, 230:240] == 120).all()


@pytest.mark.parametrize(
    ("size", "expected"), [((3000, 4000), (1200, MAX_SIDE)), ((240, 320), (240, 320)), ((32, 8000), (6, MAX_SIDE))]
)
def test_large_photos_are_reduced(size: tuple[int, int], expected: tuple[int, int]) -> None:
    objects = [square(10, 10, 15), square(0, 0, 2, "couch"), FoundObject(label="tv", box=(0, 0, 1, 1), score=1, area=0)]
    assert draw_objects(grey(*size), objects).shape == (*expected, 3)


def test_the_input_photo_is_unchanged() -> None:
    photo = grey(100, 100)
    draw_objects(photo, [square(10, 10, 50)])
    assert (photo == 120).all()


def test_labels_move_to_avoid_each_other() -> None:
    one = draw_objects(grey(600, 800), [square(300, 200, 200, "couch")])
    two = draw_objects(grey(600, 800), [square(300, 200, 200, "couch"), square(300, 200, 200, "couch")])
    white = [(picture == 255).all(-1).sum() for picture in (one, two)]
    assert white[1] > 1.5 * white[0]
