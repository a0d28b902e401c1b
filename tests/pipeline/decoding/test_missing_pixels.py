"""Missing pixels: files without all of their picture are refused; files without their ornaments are decoded."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.decoding.picture_decoder import decode_picture_here
from tests.heic import Heic

WIDTH, HEIGHT = 160, 120
TRAILER = b"\0\0\x01\x0aPanorama_Shot_Info\0\0\0\x18ftypmp42" + bytes(range(256)) * 40 + b"SEFHg\0\0\0SEFT"


def scene() -> NDArray[np.uint8]:
    """A gradient with noise, so that no part of it is flat."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    smooth = np.stack([60 + 150 * x / WIDTH, 40 + 160 * y / HEIGHT, 180 - 100 * x / WIDTH], -1)
    return (smooth + np.random.default_rng(0).normal(0, 8, smooth.shape)).clip(0, 255).astype(np.uint8)


def saved(form: str, image: Image.Image | None = None, **options: object) -> bytes:
    data = io.BytesIO()
    (image or Image.fromarray(scene())).save(data, form, **options)
    return data.getvalue()


def decoded(data: bytes, tmp_path: Path) -> NDArray[np.uint8]:
    (tmp_path / "picture").write_bytes(data)
    return decode_picture_here(tmp_path / "picture").rgb


def refusal(data: bytes, tmp_path: Path) -> str:
    with pytest.raises(DarkroomError) as raised:
        decoded(data, tmp_path)
    assert raised.value.detail.code is ErrorCode.INVALID_IMAGE
    return raised.value.detail.message


JPEGS: dict[str, dict[str, object]] = {
    "baseline": {},
    "without subsampling": {"subsampling": 0},
    "with restarts": {"restart_marker_rows": 1},
    "with many restarts": {"restart_marker_blocks": 1},
    "optimised": {"optimize": True},
    "progressive": {"progressive": True},
}
each_jpeg = pytest.mark.parametrize("options", JPEGS.values(), ids=list(JPEGS))
EVERY_ENDING: dict[str, Callable[[bytes], bytes]] = {
    "no end marker": lambda data: data[:-2],
    "half an end marker": lambda data: data[:-1],
    "a trailer in place of the end marker": lambda data: data[:-2] + TRAILER,
    "zeros in place of the end marker": lambda data: data[:-2] + bytes(4096),
    "a trailer with a picture": lambda data: data[:-2] + b"\0\0" + data,
    "two end markers and junk": lambda data: data + b"\xff\xd9 junk \xff\xda\xff\xff\xc0",
}


@each_jpeg
@pytest.mark.parametrize("ending", EVERY_ENDING)
def test_a_jpeg_needs_no_end_marker_and_may_have_a_trailer(
    tmp_path: Path, options: dict[str, object], ending: str
) -> None:
    data = saved("JPEG", quality=90, **options)
    assert (decoded(EVERY_ENDING[ending](data), tmp_path) == decoded(data, tmp_path)).all()


@each_jpeg
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("ending", [b"", b"\xff\xd9", bytes(8192)], ids=["cut off", "ended", "filled with zeros"])
def test_a_jpeg_with_missing_pixels_is_refused(
    tmp_path: Path, options: dict[str, object], share: float, ending: bytes
) -> None:
    data = saved("JPEG", quality=90, **options)
    assert "The picture is incomplete" in refusal(data[: int(len(data) * share)] + ending, tmp_path)


def test_the_error_says_how_many_rows_of_a_jpeg_are_there(tmp_path: Path) -> None:
    data = saved("JPEG", quality=90, subsampling=0)
    start = data.index(b"\xff\xda")
    half = data[: start + (len(data) - start) // 2] + b"\xff\xd9"
    assert "only the first 56 of its 120 rows" in refusal(half, tmp_path)


def test_a_gap_between_restarts_is_found(tmp_path: Path) -> None:
    data = saved("JPEG", quality=90, restart_marker_rows=1)
    at = data.index(b"\xff\xd1")
    assert "The picture is incomplete" in refusal(data[: at - 40] + data[at:], tmp_path)


def test_a_jpeg_that_states_a_larger_size_than_it_has_is_refused(tmp_path: Path) -> None:
    data = bytearray(saved("JPEG", quality=90))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 2000, 2000)
    assert "of its 2000 rows" in refusal(bytes(data), tmp_path)


