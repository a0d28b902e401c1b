"""Metadata removal: nothing personal stays in a picture file, and no pixel of it changes."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from cloud.s3.metadata_removal import MAX_PARTS, remove_metadata
from darkroom.contract.digital_source import DigitalSource, xmp_packet
from darkroom.contract.errors import DarkroomError, ErrorCode

SECRET = b"SecretCam"
ORIENTATION, MAKE, GPS_IFD = 0x0112, 0x010F, 0x8825
SHORT, LONG = 3, 4
MARK = DigitalSource.COMPOSITE_WITH_TRAINED
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# A cleaned file may be longer than a crafted one by an orientation (26 bytes, and headers) and an XMP packet.
MOST_GROWTH = 64 + len(xmp_packet(MARK)) + 40


def scene(mode: str = "RGB", size: tuple[int, int] = (67, 45)) -> Image.Image:
    pixels = np.random.default_rng(5).integers(0, 256, (size[1], size[0], 4), np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)


def exif(orientation: int | None = None) -> Image.Exif:
    found = Image.Exif()
    found[MAKE] = SECRET.decode()
    found[GPS_IFD] = {1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)}
    if orientation is not None:
        found[ORIENTATION] = orientation
    return found


def encode(image: Image.Image, format_: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def png_texts(**more: bytes) -> PngImagePlugin.PngInfo:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", SECRET.decode())
    texts.add_itxt("Comment", SECRET.decode(), zip=True)
    texts.add_text("Location", SECRET.decode(), zip=True)
    texts.add(b"tIME", bytes(7))
    texts.add(b"prVt", SECRET, after_idat=True)
    for name, content in more.items():
        texts.add(name.encode(), content)
    return texts


def frames(image: Image.Image) -> list[tuple[str, bytes]]:
    """Every frame as a viewer shows it: its mode, and its pixels upright."""
    found = []
    for index in range(getattr(image, "n_frames", 1)):
        image.seek(index)
        upright = ImageOps.exif_transpose(image)
        found.append((f"{upright.mode} {upright.size}", upright.tobytes()))
    return found


def shown(data: bytes) -> dict[str, Any]:
    """What of a file a decoder uses."""
    with Image.open(io.BytesIO(data)) as image:
        picture: dict[str, Any] = {"frames": frames(image)}
        kept = ("icc_profile", "transparency", "adobe", "adobe_transform", "gamma", "loop", "duration")
        return picture | {name: image.info[name] for name in kept if name in image.info}


def animation(format_: str, **options: Any) -> bytes:
    others = [scene("RGBA").rotate(90 * turn) for turn in (1, 2)]
    return encode(scene("RGBA"), format_, save_all=True, append_images=others, duration=100, **options)


SIXTEEN = Image.fromarray(np.random.default_rng(3).integers(0, 65536, (45, 67)).astype(np.uint16))
PICTURES: dict[str, bytes] = {
    "baseline": encode(scene(), "JPEG", exif=exif(), comment=SECRET, icc_profile=PROFILE, dpi=(300, 300)),
    "grey": encode(scene("L"), "JPEG", exif=exif()),
    "progressive": encode(scene(), "JPEG", exif=exif(), progressive=True, comment=SECRET),
    "restarts": encode(scene(), "JPEG", exif=exif(), restart_marker_blocks=1),
    "cmyk": encode(scene("CMYK"), "JPEG", exif=exif(), comment=SECRET),
    "appended": encode(scene(), "JPEG") + encode(scene(), "JPEG", exif=exif()),
    "motion photo": encode(scene(), "JPEG") + b"\0\0\0\x18ftypmp42" + SECRET,
    "photoshop": encode(scene(), "JPEG", extra=b"\xff\xed\0\x1bPhotoshop 3.0\0" + SECRET + b"\0\0"),
    "png": encode(scene(), "PNG", pnginfo=png_texts(), exif=exif(), icc_profile=PROFILE, dpi=(300, 300)),
    "png alpha": encode(scene("RGBA"), "PNG", pnginfo=png_texts(gAMA=b"\0\0\xb1\x8f")),
    "png 16 bits": encode(SIXTEEN, "PNG", pnginfo=png_texts(), exif=exif()),
    "png palette": encode(scene().quantize(16), "PNG", pnginfo=png_texts(), transparency=3),
    "png two colours": encode(scene("1"), "PNG", pnginfo=png_texts()),
    "png appended": encode(scene(), "PNG") + SECRET,
    "apng": animation("PNG", pnginfo=png_texts()),
    "webp lossy": encode(scene(), "WEBP", exif=exif(), icc_profile=PROFILE),
    "webp lossless": encode(scene(), "WEBP", exif=exif(), lossless=True),
    "webp alpha": encode(scene("RGBA"), "WEBP", exif=exif(), xmp=b"<x>" + SECRET),
    "webp animated": animation("WEBP", exif=exif()),
    "webp appended": encode(scene(), "WEBP") + SECRET,
}


@pytest.mark.parametrize("name", PICTURES)
def test_metadata_go_and_pixels_stay(name: str) -> None:
    data = PICTURES[name]
    cleaned = remove_metadata(data)
    assert shown(cleaned) == shown(data)
    with Image.open(io.BytesIO(cleaned)) as image:
        assert not dict(image.getexif())
        assert not {"exif", "comment", "xmp", "photoshop", "mp", "Author", "Location"} & image.info.keys()
    assert SECRET not in cleaned
    assert b"Exif" not in cleaned
    assert len(cleaned) < len(data)
    assert remove_metadata(cleaned) == cleaned


@pytest.mark.parametrize("name", ["baseline", "png"])
def test_the_resolution_stays(name: str) -> None:
    with Image.open(io.BytesIO(remove_metadata(PICTURES[name]))) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_turned_pictures_stay_upright_for_every_reader(format_: str, orientation: int) -> None:
    cleaned = remove_metadata(encode(scene(), format_, exif=exif(orientation)))
    assert shown(cleaned) == shown(encode(scene(), format_, exif=exif(orientation)))
    with Image.open(io.BytesIO(cleaned)) as image:
        assert dict(image.getexif()) == ({} if orientation == 1 else {ORIENTATION: orientation})
    assert SECRET not in cleaned
    assert remove_metadata(cleaned) == cleaned


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("type_", [SHORT, LONG])
@pytest.mark.parametrize("value", [6, 0, 9])
def test_an_orientation_is_read_in_either_byte_order(endian: str, type_: int, value: int) -> None:
    stored = struct.pack(f"{endian}HH", value, 0) if type_ == SHORT else struct.pack(f"{endian}I", value)
    entry = struct.pack(f"{endian}HHI", ORIENTATION, type_, 1) + stored
    tiff = (b"II*\0" if endian == "<" else b"MM\0*") + struct.pack(f"{endian}IH", 8, 1) + entry + bytes(4)
    cleaned = remove_metadata(encode(scene(), "JPEG", exif=b"Exif\0\0" + tiff))
    assert shown(cleaned) == shown(encode(scene(), "JPEG", exif=b"Exif\0\0" + tiff))
    with Image.open(io.BytesIO(cleaned)) as image:
        assert image.getexif().get(ORIENTATION) == (6 if value == 6 else None)


def _in_jpeg(xmp: bytes) -> bytes:
    return encode(scene(), "JPEG", xmp=xmp)


def _in_png(xmp: bytes, *, compressed: bool = False) -> bytes:
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=compressed)
    return encode(scene(), "PNG", pnginfo=texts)


def _in_webp(xmp: bytes) -> bytes:
    return encode(scene(), "WEBP", xmp=xmp)


WITH_XMP: list[Callable[[bytes], bytes]] = [_in_jpeg, _in_png, partial(_in_png, compressed=True), _in_webp]


@pytest.mark.parametrize("with_xmp", WITH_XMP)
def test_an_orientation_in_xmp_alone_stays(with_xmp: Callable[[bytes], bytes]) -> None:
    data = with_xmp(b'<rdf:Description tiff:Orientation="6" photoshop:City="' + SECRET + b'"/>')
    cleaned = remove_metadata(data)
    assert shown(cleaned) == shown(data)
    assert shown(cleaned)["frames"] != shown(encode(scene(), "PNG"))["frames"]
    assert SECRET not in cleaned


def test_an_orientation_in_a_png_text_as_imagemagick_writes_it_stays() -> None:
    content = b"Exif\0\0" + exif(8).tobytes().removeprefix(b"Exif\0\0")
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Raw profile type exif", f"\nexif\n{len(content):8}\n{content.hex()}\n", zip=True)
    data = encode(scene(), "PNG", pnginfo=texts)
    cleaned = remove_metadata(data)
    assert shown(cleaned) == shown(data)
    with Image.open(io.BytesIO(cleaned)) as image:
        assert dict(image.getexif()) == {ORIENTATION: 8}


@pytest.mark.parametrize("with_xmp", WITH_XMP)
def test_the_mark_of_ai_stays_without_what_stands_beside_it(with_xmp: Callable[[bytes], bytes]) -> None:
    cleaned = remove_metadata(with_xmp(b"<x a='" + MARK.encode() + b"' b='" + SECRET + b"'/>"))
    assert xmp_packet(MARK) in cleaned
    assert SECRET not in cleaned
    assert remove_metadata(cleaned) == cleaned


@pytest.mark.parametrize("with_xmp", [_in_jpeg, _in_png, _in_webp])
def test_our_own_results_are_left_untouched(with_xmp: Callable[[bytes], bytes]) -> None:
    data = with_xmp(xmp_packet(MARK))
    assert remove_metadata(data) == data


@pytest.mark.parametrize("with_xmp", WITH_XMP)
def test_a_source_type_that_we_never_write_goes(with_xmp: Callable[[bytes], bytes]) -> None:
    cleaned = remove_metadata(with_xmp(b"http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"))
    assert b"digitalsourcetype" not in cleaned


@pytest.mark.parametrize(
    ("format_", "mode", "options"),
    [
        ("JPEG", "RGB", {}),
        ("JPEG", "RGB", {"progressive": True, "icc_profile": PROFILE}),
        ("JPEG", "CMYK", {}),
        ("PNG", "RGBA", {"icc_profile": PROFILE, "dpi": (72, 72)}),
        ("WEBP", "RGB", {}),
        ("WEBP", "RGBA", {"icc_profile": PROFILE}),
    ],
)
def test_a_file_without_metadata_is_left_untouched(format_: str, mode: str, options: dict[str, Any]) -> None:
    data = encode(scene(mode), format_, **options)
    assert remove_metadata(data) == data


def test_thumbnails_in_jfif_go() -> None:
    plain = encode(scene(), "JPEG")
    assert plain[2:11] == b"\xff\xe0\0\x10JFIF\0"
    with_thumbnail = plain[:4] + struct.pack(">H", 19) + plain[6:18] + b"\1\1abc" + plain[20:]
    assert remove_metadata(with_thumbnail) == plain


def test_a_comment_within_a_scan_goes_with_what_no_decoder_reads() -> None:
    data = encode(scene(size=(320, 200)), "JPEG")
    middle = len(data) - 2000
    data = data[:middle] + b"\xff\xfe\0\x0b" + SECRET + data[middle:]
    cleaned = remove_metadata(data)
    assert SECRET not in cleaned
    assert remove_metadata(cleaned) == cleaned


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff\xc4\0\2" * (MAX_PARTS + 1),
        b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0tEXt\0\0\0\0" * (MAX_PARTS + 1),
        b"RIFF" + struct.pack("<I", 4 + 8 * (MAX_PARTS + 1)) + b"WEBP" + b"EXIF\0\0\0\0" * (MAX_PARTS + 1),
    ],
    ids=["JPEG", "PNG", "WebP"],
)
def test_a_file_of_too_many_segments_is_refused(data: bytes) -> None:
    with pytest.raises(DarkroomError) as error:
        remove_metadata(data)
    assert error.value.detail.code == ErrorCode.INVALID_IMAGE
    assert "100,000 segments" in error.value.detail.message


def test_a_compressed_text_is_not_inflated_without_bound() -> None:
    bomb = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(2**26))
    texts = PngImagePlugin.PngInfo()
    texts.add(b"iTXt", bomb)
    assert remove_metadata(encode(scene(), "PNG", pnginfo=texts)) == encode(scene(), "PNG")


STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\xff\0\0WEBP", b"RIFF\xff\xff\0\0WEBPVP8X\x0a\0\0\0\x0c")


@given(start=st.sampled_from(STARTS), garbage=st.binary(max_size=600))
@settings(max_examples=300, deadline=None)
def test_garbage_is_cleaned_once_for_all_and_does_not_grow(start: bytes, garbage: bytes) -> None:
    cleaned = remove_metadata(start + garbage)
    assert len(cleaned) <= len(start + garbage) + MOST_GROWTH
    assert remove_metadata(cleaned) == cleaned


@given(name=st.sampled_from(sorted(PICTURES)), at=st.floats(0, 1), garbage=st.binary(max_size=40), cut=st.booleans())
@settings(max_examples=300, deadline=None)
def test_damaged_pictures_are_cleaned_once_for_all_and_do_not_grow(
    name: str, at: float, garbage: bytes, cut: bool
) -> None:
    whole = PICTURES[name]
    position = 12 + int(at * (len(whole) - 12))
    damaged = whole[:position] + garbage + (b"" if cut else whole[position + len(garbage) :])
    cleaned = remove_metadata(damaged)
    assert len(cleaned) <= len(damaged) + MOST_GROWTH
    assert remove_metadata(cleaned) == cleaned


@given(orientation=st.integers(1, 8), quality=st.integers(1, 100), progressive=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_any_jpeg_of_an_encoder_keeps_its_pixels(orientation: int, quality: int, progressive: bool, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 56, 3), np.uint8)
    options = {"quality": quality, "progressive": progressive, "exif": exif(orientation), "comment": SECRET}
    data = encode(Image.fromarray(pixels), "JPEG", **options)
    cleaned = remove_metadata(data)
    assert shown(cleaned) == shown(data)
    assert SECRET not in cleaned
