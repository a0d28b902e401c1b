"""Tiling: a picture cut into tiles and put together again is unchanged."""

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from pipeline.imaging.tiles import Tile, TileAssembler, TileSpan, tile_spans, tiles

Floats = NDArray[np.float32]


@st.composite
def sides(draw: st.DrawFn, most: int = 400) -> dict[str, int]:
    """Side of a picture, tile size, overlap and factor, as ``tile_spans`` takes them."""
    size, factor = draw(st.integers(1, most)), draw(st.sampled_from([1, 2, 4]))
    tile = draw(st.integers(4, 160))
    return {
        "size": size,
        "target": draw(st.integers(size, factor * size)),
        "tile": tile,
        "overlap": draw(st.integers(0, tile // 2)),
        "factor": factor,
    }


@given(side=sides())
@settings(max_examples=150, deadline=None)
def test_tile_weights_add_up_to_exactly_one_at_every_pixel(side: dict[str, int]) -> None:
    total = np.zeros(side["target"], np.float32)
    covered = np.zeros(side["size"], np.int64)
    for part in tile_spans(**side):
        assert 0 <= part.source.start < part.source.stop <= side["size"]
        assert part.source.stop - part.source.start == min(side["tile"], side["size"])
        assert part.weights.min() > 0
        total[part.target] += part.weights
        covered[part.source] += 1
    assert (total == 1).all()
    assert covered.min() >= 1


@given(side=sides())
@settings(max_examples=80, deadline=None)
def test_a_tile_has_no_weight_near_its_cut_edges(side: dict[str, int]) -> None:
    spans = tile_spans(**side)
    for first, second in pairwise(spans):
        shared = first.source.stop - second.source.start
        assert shared >= side["overlap"]
        scale = side["target"] / side["size"]
        # A half-width of the ramp is at most a sixth of what they share; a pixel of the result has its own width.
        assert first.target.stop - 1 <= (first.source.stop - shared / 3) * scale
        assert second.target.start + 1 >= (second.source.start + shared / 3) * scale


@given(side=sides())
@settings(max_examples=60, deadline=None)
def test_a_uniform_colour_is_unchanged_by_the_reduction(side: dict[str, int]) -> None:
    for part in tile_spans(**side):
        if isinstance(part.reduction, slice):
            length = side["factor"] * (part.source.stop - part.source.start)
            assert 0 <= part.reduction.start < part.reduction.stop <= length
            assert part.reduction.stop - part.reduction.start == len(part.weights)
        else:
            assert np.allclose(part.reduction.sum(axis=1), 1, atol=1e-5)


@given(
    height=st.integers(1, 120),
    width=st.integers(1, 120),
    tile=st.integers(4, 64),
    share=st.floats(0, 0.5),
    factor=st.sampled_from([1, 2, 4]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_a_pixel_repeating_network_gives_the_repeated_picture(
    height: int, width: int, tile: int, share: float, factor: int, seed: int
) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    result = enlarged(picture, height * factor, width * factor, tile, int(tile * share), factor)
    assert np.array_equal(result, picture.repeat(factor, 0).repeat(factor, 1))


@pytest.mark.parametrize("scale", [1.1, 1.5, 2, 2.5, 3, 3.999])
def test_reduced_tiles_equal_the_reduced_picture(scale: float) -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 256, (97, 131, 3), dtype=np.uint8), (5, 5), 0)
    height, width = round(97 * scale), round(131 * scale)
    whole = enlarged(picture, height, width, 200, 0, 4).astype(int)
    cut = enlarged(picture, height, width, 48, 24, 4).astype(int)
    assert np.abs(whole - cut).max() <= 1


def test_the_reduction_equals_pillows_lanczos() -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(4).integers(0, 256, (60, 80, 3), dtype=np.uint8), (5, 5), 0)
    large = Image.fromarray(picture.repeat(4, 0).repeat(4, 1))
    theirs = np.asarray(large.resize((200, 150), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(enlarged(picture, 150, 200, 48, 16, 4).astype(int) - theirs).max() <= 1


def test_invalid_tile_sizes_raise_value_error() -> None:
    with pytest.raises(ValueError, match="overlap"):
        tile_spans(100, 200, 32, 17, 4)
    with pytest.raises(ValueError, match="201 pixels"):
        tile_spans(100, 201, 32, 8, 2)


def enlarged(picture: NDArray[Any], height: int, width: int, tile: int, overlap: int, factor: int) -> NDArray[np.uint8]:
    rows = tile_spans(picture.shape[0], height, tile, overlap, factor)
    columns = tile_spans(picture.shape[1], width, tile, overlap, factor)
    assembly = TileAssembler(np.full((height, width, 3), 99, np.uint8), rows, columns)
    for each in tiles(picture, rows, columns):
        assembly.add(each, repeated(each, factor))
    return assembly.result


def repeated(tile: Tile, factor: int) -> Floats:
    large = tile.pixels.repeat(factor, 0).repeat(factor, 1).astype(np.float32)
    return along(tile.columns, along(tile.rows, large, 0), 1)


def along(part: TileSpan, values: Floats, axis: int) -> Floats:
    if isinstance(part.reduction, slice):
        return values[part.reduction] if axis == 0 else values[:, part.reduction]
    return np.moveaxis(np.tensordot(part.reduction, values, (1, axis)), 0, axis)
