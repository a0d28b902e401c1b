"""Camera moves, measured on pictures whose colours encode the position."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.core.arrays import Rgb
from pipeline.video.ken_burns import plan_camera_move, resize_to_cover

unit, inner = st.floats(0, 1), st.floats(0.1, 0.9)
sides = st.integers(40, 700)
canvases = st.sampled_from([(90, 160), (160, 90), (120, 120)])


def chart(columns: int, rows: int) -> Rgb:
    """Red grows from left to right, green from top to bottom, blue is alike everywhere."""
    picture = np.full((rows, columns, 3), 128, np.uint8)
    picture[..., 0] = np.linspace(0, 255, columns)[None]
    picture[..., 1] = np.linspace(0, 255, rows)[:, None]
    return picture


def camera_move_frames(
    picture: Rgb, width: int, height: int, frames: int, *, focus: tuple[float, float] | None = None, seed: int
) -> Iterator[Rgb]:
    return plan_camera_move(picture, width, height, frames, focus=focus, seed=seed).render()


def lamp(columns: int, rows: int, x: float, y: float) -> Rgb:
    """Return a black picture with a soft light at x, y (0 to 1)."""
    across, down = np.arange(columns)[None] - x * (columns - 1), np.arange(rows)[:, None] - y * (rows - 1)
    light = np.exp(-(across**2 + down**2) / (2 * (0.05 * max(rows, columns)) ** 2))
    return np.repeat((255 * light[..., None]).round().astype(np.uint8), 3, 2)


def curved(values: Rgb) -> float:
    """Return the largest deviation of a line of values from a straight one, in levels, without rounding."""
    places = np.arange(len(values))
    return float(np.abs(values - np.polyval(np.polyfit(places, values, 1), places)).max())


@settings(max_examples=30, deadline=None)
@given(columns=sides, rows=sides, canvas=canvases, focus=st.tuples(unit, unit), seed=st.integers(0, 99))
def test_every_frame_lies_within_the_picture(
    columns: int, rows: int, canvas: tuple[int, int], focus: tuple[float, float], seed: int
) -> None:
    width, height = canvas
    covering = min(width * rows, columns * height) / max(width * rows, columns * height)  # of the picture's area
    assume(abs(covering - 0.55) > 1e-9)  # exactly at the limit, rounding decides
    frames = list(camera_move_frames(chart(columns, rows), width, height, 5, focus=focus, seed=seed))
    assert len(frames) == 5
    whole = covering < 0.55
    for frame in frames:
        assert frame.shape == (height, width, 3)
        assert frame.dtype == np.uint8
        if whole:
            assert frame[..., 2].min() >= 60
        else:
            # Nothing but the picture, and none of it drawn out at the edges, which would bend the line.
            assert np.abs(frame[..., 2].astype(int) - 128).max() <= 1
            assert curved(frame[height // 2, :, 0]) <= 255 / columns + 2
            assert curved(frame[:, width // 2, 1]) <= 255 / rows + 2


@settings(max_examples=30, deadline=None)
@given(columns=sides, rows=sides, canvas=canvases, focus=st.tuples(unit, unit), seed=st.integers(0, 99))
def test_the_focus_is_in_every_frame(
    columns: int, rows: int, canvas: tuple[int, int], focus: tuple[float, float], seed: int
) -> None:
    for frame in camera_move_frames(lamp(columns, rows, *focus), *canvas, 40, focus=focus, seed=seed):
        assert frame.max() >= 200


@settings(max_examples=30, deadline=None)
@given(columns=sides, rows=sides, canvas=canvases, place=st.tuples(inner, inner), number=st.integers(0, 29))
def test_points_are_projected_into_frames(
    columns: int, rows: int, canvas: tuple[int, int], place: tuple[float, float], number: int
) -> None:
    move = plan_camera_move(lamp(columns, rows, *place), *canvas, 30, focus=place, seed=columns)
    point = np.array([place[0] * (columns - 1), place[1] * (rows - 1)], np.float32)
    across, down = move.map_points(point[None])[0].round().astype(int)
    assert move.picture[down, across].min() >= 200
    x, y = move.project(number, point)
    frame = move.frame(number)
    column, row = (int(np.clip(part * side, 0, side - 1)) for part, side in zip((x, y), canvas, strict=True))
    assert frame[row, column].min() >= 180


def test_a_replacement_picture_is_rendered() -> None:
    move = plan_camera_move(chart(400, 300), 160, 90, 10, seed=1)
    turned = 255 - move.frame(4, 255 - move.picture)
    assert np.abs(turned.astype(int) - move.frame(4)).max() <= 1


@pytest.mark.parametrize("seed", range(2))
def test_the_camera_moves_smoothly(seed: int) -> None:
    picture = lamp(2400, 1600, 0.42, 0.55)
    places = []
    for frame in camera_move_frames(picture, 320, 180, 250, seed=seed):
        light = frame[..., 0].astype(float)
        places.append(
            [(light * np.arange(320)).sum() / light.sum(), (light * np.arange(180)[:, None]).sum() / light.sum()]
        )
    path = np.array(places)
    assert np.linalg.norm(path[-1] - path[0]) > 3
    # Steps of a whole pixel would show as changes of speed from one frame to the next.
    assert np.abs(np.diff(path, 2, axis=0)).max() < 0.08


@pytest.mark.parametrize("seed", range(4))
def test_the_zoom_is_limited_in_both_directions(seed: int) -> None:
    frames = list(camera_move_frames(chart(800, 800), 160, 160, 100, seed=seed))
    shown = [int(frame[80, -1, 0]) - int(frame[80, 0, 0]) for frame in frames]
    assert 1.09 < max(shown) / min(shown) < 1.15
    assert shown == sorted(shown) or shown == sorted(shown, reverse=True)


def test_a_short_clip_moves_less() -> None:
    frames = list(camera_move_frames(chart(800, 800), 160, 160, 25, seed=1))
    shown = [int(frame[80, -1, 0]) - int(frame[80, 0, 0]) for frame in frames]
    assert max(shown) / min(shown) < 1.05


def test_the_seed_decides_the_direction() -> None:
    picture = chart(300, 400)
    ways = [np.stack(list(camera_move_frames(picture, 90, 160, 50, seed=seed))) for seed in (1, 1, 2, 3)]
    assert np.array_equal(ways[0], ways[1])
    assert not np.array_equal(ways[0], ways[2])
    assert not np.array_equal(ways[2], ways[3])


@pytest.mark.parametrize(
    ("columns", "rows", "width", "height"), [(320, 180, 90, 160), (180, 320, 160, 90), (700, 70, 90, 160)]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_picture_that_would_be_cropped_too_much_is_shown_whole(
    columns: int, rows: int, width: int, height: int, seed: int
) -> None:
    picture = np.full((rows, columns, 3), 128, np.uint8)
    along = picture if columns > rows else picture.swapaxes(0, 1)
    end = max(columns, rows) // 12
    along[:, :end], along[:, -end:] = (255, 0, 0), (0, 255, 0)
    for frame in camera_move_frames(picture, width, height, 75, seed=seed):
        red, green = ((frame[..., channel].astype(int) - frame[..., 2]) > 150 for channel in (0, 1))
        assert red.any()
        assert green.any()
        corner = frame[0, 0].astype(int)
        assert corner.max() < 0.65 * 255


def test_a_square_fills_a_tall_video() -> None:
    for frame in camera_move_frames(np.full((200, 200, 3), 128, np.uint8), 90, 160, 10, seed=1):
        assert np.abs(frame.astype(int) - 128).max() <= 1


def test_an_extreme_aspect_ratio_takes_little_memory() -> None:
    thin = np.full((32, 16_384, 3), 128, np.uint8)
    assert sum(1 for _ in camera_move_frames(thin, 90, 160, 3, seed=1)) == 3


@settings(max_examples=100, deadline=None)
@given(columns=st.integers(2, 400), rows=st.integers(2, 400), canvas=canvases, focus=st.none() | st.tuples(unit, unit))
def test_any_frame_is_resized_to_cover_the_canvas(
    columns: int, rows: int, canvas: tuple[int, int], focus: tuple[float, float] | None
) -> None:
    frame = resize_to_cover(chart(columns, rows), *canvas, focus)
    assert frame.shape == (canvas[1], canvas[0], 3)
    assert frame.dtype == np.uint8
    assert np.abs(frame[..., 2].astype(int) - 128).max() <= 1


def test_the_crop_is_centred_on_the_focus() -> None:
    picture = chart(400, 100)
    assert resize_to_cover(picture, 100, 100, (0.0, 0.5))[50, 50, 0] < 45
    assert resize_to_cover(picture, 100, 100, None)[50, 50, 0] == pytest.approx(128, abs=3)
    assert resize_to_cover(picture, 100, 100, (1.0, 0.5))[50, 50, 0] > 210


def test_a_fitting_frame_is_unchanged() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (160, 90, 3)).astype(np.uint8)
    assert np.array_equal(resize_to_cover(frame, 90, 160), frame)
