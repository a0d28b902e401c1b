"""Masks as callers send them: white is filled."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import InpaintParams
from pipeline.core.artifacts import PHOTO
from pipeline.core.stages import StageContext
from pipeline.imaging.mask_reading import TRANSPARENT_NOTE, is_black_and_white
from pipeline.imaging.masks import HOLE, LoadMask, decode_mask, dilated
from tests.pipeline.uninterrupted import go_on

SIZE = (60, 40)


def load(mask: Image.Image, folder: Path, *, from_words: bool = False, **params: object) -> np.ndarray:
    mask.save(folder / "mask.png")
    context = StageContext(InpaintParams(**params), {"mask": folder / "mask.png"}, folder)
    context[PHOTO] = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    LoadMask(allow_full_mask=from_words).run(context)
    return context[HOLE]


def square(mode: str, colour: object, around: object = 0) -> Image.Image:
    mask = Image.new(mode, SIZE, around)
    mask.paste(colour, (10, 10, 20, 20))
    return mask


def error_of(*args: object, **more: object) -> str:
    with pytest.raises(DarkroomError) as raised:
        load(*args, **more)
    assert raised.value.detail.code is ErrorCode.INVALID_MASK
    return raised.value.detail.message


@pytest.mark.parametrize(
    "mask",
    [
        square("L", 255),
        square("1", 1),
        square("L", 230, 20),
        square("RGB", (255, 255, 255)),
        square("RGBA", (255, 255, 255, 255), (255, 255, 255, 0)),
        square("RGBA", (255, 255, 255, 255), (0, 0, 0, 255)),
        square("LA", (255, 255), (0, 0)),
        square("I;16", 65535),
    ],
    ids=lambda mask: mask.mode,
)
def test_white_pixels_are_the_hole_in_every_format(mask: Image.Image, tmp_path: Path) -> None:
    expected = np.zeros((SIZE[1], SIZE[0]), bool)
    expected[10:20, 10:20] = True
    np.testing.assert_array_equal(load(mask, tmp_path), expected)


def test_a_mask_of_another_size_is_rejected_with_both_sizes(tmp_path: Path) -> None:
    message = error_of(Image.new("L", (50, 40), 255), tmp_path)
    assert "50×40" in message
    assert "60×40" in message


def test_a_mask_without_white_is_rejected_with_a_hint(tmp_path: Path) -> None:
    assert "white is what is filled" in error_of(Image.new("L", SIZE, 0), tmp_path)


def test_a_full_mask_needs_a_prompt_and_an_engine_that_supports_it(tmp_path: Path) -> None:
    white = Image.new("L", SIZE, 255)
    assert "prompt" in error_of(white, tmp_path, from_words=True)
    assert "prompt" not in error_of(white, tmp_path, prompt="a room")
    assert load(white, tmp_path, from_words=True, prompt="a room").all()
    assert "grown by 64" in error_of(square("L", 255), tmp_path, grow=64)


def test_a_damaged_mask_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(b"GIF89a" + bytes(60))
    with pytest.raises(DarkroomError, match=r"^The mask: .*GIF"):
        decode_mask(tmp_path / "mask.png", go_on)


def test_the_masks_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (40, 60), 255).save(tmp_path / "mask.png", exif=exif)
    assert decode_mask(tmp_path / "mask.png", go_on).rgb.shape == (40, 60, 3)


@given(mask=arrays(bool, (23, 31)), by=st.integers(0, 64))
@settings(max_examples=60, deadline=None)
def test_dilation_adds_the_pixels_within_the_distance(mask: np.ndarray, by: int) -> None:
    result = dilated(mask, by)
    points = np.argwhere(mask)
    expected = np.zeros_like(mask)
    if len(points):
        y, x = np.mgrid[:23, :31]
        nearest = ((y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2).min(-1)
        expected = nearest <= by * by
    np.testing.assert_array_equal(result, expected)


def photo(width: int = 240, height: int = 160) -> Image.Image:
    """A picture with light and dark parts, colours and texture."""
    y, x = np.mgrid[0:height, 0:width]
    smooth = np.stack([60 + 190 * x / width, 30 + 220 * y / height, 220 - 180 * x / width], -1)
    image = Image.fromarray(
        (smooth + np.random.default_rng(0).normal(0, 6, smooth.shape)).clip(0, 255).astype(np.uint8)
    )
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, 80, 80), fill=(240, 240, 235))
    draw.ellipse((120, 40, 210, 130), fill=(20, 25, 30))
    return image


def circle(size: tuple[int, int] = (240, 160)) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse((100, 50, 150, 100), fill=255)
    return mask


def hole_in(mask: Image.Image, folder: Path, form: str = "PNG", **options: object) -> tuple[np.ndarray, list[str]]:
    """The hole of a mask for the photo, and the notes."""
    mask.save(folder / "mask", form, **options)
    context = StageContext(InpaintParams(), {"mask": folder / "mask"}, folder)
    context[PHOTO] = np.asarray(photo())
    LoadMask(allow_full_mask=False).run(context)
    return context[HOLE], context.notes


def assert_circle(hole: np.ndarray) -> None:
    assert (hole != (np.asarray(circle()) >= 128)).mean() < 0.002


def with_hole(image: Image.Image, softness: float = 0) -> Image.Image:
    """The image, transparent in the circle."""
    soft = circle().filter(ImageFilter.GaussianBlur(softness)) if softness else circle()
    image = image.convert("RGBA")
    image.putalpha(Image.eval(soft, lambda value: 255 - value))
    return image


TRANSPARENT = {
    "a copy of the photo": with_hole(photo()),
    "a copy with a soft hole": with_hole(photo(), softness=2),
    "another version of the photo": with_hole(Image.eval(photo(), lambda value: value // 2 + 60)),
    "a grey copy": with_hole(photo().convert("L")),
    "black": with_hole(Image.new("RGB", (240, 160))),
}


@pytest.mark.parametrize("what", TRANSPARENT)
def test_a_transparent_hole_is_filled_with_a_note(what: str, tmp_path: Path) -> None:
    hole, notes = hole_in(TRANSPARENT[what], tmp_path)
    assert_circle(hole)
    assert notes == [TRANSPARENT_NOTE]


def test_a_copy_of_a_black_and_white_photo_is_told_from_strokes(tmp_path: Path) -> None:
    drawing = Image.new("L", (240, 160), 255)
    ImageDraw.Draw(drawing).rectangle((20, 20, 90, 140), fill=0)
    with_hole(drawing).save(tmp_path / "mask.png")
    context = StageContext(InpaintParams(), {"mask": tmp_path / "mask.png"}, tmp_path)
    context[PHOTO] = np.asarray(drawing.convert("RGB"))
    LoadMask(allow_full_mask=False).run(context)
    assert_circle(context[HOLE])


def strokes() -> Image.Image:
    image = Image.new("RGBA", (240, 160), (255, 255, 255, 0))
    image.putalpha(circle())
    return image


ORDINARY = {
    "sharp": circle(),
    "soft": circle().filter(ImageFilter.GaussianBlur(3)),
    "very soft": circle().filter(ImageFilter.GaussianBlur(9)),
    "in light grey on dark grey": Image.eval(circle(), lambda value: 30 + value * 180 // 255),
    "of two colours": circle().quantize(2),
    "strokes on nothing": strokes(),
}


@pytest.mark.parametrize("what", ORDINARY)
def test_a_mask_in_black_and_white_has_no_note(what: str, tmp_path: Path) -> None:
    hole, notes = hole_in(ORDINARY[what], tmp_path)
    assert (hole != (np.asarray(circle()) >= 128)).mean() < 0.02
    assert not notes


@pytest.mark.parametrize("quality", [10, 40, 90])
def test_a_mask_may_be_a_jpeg_of_low_quality(quality: int, tmp_path: Path) -> None:
    assert (hole_in(circle(), tmp_path, "JPEG", quality=quality)[0] != (np.asarray(circle()) >= 128)).mean() < 0.01


def words() -> Image.Image:
    mask = Image.new("L", (240, 160), 0)
    ImageDraw.Draw(mask).text((10, 10), "remove these words", fill=255)
    return mask


def test_fine_lines_are_a_mask(tmp_path: Path) -> None:
    assert hole_in(words(), tmp_path)[0].any()
    assert hole_in(words(), tmp_path, "JPEG", quality=75)[0].any()


NO_MASKS = {
    "the photo": photo(),
    "the photo in grey": photo().convert("L"),
    "the photo in half of its brightness": ImageEnhance.Brightness(photo()).enhance(0.5),
    "the photo with much contrast": ImageEnhance.Contrast(photo().convert("L")).enhance(2),
    "red strokes on black": Image.merge("RGB", (circle(), *[Image.new("L", (240, 160))] * 2)),
    "red strokes on nothing": Image.merge("RGBA", (circle(), *[Image.new("L", (240, 160))] * 2, circle())),
    "half transparent strokes": Image.merge("LA", (circle(), Image.eval(circle(), lambda value: value // 2))),
    "black strokes on nothing": Image.merge("LA", (Image.new("L", (240, 160)), circle())),
    "a gradient": Image.linear_gradient("L").resize((240, 160)),
    "three levels": Image.fromarray(np.repeat(np.repeat([[0, 128, 255]], 80, 1), 160, 0).astype(np.uint8)),
    "noise": Image.fromarray(np.random.default_rng(1).integers(0, 256, (160, 240), dtype=np.uint8)),
}


@pytest.mark.parametrize("what", NO_MASKS)
def test_another_picture_in_the_masks_place_is_refused(what: str, tmp_path: Path) -> None:
    with pytest.raises(DarkroomError) as refused:
        hole_in(NO_MASKS[what], tmp_path)
    assert refused.value.detail.code is ErrorCode.INVALID_MASK
    assert "white" in refused.value.detail.message


@pytest.mark.parametrize("enhance", [1.0, 0.4, 2.0])
@pytest.mark.parametrize("name", ["living_room", "face_source", "face_group"])
def test_no_photo_is_taken_for_a_mask(name: str, enhance: float) -> None:
    image = Image.open(Path(__file__).parents[2] / "data" / f"{name}.jpg").convert("L")
    assert not is_black_and_white(np.asarray(ImageEnhance.Brightness(image).enhance(enhance)))
