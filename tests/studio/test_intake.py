"""File intake: what the page does to a file before it is sent."""

from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from darkroom.contract.uploads import MAX_PIXELS
from tests.e2e import pictures
from tests.studio.visitor import Visitor


def test_a_photo_that_lies_on_its_side_stands_upright(visitor: Visitor, tmp_path: Path) -> None:
    photo = tmp_path / "aside.jpg"
    photo.write_bytes(pictures.exif_rotated())
    visitor.sign_in("/make/upscale")
    visitor.choose(photo, role="Picture")
    expect(visitor.page.get_by_text("320 × 240").first).to_be_visible()


def test_a_photo_above_the_limit_is_made_smaller_and_one_is_told(visitor: Visitor, tmp_path: Path) -> None:
    photo = tmp_path / "huge.jpg"
    width, height = 9000, 6000
    assert width * height > MAX_PIXELS
    Image.new("RGB", (width, height), (120, 90, 60)).save(photo)
    visitor.sign_in()
    visitor.choose(photo)
    expect(visitor.page.get_by_text("Made smaller to fit")).to_be_visible()
    expect(visitor.page.get_by_text("yours is 9000 × 6000")).to_be_visible()
