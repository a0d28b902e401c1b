"""Colour spaces: the right values come out, whatever a profile is called and however a file describes its colours."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pipeline.decoding.picture_decoder import decode_picture_here
from tests.heic import Heic
from tests.pipeline.icc import DISPLAY_P3, SRGB, display_profile

# Linear Display P3 to linear sRGB (CSS Color 4, the two conversions multiplied).
P3_TO_SRGB = np.array(((1.2249401, -0.2249402, 0), (-0.0420569, 1.0420571, 0), (-0.0196376, -0.0786361, 1.0982735)))
# BT.2020 likewise.
BT2020_TO_SRGB = np.array(
    ((1.6604910, -0.5876411, -0.0728499), (-0.1245505, 1.1328999, -0.0083494), (-0.0181508, -0.1005789, 1.1187297))
)
Floats = NDArray[np.float64]


def colours() -> NDArray[np.uint8]:
    """64 × 64 pixels of colours that are in every space: each a block of 8 × 8."""
    levels = np.random.default_rng(0).integers(60, 200, (8, 8, 3))
    return np.repeat(np.repeat(levels, 8, 0), 8, 1).astype(np.uint8)


def encoded(linear: Floats) -> Floats:
    """Levels of sRGB, 0 to 255."""
    light = linear.clip(0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def linear(levels: Floats) -> Floats:
    value = levels / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def chunk(name: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def png(pixels: NDArray[np.uint8], *chunks: bytes, **options: object) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG", **options)
    return data.getvalue()[:33] + b"".join(chunks) + data.getvalue()[33:]


def decoded(data: bytes, tmp_path: Path) -> Floats:
    (tmp_path / "picture").write_bytes(data)
    return decode_picture_here(tmp_path / "picture").rgb.astype(np.float64)


def assert_close(found: Floats, expected: Floats, tolerance: float = 1.5) -> None:
    assert np.abs(found - expected).max() <= tolerance


@pytest.mark.parametrize(
    "description", ["GIMP built-in Linear sRGB", "sRGB-elle-V2-g10.icc", "scRGB linear sRGB", "Linear"]
)
def test_a_linear_profile_is_applied_whatever_it_is_called(tmp_path: Path, description: str) -> None:
    profile = display_profile(description, SRGB, 1.0)
    assert_close(decoded(png(colours(), icc_profile=profile), tmp_path), encoded(colours() / 255))


@pytest.mark.parametrize("description", ["sRGB display 2024-01-02 D6500 2.4", "Wide gamut (not sRGB)", "Display P3"])
def test_a_monitors_profile_is_applied_whatever_it_is_called(tmp_path: Path, description: str) -> None:
    profile = display_profile(description, DISPLAY_P3, 2.4)
    light = (colours() / 255) ** 2.40234375 @ P3_TO_SRGB.T  # the profile's power has eight bits behind the point
    assert_close(decoded(png(colours(), icc_profile=profile), tmp_path), encoded(light))


def test_a_profile_of_srgb_changes_no_pixel(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert (decoded(png(colours(), icc_profile=profile), tmp_path) == colours()).all()


def test_a_colour_profile_of_a_grey_picture_is_applied(tmp_path: Path) -> None:
    grey = colours()[..., 0]
    found = decoded(png(grey, icc_profile=display_profile("Linear", SRGB, 1.0)), tmp_path)
    assert_close(found, np.repeat(encoded(grey / 255)[..., None], 3, 2))


@pytest.mark.parametrize("gamma", [1.0, 1 / 1.8, 0.3])
def test_a_gamma_without_a_profile_is_applied(tmp_path: Path, gamma: float) -> None:
    gama = chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))
    assert_close(decoded(png(colours(), gama), tmp_path), encoded((colours() / 255) ** (1 / gamma)))
    grey = colours()[..., 0]
    expected = np.repeat(encoded((grey / 255) ** (1 / gamma))[..., None], 3, 2)
    assert_close(decoded(png(grey, gama), tmp_path), expected)


def test_primaries_without_a_profile_are_applied(tmp_path: Path) -> None:
    corners = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    chrm = chunk(b"cHRM", struct.pack(">8I", *corners))
    gama = chunk(b"gAMA", struct.pack(">I", 100_000))
    assert_close(decoded(png(colours(), chrm, gama), tmp_path), encoded(colours() / 255 @ P3_TO_SRGB.T))
    assert_close(decoded(png(colours(), chrm), tmp_path), encoded(linear(colours()) @ P3_TO_SRGB.T))


GAMMA_OF_SRGB, LINEAR_GAMMA = chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"gAMA", struct.pack(">I", 100_000))
PRIMARIES_OF_SRGB = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
WITHOUT_EFFECT = {
    "encoders' gamma of sRGB": [GAMMA_OF_SRGB],
    "sRGB, which counts before a gamma": [chunk(b"sRGB", b"\0"), LINEAR_GAMMA],
    "sRGB in numbers": [GAMMA_OF_SRGB, chunk(b"cHRM", PRIMARIES_OF_SRGB)],
    "no gamma": [chunk(b"gAMA", bytes(4))],
    "no primaries": [chunk(b"cHRM", bytes(32))],
    "primaries that are all white": [chunk(b"cHRM", struct.pack(">8I", *[33333] * 8))],
    "code points of sRGB, which count before a gamma": [chunk(b"cICP", b"\1\x0d\0\1"), LINEAR_GAMMA],
    "unspecified code points": [chunk(b"cICP", b"\2\2\0\1")],
}


@pytest.mark.parametrize("what", WITHOUT_EFFECT)
def test_numbers_of_srgb_and_of_no_colours_change_no_pixel(tmp_path: Path, what: str) -> None:
    assert (decoded(png(colours(), *WITHOUT_EFFECT[what]), tmp_path) == colours()).all()


def test_code_points_count_before_a_profile(tmp_path: Path) -> None:
    profile = display_profile("Linear", SRGB, 1.0)
    display_p3 = chunk(b"cICP", b"\x0c\x0d\0\1")
    expected = encoded(linear(colours()) @ P3_TO_SRGB.T)
    assert_close(decoded(png(colours(), display_p3, icc_profile=profile), tmp_path), expected)


def pq(light: float) -> int:
    """Level of candelas per square metre (BT.2100, table 4)."""
    root = (light / 10_000) ** 0.1593017578125
    return round(255 * ((0.8359375 + 18.8515625 * root) / (1 + 18.6875 * root)) ** 78.84375)


@pytest.mark.parametrize(("light", "level"), [(203, 255), (1000, 255), (203 * 0.2140, 127.5), (203 * 0.0331, 51)])
def test_white_of_an_hdr_picture_is_white(tmp_path: Path, light: float, level: float) -> None:
    pixels = np.full((32, 32, 3), pq(light), np.uint8)
    found = decoded(png(pixels, chunk(b"cICP", b"\x09\x10\0\1")), tmp_path)
    # A level of PQ is two of sRGB.
    assert_close(found, np.full_like(found, level), tolerance=3)


def test_wide_primaries_by_code_points(tmp_path: Path) -> None:
    found = decoded(png(colours(), chunk(b"cICP", b"\x09\x0d\0\1")), tmp_path)
    assert_close(found, encoded(linear(colours()) @ BT2020_TO_SRGB.T))


def test_a_heic_by_its_profile_and_by_its_code_points(tmp_path: Path) -> None:
    expected = encoded(linear(colours()) @ P3_TO_SRGB.T)
    by_codes = decoded(Heic(colours(), codes=(12, 13, 6)).encoded(), tmp_path)
    assert np.abs(by_codes - expected).mean() < 1.5
    linear_srgb = Heic(colours(), profile=display_profile("Linear sRGB", SRGB, 1.0)).encoded()
    assert np.abs(decoded(linear_srgb, tmp_path) - encoded(colours() / 255)).mean() < 2


def deep_png(values: NDArray[np.uint16], *chunks: bytes) -> bytes:
    """A PNG of 16 bits: H×W grey, H×W×3 colours, or H×W×4 with alpha."""
    kind = {2: 0, 3: 2, 4: 6}[values.shape[-1] if values.ndim == 3 else 2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, kind, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + pixels


def iccp(profile: bytes) -> bytes:
    return chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile))


def parametric(profile: bytes) -> bytes:
    """The profile with a parametric curve that is linear, of the same length as its own."""
    old = struct.pack(">4s4xIH2x", b"curv", 1, 256)
    assert len(old) == len(struct.pack(">4s4xHxxi", b"para", 0, 65536))
    return profile.replace(old, struct.pack(">4s4xHxxi", b"para", 0, 65536))


LINEAR_PROFILE = display_profile("sRGB linear", SRGB, 1.0)
LINEAR_FORMS = {
    "a gamma": LINEAR_GAMMA,
    "a profile": iccp(LINEAR_PROFILE),
    "a parametric curve": iccp(parametric(LINEAR_PROFILE)),
    "code points": chunk(b"cICP", b"\1\x08\0\1"),
}


@pytest.mark.parametrize("form", LINEAR_FORMS)
@pytest.mark.parametrize("shape", ["grey", "colours", "alpha"])
def test_the_dark_parts_of_a_linear_picture_of_16_bits_stay_smooth(tmp_path: Path, form: str, shape: str) -> None:
    ramp = np.tile(np.linspace(0, 4000, 256).round().astype(np.uint16), (32, 1))
    values = ramp if shape == "grey" else np.repeat(ramp[..., None], 3, 2)
    if shape == "alpha":
        values = np.concatenate([values, np.full_like(ramp, 32896)[..., None]], 2)
    found = decoded(deep_png(values, LINEAR_FORMS[form]), tmp_path)
    assert_close(found, encoded(np.repeat(ramp[..., None], 3, 2) / 65535), tolerance=1)
    assert len(np.unique(found)) > 60
    picture = decode_picture_here(tmp_path / "picture")
    assert (None if picture.alpha is None else int(picture.alpha.max())) == (128 if shape == "alpha" else None)


def test_a_linear_picture_of_16_bits_is_turned_upright(tmp_path: Path) -> None:
    values = np.arange(40 * 64, dtype=np.uint16).reshape(40, 64) * 20
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    found = decoded(deep_png(values, LINEAR_GAMMA, turned), tmp_path)
    assert_close(found, np.repeat(encoded(np.rot90(values, -1)[..., None] / 65535), 3, 2), tolerance=1)


def test_wide_colours_of_16_bits_are_converted(tmp_path: Path) -> None:
    profile = display_profile("Display P3", DISPLAY_P3, 2.4)
    found = decoded(deep_png(colours().astype(np.uint16) * 257, iccp(profile)), tmp_path)
    assert_close(found, encoded((colours() / 255) ** 2.40234375 @ P3_TO_SRGB.T))
