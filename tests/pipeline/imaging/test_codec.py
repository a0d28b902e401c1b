"""Picture codec: limits, unusual formats, orientation, metadata."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from darkroom.contract.digital_source import DigitalSource
from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.imaging.codec import on_white, save_jpeg, save_png, thumbnail
from tests.pipeline.uninterrupted import decode

RED, BLUE = (220, 30, 30), (30, 30, 220)


def scene(width: int = 96, height: int = 64) -> Image.Image:
    """Picture that shows its orientation: red above, blue below, a white patch in the upper left corner."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2], pixels[height // 2 :] = RED, BLUE
    pixels[:16, :16] = 255
    return Image.fromarray(pixels)


def written(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


def code_of(path: Path) -> ErrorCode:
    with pytest.raises(DarkroomError) as raised:
        decode(path)
    assert not raised.value.detail.retryable
    return raised.value.detail.code


def assert_upright(rgb: np.ndarray, tolerance: int = 45) -> None:
    height, width = rgb.shape[:2]
    assert (width, height) == (96, 64)
    assert np.abs(rgb[8, 8].astype(int) - 255).max() < tolerance
    assert np.abs(rgb[20, 60].astype(int) - RED).max() < tolerance
    assert np.abs(rgb[50, 60].astype(int) - BLUE).max() < tolerance


def gps() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "SecretCam"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    return exif


def test_cmyk_without_a_profile_is_converted(tmp_path: Path) -> None:
    assert_upright(decode(written(scene().convert("CMYK"), tmp_path / "a.jpg", quality=95)).rgb)


def test_cmyk_without_adobes_marker_is_not_inverted(tmp_path: Path) -> None:
    ink = Image.fromarray(255 - np.asarray(scene().convert("CMYK")), mode="CMYK")
    data = io.BytesIO()
    ink.save(data, "JPEG", quality=95)
    raw = data.getvalue()
    at = raw.index(b"\xff\xee")
    (length,) = struct.unpack(">H", raw[at + 2 : at + 4])
    path = tmp_path / "plain.jpg"
    path.write_bytes(raw[:at] + raw[at + 2 + length :])
    assert_upright(decode(path).rgb)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_16_bit_png_is_rounded_to_8_bits(tmp_path: Path, mode: str) -> None:
    eight = np.asarray(scene().convert(mode)).reshape(64, 96, -1)
    path = tmp_path / "deep.png"
    path.write_bytes(png16(eight.astype(np.uint16) * 257))
    decoded = decode(path).rgb
    assert decoded.shape == (64, 96, 3)
    assert np.abs(decoded.astype(int) - eight).max() <= 1


def test_a_palette_picture_is_converted(tmp_path: Path) -> None:
    assert_upright(decode(written(scene().convert("P"), tmp_path / "a.png")).rgb)


def test_alpha_is_composited_on_white_and_kept_separately(tmp_path: Path) -> None:
    image = scene().convert("RGBA")
    image.paste((0, 0, 0, 0), (64, 0, 96, 64))
    decoded = decode(written(image, tmp_path / "a.png"))
    assert decoded.alpha is not None
    assert decoded.alpha[30, 80] == 0
    assert decoded.alpha[30, 30] == 255
    assert (on_white(decoded)[:, 64:] == 255).all()
    assert_upright(on_white(decoded)[:, :96] * 1)


def test_a_grey_picture_becomes_rgb(tmp_path: Path) -> None:
    decoded = decode(written(scene().convert("L"), tmp_path / "a.jpg", quality=95)).rgb
    assert decoded.shape == (64, 96, 3)
    assert decoded[8, 8].min() > 240
    assert np.ptp(decoded.astype(int), axis=2).max() == 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, kind: str) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = scene().transpose(undo[orientation]) if orientation in undo else scene()
    exif = gps()
    exif[0x0112] = orientation
    path = written(stored, tmp_path / "a", format=kind, exif=exif, quality=95)
    assert_upright(decode(path).rgb)


