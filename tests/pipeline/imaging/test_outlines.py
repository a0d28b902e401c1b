"""Object outlines, and the choice of the object at a point."""

import json
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from darkroom.contract.results import FoundObject
from pipeline.imaging.outlines import (
    CANVAS_SIDE,
    MAX_CORNERS,
    MAX_OBJECTS,
    MAX_RINGS,
    MAX_TOTAL_CORNERS,
    Ring,
    contains_point,
    objects_at_points,
    outline_canvas_size,
    outlines_of,
)

SIZE = (60, 80)


def blob(seed: int, shape: tuple[int, int] = SIZE, smooth: float = 3.0) -> NDArray[np.bool_]:
    """A mask of any number of pieces, one at least, with any number of holes."""
    noise = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    smoothed = np.asarray(cv2.GaussianBlur(noise, (0, 0), smooth))
    return smoothed > min(0.05, float(smoothed.max()) / 2)


def filled(rings: list[Ring], height: int, width: int) -> NDArray[np.bool_]:
    """Return the pixels whose centres lie within the rings."""
    return np.array([[contains_point(rings, x + 0.5, y + 0.5) for x in range(width)] for y in range(height)])


def found_object(rings: list[Ring], area: float) -> FoundObject:
    return FoundObject(label="thing", box=(0, 0, 1, 1), score=1, area=area, outlines=rings)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 999), min_size=1, max_size=MAX_OBJECTS),
    st.floats(0.6, 8),
    st.integers(32, 20_000),
    st.integers(32, 20_000),
)
@example(seeds=[336], smooth=7.0, height=32, width=32)
def test_outlines_lie_within_the_photo_and_are_simplified(
    seeds: list[int], smooth: float, height: int, width: int
) -> None:
    outlines = outlines_of([blob(seed, smooth=smooth) for seed in seeds], height, width)
    assert len(outlines) == len(seeds)
    assert sum(len(ring) for rings in outlines for ring in rings) <= MAX_TOTAL_CORNERS
    for rings in outlines:
        assert 1 <= len(rings) <= MAX_RINGS
        for ring in rings:
            assert 3 <= len(ring) <= MAX_CORNERS
            assert all(0 <= x <= width and 0 <= y <= height for x, y in ring)
            assert all(one != other for one, other in pairwise([*ring, ring[0]]))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 999), min_size=1, max_size=4), st.floats(0, 1), st.floats(0, 1))
def test_the_object_at_a_point_is_the_smallest_that_contains_it(seeds: list[int], across: float, down: float) -> None:
    height, width = 600, 800
    masks = [blob(seed) for seed in seeds]
    objects = [
        found_object(rings, float(mask.mean()))
        for rings, mask in zip(outlines_of(masks, height, width), masks, strict=True)
    ]
    found, notes = objects_at_points(objects, [(across, down)], height, width)
    there = [each for each in objects if contains_point(each.outlines, across * width, down * height)]
    assert bool(found) is bool(there)
    assert len(notes) == (not there)
    for index in found:
        assert objects[index] in there
        assert objects[index].area == min(each.area for each in there)


@pytest.mark.parametrize("seed", range(5))
def test_outlines_match_the_mask_and_its_holes(seed: int) -> None:
    mask = blob(seed, smooth=7)
    cv2.circle(holed := mask.astype(np.uint8), (40, 30), 8, 0, -1)
    mask = holed > 0
    (rings,) = outlines_of([mask], *SIZE)
    drawn = filled(rings, *SIZE)
    assert np.count_nonzero(drawn & mask) / np.count_nonzero(drawn | mask) > 0.85
    assert not drawn[28:33, 38:43].any()


def test_an_object_at_the_border_is_outlined_up_to_it() -> None:
    mask = np.zeros(SIZE, np.bool_)
    mask[:, :40] = True
    (rings,) = outlines_of([mask], 600, 800)
    assert {x for x, _ in rings[0]} == {0, 395}
    assert {y for _, y in rings[0]} == {0, 600}


def test_a_line_is_outlined_by_its_box_and_an_empty_mask_has_no_outline() -> None:
    line = np.zeros(SIZE, np.bool_)
    line[10, 20:60] = True
    assert outlines_of([line, np.zeros(SIZE, np.bool_)], 600, 800) == [
        [[(200, 100), (600, 100), (600, 110), (200, 110)]],
        [],
    ]


def test_outlines_of_a_crowded_photo_take_a_few_kilobytes() -> None:
    height, width = 15_000, 20_000
    outlines = outlines_of([blob(seed, (300, 400), 4) for seed in range(MAX_OBJECTS)], height, width)
    objects = [found_object(rings, 0.1234).model_dump(mode="json") for rings in outlines]
    assert len(json.dumps(objects, separators=(",", ":"))) < 24_000


def test_a_point_without_an_object_adds_one_note() -> None:
    square: Ring = [(10, 10), (50, 10), (50, 50), (10, 50)]
    objects = [found_object([square], 0.2), found_object([], 0.1)]
    found, notes = objects_at_points(objects, [(0.9, 0.9), (0.3, 0.3), (0.9, 0.9)], 100, 100)
    assert found == {0}
    assert notes == ["Nothing was found to keep at 0.9, 0.9."]


@given(st.integers(32, 20_000), st.integers(32, 20_000))
def test_masks_are_traced_at_a_reduced_size(height: int, width: int) -> None:
    rows, columns = outline_canvas_size(height, width)
    assert 1 <= rows <= min(height, CANVAS_SIDE)
    assert 1 <= columns <= min(width, CANVAS_SIDE)
