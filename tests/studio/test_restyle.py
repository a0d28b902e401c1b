"""Restyling a room: from a dropped photo to the before/after slider."""

from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.studio.visitor import DEVELOPED_MS, Visitor


def test_a_dropped_photo_becomes_a_restyled_room(visitor: Visitor, sample: Path, tmp_path: Path) -> None:
    page = visitor.page
    visitor.sign_in()
    make = page.get_by_role("button", name="Restyle")
    expect(make).to_be_disabled()
    visitor.drop(sample, page.get_by_role("group", name="Photo of the room"))
    expect(page.get_by_role("img", name="Chosen: Photo of the room")).to_be_visible()
    page.get_by_role("radio", name="Boho").check()
    page.get_by_role("slider", name="Strength").fill("0.8")
    make.click()

    visitor.await_result()
    middle = visitor.slider.input_value()
    visitor.slider.press("ArrowRight")
    assert float(visitor.slider.input_value()) > float(middle)
    saved = visitor.download(tmp_path)
    with Image.open(saved) as after, Image.open(sample) as before:
        assert after.size == before.size
        assert np.abs(np.asarray(after, int) - np.asarray(before, int)).mean() > 5

    page.get_by_text("Recipe").click()
    recipe = page.get_by_role("group").filter(has_text="Recipe")
    for fact in ("Preview engine", "42", "$"):
        expect(recipe).to_contain_text(fact)

    page.get_by_role("button", name="Again with changes").click()
    expect(page.get_by_role("radio", name="Boho")).to_be_checked()
    expect(page.get_by_role("slider", name="Strength")).to_have_value("0.8")
    page.get_by_role("radio", name="Coastal").check()
    page.get_by_role("button", name="Restyle as Coastal").click()
    visitor.await_result()
    expect(visitor.slider).to_be_visible()  # the photo was not sent again, and is there all the same


def test_what_is_clicked_in_the_photo_stays(visitor: Visitor, sample: Path, tmp_path: Path) -> None:
    page = visitor.page
    visitor.sign_in()
    visitor.paste(sample)
    page.get_by_role("button", name="Find things in the photo").click()
    things = page.get_by_role("checkbox", name="thing")
    expect(things.first).to_be_visible(timeout=DEVELOPED_MS)
    picture = page.get_by_role("img", name="The photo with the things found in it")
    box = picture.bounding_box()
    assert box is not None
    inside = (0.42, 0.56)  # of the photo: the sofa
    picture.click(position={"x": inside[0] * box["width"], "y": inside[1] * box["height"]})
    expect(page.get_by_role("checkbox", name="thing", checked=True)).to_have_count(1)

    page.get_by_role("radio", name="Industrial").check()
    page.get_by_text("More settings").click()
    page.get_by_role("radio", name="PNG").check()
    page.get_by_role("button", name="Restyle as Industrial").click()
    visitor.await_result()
    with Image.open(visitor.download(tmp_path)) as after, Image.open(sample) as before:
        point = (round(inside[0] * before.width), round(inside[1] * before.height))
        assert after.convert("RGB").getpixel(point) == before.convert("RGB").getpixel(point)
        corner = (before.width // 2, 20)
        assert after.convert("RGB").getpixel(corner) != before.convert("RGB").getpixel(corner)