def test_the_last_bits_of_a_jpegs_last_block_may_be_missing(tmp_path: Path) -> None:
    """Some encoders leave them out. A missing block shows, and is refused."""
    image = Image.fromarray(np.tile(scene(), (2, 2, 1))).convert("L")
    data = saved("JPEG", image, quality=90)
    whole = decoded(data, tmp_path).astype(int)
    assert np.abs(decoded(data[:-3] + b"\xff\xd9", tmp_path) - whole)[:-8].max() == 0
    assert "of its 240 rows" in refusal(data[:-80] + b"\xff\xd9", tmp_path)


def scans(data: bytes) -> list[int]:
    """Positions of a JPEG's scans, and of its end."""
    found, at = [], data.find(b"\xff\xda")
    while at >= 0:
        found.append(at)
        at = data.find(b"\xff\xda", at + 2)
    return [*found, len(data) - 2]


@pytest.mark.parametrize("missing", [1, 3, 9])
def test_a_progressive_jpeg_without_its_last_scans_is_refused(tmp_path: Path, missing: int) -> None:
    data = saved("JPEG", quality=90, progressive=True)
    end = scans(data)[-1 - missing]
    # The tables of a scan that is gone do no harm.
    assert "The picture is incomplete" in refusal(data[:end] + b"\xff\xd9", tmp_path)


def test_flat_pictures_are_whole_however_small_their_files_are(tmp_path: Path) -> None:
    for colour in ((255, 255, 255), (128, 128, 128), (0, 0, 0), (200, 30, 90)):
        flat = Image.new("RGB", (640, 480), colour)
        for options in JPEGS.values():
            pixels = decoded(saved("JPEG", flat, **options), tmp_path)
            assert np.abs(pixels.astype(int) - colour).max() <= 2
        for form in ("PNG", "WEBP"):
            assert np.abs(decoded(saved(form, flat), tmp_path).astype(int) - colour).max() <= 3


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_printed_jpegs_are_judged_too(tmp_path: Path, mode: str) -> None:
    data = saved("JPEG", Image.fromarray(scene()).convert(mode), quality=90)
    assert decoded(data[:-2], tmp_path).shape == (HEIGHT, WIDTH, 3)
    assert "The picture is incomplete" in refusal(data[: len(data) * 2 // 3] + b"\xff\xd9", tmp_path)


def chunk(name: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def png(pixels: NDArray[np.uint8], *, rows: int, before: bytes = b"") -> bytes:
    """A PNG that states the picture's size, and has its first rows."""
    height, width = pixels.shape[:2]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    coded = zlib.compress(b"".join(b"\0" + row.tobytes() for row in pixels[:rows]))
    return b"\x89PNG\r\n\x1a\n" + header + before + chunk(b"IDAT", coded) + chunk(b"IEND", b"")


def test_a_png_with_some_of_its_rows_is_refused(tmp_path: Path) -> None:
    assert (decoded(png(scene(), rows=HEIGHT), tmp_path) == scene()).all()
    assert "only the first 40 of its 120 rows" in refusal(png(scene(), rows=40), tmp_path)
    assert "only the first 119 of its 120 rows" in refusal(png(scene(), rows=119), tmp_path)


def test_an_interlaced_png_with_some_of_its_passes_is_refused(tmp_path: Path) -> None:
    # Pillow writes none: the rows of an 8×8 picture's passes, for 32 × 32 pixels.
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    pixels = scene()[:32, :32]
    parts = [b"".join(b"\0" + row.tobytes() for row in pixels[top::dy, left::dx]) for left, top, dx, dy in passes]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 1))

    def file(parts: list[bytes]) -> bytes:
        coded = chunk(b"IDAT", zlib.compress(b"".join(parts)))
        return b"\x89PNG\r\n\x1a\n" + header + coded + chunk(b"IEND", b"")

    assert (decoded(file(parts), tmp_path) == pixels).all()
    assert "The picture is incomplete" in refusal(file(parts[:6]), tmp_path)


def long_texts() -> dict[str, bytes]:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("workflow", "x" * 3_000_000, zip=True)
    texts.add_itxt("XML:com.adobe.xmp", "<x/>" + " " * 3_000_000, zip=True)
    plain = PngImagePlugin.PngInfo()
    plain.add_text("parameters", "x" * 3_000_000)
    bomb = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(70_000_000)))
    return {
        "compressed": saved("PNG", pnginfo=texts),
        "plain": saved("PNG", pnginfo=plain),
        "a bomb": png(scene(), rows=HEIGHT, before=bomb),
        "a profile": saved("PNG", icc_profile=b"no profile" + bytes(3_000_000)),
    }


