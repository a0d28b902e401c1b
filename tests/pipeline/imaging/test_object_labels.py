"""Object labels: their placement and drawing, on pictures of any size."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFont

from darkroom.contract.results import FoundObject
from pipeline.imaging.object_labels import MIN_TEXT_PIXELS, Label, draw_label, place_labels
from pipeline.imaging.object_overlay import COLOURS, LINE_WIDTH, MAX_SIDE, draw_objects

GREY = 120
RED = COLOURS[0]

sides = st.one_of(st.integers(1, 60), st.integers(1, 500), st.sampled_from([537, 717, 1169, 1600, 1700]))
names = st.one_of(st.sampled_from(["thing", "couch", "hair drier", "Stuhl für Gäste", "椅子", "كرسي", ""]), st.text())
# Of the picture's sides: inside it, at its border, over it and far from it.
shares = st.one_of(st.floats(-0.5, 1.5), st.sampled_from([0.0, 1.0, -40.0, 1e9]))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[tuple[int, int], list[FoundObject]]:
    """A picture's width and height, and objects on it: polygons, lines, points, and objects without an outline."""
    width, height = draw(sides), draw(sides)
    objects = []
    for name in draw(st.lists(names, max_size=14)):
        ring = [(x * width, y * height) for x, y in draw(st.lists(st.tuples(shares, shares), max_size=5))]
        objects.append(FoundObject(label=name, box=(0, 0, 1, 1), score=1, area=0.1, outlines=[ring]))
    return (width, height), objects


@given(scene=scenes())
@settings(max_examples=80, deadline=None)
def test_drawing_objects_changes_no_pixel_outside_them(
    scene: tuple[tuple[int, int], list[FoundObject]],
) -> None:
    (width, height), objects = scene
    photo = np.full((height, width, 3), GREY, np.uint8)
    shown = draw_objects(photo, objects)
    assert (photo == GREY).all()
    gain = min(1, MAX_SIDE / max(width, height))
    assert shown.shape == (max(round(height * gain), 1), max(round(width * gain), 1), 3)
    # Labels are moved by at most 2.4 of their heights, which are 1.5 of the text's.
    text = max(max(shown.shape) / 55, MIN_TEXT_PIXELS) + 1
    line = max(round(LINE_WIDTH * max(shown.shape)), 1) + 3
    far = np.ones(shown.shape[:2], np.bool_)
    for each in objects:
        for ring in each.outlines:
            if ring:
                left, top = np.clip(np.min(ring, 0) * gain, -1e6, 1e6).astype(int)
                right, bottom = np.clip(np.max(ring, 0) * gain, -1e6, 1e6).astype(int)
                beside = max(line, text * (len(each.label) + 4))
                below = line + 4.5 * text
                far[
                    max(int(top - below), 0) : max(int(bottom + below), 0),
                    max(int(left - beside), 0) : max(int(right + beside), 0),
                ] = False
    assert (shown[far] == GREY).all()


@given(
    size=st.tuples(sides, sides),
    objects=st.lists(st.tuples(names, st.none() | st.tuples(st.floats(0, 1), st.floats(0, 1))), max_size=24),
)
@settings(max_examples=150, deadline=None)
def test_labels_lie_within_the_picture_and_never_overlap(
    size: tuple[int, int], objects: list[tuple[str, tuple[float, float] | None]]
) -> None:
    anchors = [
        None if share is None else (round(share[0] * (size[0] - 1)), round(share[1] * (size[1] - 1)))
        for _, share in objects
    ]
    placed = place_labels([name for name, _ in objects], anchors, size)
    for label in placed:
        left, top, right, bottom = label.box
        assert 0 <= left <= right - (bottom - top) < right <= size[0]
        assert 0 <= top < bottom <= size[1]
        assert label.text.split(maxsplit=1)[0] == f"{label.index + 1}"
        assert label.font.getlength(label.text) < right - left
    for one, other in combinations([label.box for label in placed], 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    numbers = [label.index for label in placed]
    assert numbers == sorted(set(numbers))
    anchored = [index for index, anchor in enumerate(anchors) if anchor is not None]
    assert set(numbers) <= set(anchored)
    if anchored and min(size) >= 3 * MIN_TEXT_PIXELS:
        assert anchored[0] in numbers, "the first one always has room for its number"


@given(high=st.integers(1, 120), longer=st.integers(0, 200), pixels=st.integers(1, 100), text=names)
@settings(max_examples=150, deadline=None)
def test_drawing_a_label_changes_no_pixel_outside_its_box(high: int, longer: int, pixels: int, text: str) -> None:
    box = (5, 7, 5 + high + longer, 7 + high)
    picture = np.full((high + 14, high + longer + 10, 3), GREY, np.uint8)
    draw_label(picture, Label(0, " ".join(text.split()), box, ImageFont.load_default(pixels)), RED)
    changed = (picture != GREY).any(-1)
    assert changed[7 + high // 2, 5 : 5 + high + longer].all()
    changed[box[1] : box[3], box[0] : box[2]] = False
    assert not changed.any()


@pytest.mark.parametrize("pixels", [11, 13, 16, 22, 29])
@pytest.mark.parametrize("text", ["1", "8", "24 potted plant"])
def test_a_labels_text_is_white_on_its_colour_and_not_clipped(pixels: int, text: str) -> None:
    (label,) = place_labels([text.partition(" ")[2]], [(400, 300)], (800, 55 * pixels))
    bare = np.full((55 * pixels, 800, 3), GREY, np.uint8)
    picture = bare.copy()
    draw_label(bare, replace(label, text=""), RED)
    draw_label(picture, label, RED)
    left, top, right, bottom = label.box
    letters = (picture != bare).any(-1)
    assert picture[letters].min(-1).max() > 200
    assert 0.3 * pixels < np.count_nonzero(letters.any(1)) < 1.4 * pixels
    assert np.count_nonzero(letters) > 0.5 * pixels * len(text)
    rows, columns = (np.flatnonzero(letters.any(axis)) for axis in (1, 0))
    assert top + 1 <= rows.min() < rows.max() < bottom - 1, "no letter touches the border"
    assert left + 3 < columns.min() < columns.max() < right - 4


def test_a_name_that_does_not_fit_is_replaced_by_the_number() -> None:
    def texts(name: str, width: int = 300) -> list[str]:
        return [label.text for label in place_labels([name], [(20, 20)], (width, 60))]

    assert texts("couch") == ["1 couch"]
    assert texts("two\nlines") == ["1 two lines"]
    assert texts("thing") == texts("椅子") == texts("\0") == texts("") == ["1"]
    assert texts("couch", width=40) == ["1"]
    assert texts("couch", width=10) == []
