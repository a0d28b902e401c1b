"""Mask painting: exactly the painted mask is filled."""

from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.studio.visitor import Visitor

PIXELS = tuple[np.ndarray, np.ndarray]


def _changed(sample: Path, saved: Path) -> np.ndarray:
    with Image.open(sample) as before, Image.open(saved) as after:
        assert after.size == before.size
        return (np.asarray(before.convert("RGB")) != np.asarray(after.convert("RGB"))).any(axis=2)


def _stroke(visitor: Visitor, stage: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From one point to another; both relative to the stage."""
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None

    def at(point: tuple[float, float]) -> tuple[float, float]:
        return box["x"] + point[0] * box["width"], box["y"] + point[1] * box["height"]

    mouse = visitor.page.mouse
    mouse.move(*at(start))
    mouse.down()
    mouse.move(*at(end), steps=8)
    mouse.up()


def test_a_painted_mask_is_filled_and_nothing_else_touched(visitor: Visitor, sample: Path, tmp_path: Path) -> None:
    page = visitor.page
    visitor.sign_in("/make/inpaint")
    visitor.choose(sample)
    stage = page.get_by_role("application", name="The photo to paint on")
    expect(stage).to_be_visible()
    expect(page.get_by_text("Nothing is painted yet.")).to_be_visible()
    _stroke(visitor, stage, (0.2, 0.2), (0.4, 0.2))  # undone again below
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Nothing is painted yet.")).to_be_visible()
    _stroke(visitor, stage, (0.5, 0.5), (0.62, 0.5))
    expect(page.get_by_text("of the photo is painted")).to_be_visible()
    page.get_by_role("button", name="Fill what is painted").click()

    visitor.await_result()
    rows, columns = np.nonzero(_changed(sample, visitor.download(tmp_path)))
    with Image.open(sample) as photo:
        width, height = photo.size
    assert abs(rows.mean() / height - 0.5) < 0.05
    assert abs(columns.mean() / width - 0.56) < 0.05
    assert columns.min() > 0.4 * width
    assert columns.max() < 0.72 * width
    assert np.ptp(rows) < 0.25 * height


def test_a_rectangle_typed_in_pixels_is_filled_to_the_pixel(visitor: Visitor, sample: Path, tmp_path: Path) -> None:
    page = visitor.page
    visitor.sign_in("/make/inpaint")
    visitor.choose(sample)
    page.get_by_role("radio", name="Rectangle").check()
    for field, value in {"From the left": 640, "From the top": 300, "Width": 90, "Height": 70}.items():
        page.get_by_role("spinbutton", name=field).fill(str(value))
    page.get_by_role("button", name="Fill it").click()
    page.get_by_role("button", name="Fill what is painted").click()
    visitor.await_result()
    rows, columns = np.nonzero(_changed(sample, visitor.download(tmp_path)))
    assert (columns.min(), columns.max()) >= (640, 0)
    assert (rows.min(), rows.max()) >= (300, 0)
    assert columns.max() < 640 + 90
    assert rows.max() < 300 + 70
    assert rows.size > 90 * 70 * 0.9