def test_a_png_may_have_long_texts_and_profiles(tmp_path: Path) -> None:
    for data in long_texts().values():
        assert (decoded(data, tmp_path) == scene()).all()


ORNAMENTS = {
    "no end": lambda data: data[:-12],
    "a cut end": lambda data: data[:-5],
    "something behind the end": lambda data: data + TRAILER,
    "a broken checksum in a text": lambda data: data[:33] + b"\0\0\0\x03tEXta\0bWRNG" + data[33:],
    "a broken time": lambda data: data[:33] + chunk(b"tIME", b"\0") + data[33:],
    "a broken density": lambda data: data[:33] + chunk(b"pHYs", b"\0\0") + data[33:],
    "a broken gamma": lambda data: data[:33] + chunk(b"gAMA", b"\0\0\0\0") + chunk(b"cHRM", bytes(32)) + data[33:],
    "an unknown chunk": lambda data: data[:33] + chunk(b"caBX", bytes(70_000)) + data[33:],
    "a broken animation": lambda data: data[:33] + chunk(b"acTL", b"\0") + data[33:],
}


@pytest.mark.parametrize("ornament", ORNAMENTS)
def test_a_png_may_lack_what_no_decoder_needs(tmp_path: Path, ornament: str) -> None:
    assert (decoded(ORNAMENTS[ornament](saved("PNG")), tmp_path) == scene()).all()


def test_a_png_of_countless_chunks_is_read_in_one_go(tmp_path: Path) -> None:
    # Each chunk costs itself, not the rest of the file: 16 MB of them took minutes.
    coded = zlib.compress(b"".join(b"\0" + row.tobytes() for row in scene()))
    many = b"".join(chunk(b"IDAT", coded[at : at + 1]) for at in range(len(coded)))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
    filler = chunk(b"juNk", bytes(172)) * 100_000
    assert (decoded(b"\x89PNG\r\n\x1a\n" + header + filler + many, tmp_path) == scene()).all()


def test_a_png_with_damaged_pixels_is_refused(tmp_path: Path) -> None:
    data = bytearray(saved("PNG"))
    data[len(data) // 2] ^= 0x55
    assert "damaged" in refusal(bytes(data), tmp_path)


def test_a_webp_without_the_end_of_its_metadata_is_decoded(tmp_path: Path) -> None:
    data = saved("WEBP", lossless=True, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0", xmp=b"<x/>" + bytes(500))
    assert (decoded(data[:-100], tmp_path) == scene()).all()
    assert (decoded(data + TRAILER, tmp_path) == scene()).all()


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_whose_sizes_hide_that_pixels_are_missing_is_refused(tmp_path: Path, lossless: bool) -> None:
    data = saved("WEBP", lossless=lossless)
    cut = len(data) // 3 * 2
    body = data[12:16] + struct.pack("<I", cut - 20) + data[20:cut]
    assert refusal(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body, tmp_path)


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("filled", [False, True])
def test_a_heic_with_missing_tiles_or_a_cut_tile_is_refused(
    tmp_path: Path, columns: int, share: float, filled: bool
) -> None:
    data = Heic(scene(), columns=columns).encoded()
    at = data.index(b"mdat")
    end = at + int((len(data) - at) * share)
    assert "The picture is incomplete" in refusal(data[:end] + bytes(len(data) - end if filled else 0), tmp_path)


def test_a_heic_that_states_another_size_than_it_has_is_refused(tmp_path: Path) -> None:
    assert refusal(Heic(scene(), stated_size=(4000, 4000)).encoded(), tmp_path)