def test_an_embedded_profile_is_applied(tmp_path: Path) -> None:
    """A profile whose red and blue primaries are exchanged: the colours come out exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", profile, 128)
    tags = {bytes(profile[132 + 12 * k : 136 + 12 * k]): 132 + 12 * k for k in range(count)}
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    profile[red + 4 : red + 12], profile[blue + 4 : blue + 12] = (
        profile[blue + 4 : blue + 12],
        profile[red + 4 : red + 12],
    )
    tagged = bytes(profile).replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    decoded = decode(written(scene(), tmp_path / "a.png", icc_profile=tagged)).rgb
    assert np.abs(decoded[20, 60].astype(int) - BLUE).max() < 45
    assert np.abs(decoded[50, 60].astype(int) - RED).max() < 45


def test_a_useless_profile_is_ignored(tmp_path: Path) -> None:
    assert_upright(decode(written(scene(), tmp_path / "b.png", icc_profile=b"not a profile")).rgb)
    other = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert_upright(decode(written(scene(), tmp_path / "c.png", icc_profile=other)).rgb)


def test_pictures_outside_the_size_limits_are_rejected(tmp_path: Path) -> None:
    assert code_of(written(Image.new("RGB", (31, 200)), tmp_path / "s.png")) is ErrorCode.INVALID_IMAGE
    assert code_of(written(Image.new("1", (16_400, 40)), tmp_path / "w.png")) is ErrorCode.TOO_LARGE
    assert code_of(written(Image.new("1", (8000, 7000)), tmp_path / "p.png")) is ErrorCode.TOO_LARGE


@pytest.mark.parametrize("side", [10_000, 30_000], ids=["Pillow warns of it", "Pillow refuses it"])
def test_a_decompression_bomb_is_rejected_by_its_header(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(side, side) + chunk(b"IDAT", zlib.compress(bytes(1000))))
    assert code_of(path) is ErrorCode.TOO_LARGE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_pictures_are_rejected(tmp_path: Path, kind: str, share: float) -> None:
    data = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3)).astype(np.uint8)
    Image.fromarray(noise).save(data, kind)
    path = tmp_path / "cut"
    path.write_bytes(data.getvalue()[: int(len(data.getvalue()) * share)])
    assert code_of(path) is ErrorCode.INVALID_IMAGE


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"GIF89a", "GIF"),
        (b"%PDF-1.7", "PDF"),
        (b"\0\0\0\x18ftypavif\0\0", "AVIF"),
        (b"<svg xmlns=", "SVG"),
        (b"just some text in a .jpg", "JPEG, PNG, WebP or HEIC"),
        (b"BMW 320d, 2019, for sale", "a text file"),
    ],
)
def test_other_file_types_are_named_in_the_error(tmp_path: Path, head: bytes, word: str) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(head.ljust(64, b" "))
    assert code_of(path) is ErrorCode.UNSUPPORTED_MEDIA
    with pytest.raises(DarkroomError, match=word):
        decode(path)


def test_an_empty_file_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "e").touch()
    assert code_of(tmp_path / "e") is ErrorCode.EMPTY_FILE


@given(garbage=st.binary(max_size=400), kind=st.sampled_from(["JPEG", "PNG", "WEBP"]), at=st.integers(12, 300))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_raises_only_darkroom_errors(tmp_path: Path, garbage: bytes, kind: str, at: int) -> None:
    data = io.BytesIO()
    scene().save(data, kind)
    path = tmp_path / "g"
    path.write_bytes(data.getvalue()[:at] + garbage + data.getvalue()[at + len(garbage) :])
    try:
        assert decode(path).rgb.ndim == 3
    except DarkroomError as error:
        assert error.detail.code in {ErrorCode.INVALID_IMAGE, ErrorCode.TOO_LARGE}


@pytest.mark.parametrize("source", list(DigitalSource))
def test_results_have_our_xmp_packet_and_no_other_metadata(tmp_path: Path, source: DigitalSource) -> None:
    photo = decode(written(scene(), tmp_path / "in.jpg", exif=gps(), quality=95, comment=b"home address"))
    save_jpeg(photo.rgb, tmp_path / "out.jpg", source=source)
    save_png(photo.rgb, np.full((64, 96), 128, np.uint8), tmp_path / "out.png", source=source)
    for name, field in (("out.jpg", "xmp"), ("out.png", "XML:com.adobe.xmp")):
        raw = (tmp_path / name).read_bytes()
        with Image.open(tmp_path / name) as image:
            packet = image.info[field]
            assert source.value in (packet if isinstance(packet, str) else packet.decode())
            assert not dict(image.getexif())
        assert b"SecretCam" not in raw
        assert b"home address" not in raw


def test_results_are_marked_as_algorithmic_media_by_default(tmp_path: Path) -> None:
    save_jpeg(np.asarray(scene()), tmp_path / "out.jpg")
    assert b"digitalsourcetype/trainedAlgorithmicMedia" in (tmp_path / "out.jpg").read_bytes()


@given(width=st.integers(32, 2000), height=st.integers(32, 2000))
@settings(max_examples=40, deadline=None)
def test_thumbnails_fit_and_keep_the_aspect_ratio(width: int, height: int) -> None:
    small = thumbnail(np.zeros((height, width, 3), np.uint8))
    high, wide = small.shape[:2]
    assert wide <= min(480, width)
    assert high <= min(360, height)
    scale = min(1, 480 / width, 360 / height)
    assert abs(wide - width * scale) <= 1
    assert abs(high - height * scale) <= 1


def png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png16(values: np.ndarray) -> bytes:
    """A 16-bit PNG (which Pillow cannot write in colour)."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = png_header(width, height, 16, 2 if channels == 3 else 0)
    return head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_drawing_keeps_the_size_that_its_repetitions_allow(tmp_path: Path) -> None:
    drawing = np.tile(np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8), (32, 32, 1))
    sizes = []
    for photographic in (False, True):
        path = tmp_path / f"{photographic}.png"
        save_png(drawing, None, path, photographic=photographic)
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(image), drawing)
        sizes.append(path.stat().st_size)
    assert sizes[0] < sizes[1] / 4
