"""Colour spaces: conversion of decoded pictures to sRGB, by an embedded profile or by what a file says in numbers.

Numbers are turned into an ICC profile, so that every picture goes the same way, through littlecms. A profile's name
says nothing of its colours: those of linear pictures and of calibrated monitors contain "sRGB" as well.

ICC.1:2001-04 (profiles), ITU-T H.273 (code points), BT.2100 (PQ, HLG), BT.2408 (reference white).
"""

import io
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]

_SRGB_PRIMARIES: tuple[float, ...] = (
    0.3127,
    0.3290,
    0.64,
    0.33,
    0.30,
    0.60,
    0.15,
    0.06,
)  # x and y of white, red, green, blue
# Code points of H.273, table 2.
_PRIMARIES: dict[int, tuple[float, ...]] = {
    1: _SRGB_PRIMARIES,
    5: (0.3127, 0.3290, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (0.3127, 0.3290, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    7: (0.3127, 0.3290, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    9: (0.3127, 0.3290, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    12: (0.3127, 0.3290, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
_D50 = np.array((0.9642, 1.0, 0.8249))
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
_CURVE_POINTS = 4096
# Encoders write gAMA 0.45455 for sRGB. Within 5 %, libpng does not convert either.
_SRGB_GAMMA, _GAMMA_TOLERANCE = 2.2, 0.05
_MIN_GAMMA, _MAX_GAMMA = 0.1, 10.0
_PRIMARIES_TOLERANCE = 0.002
_REFERENCE_WHITE, _PQ_PEAK, _HLG_PEAK = 203.0, 10_000.0, 1_000.0  # candelas per square metre

# A profile that changes no colour by more than this, in levels of 255, is sRGB as far as 8 bits can tell.
_SAME = 1
_LATTICE = 17


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert an image of mode L, RGB or CMYK to sRGB by its ICC profile; without a usable one, by mode alone."""
    if profile:
        try:
            return _transformed(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            # A profile that is broken, or of another colour model. The pixels are still fine.
            pass
    return image.convert("RGB")


def coded_profile(primaries: int, transfer: int) -> bytes | None:
    """Return a profile of H.273's code points; None for sRGB and for those that say nothing.

    Highlights of HDR pictures (PQ, HLG) that are brighter than white become white.
    """
    known = _PRIMARIES.get(primaries, _SRGB_PRIMARIES)
    curve = {4: _power(2.2), 5: _power(2.8), 8: _power(1.0), 16: _pq, 18: _hlg}.get(transfer, srgb_curve)
    return None if curve is srgb_curve and known == _SRGB_PRIMARIES else _profile(known, curve)


def gamma_profile(gamma: float | None, primaries: Sequence[float] | None) -> bytes | None:
    """Return a profile of a PNG's gAMA, the exponent of its encoding, and cHRM: x and y of white, red, green, blue.

    None for sRGB, without either, and for values that no picture has.
    """
    curve: Curve = srgb_curve
    if gamma is not None and _MIN_GAMMA <= gamma <= _MAX_GAMMA and abs(gamma * _SRGB_GAMMA - 1) > _GAMMA_TOLERANCE:
        curve = _power(1 / gamma)
    known = _SRGB_PRIMARIES
    if primaries is not None and np.abs(np.subtract(primaries, known)).max() > _PRIMARIES_TOLERANCE:
        known = tuple(primaries)
    if curve is srgb_curve and known is _SRGB_PRIMARIES:
        return None
    try:
        return _profile(known, curve)
    except (np.linalg.LinAlgError, ValueError, ZeroDivisionError, struct.error):
        return None


def _transformed(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    if image.mode == "L" and profile.profile.xcolor_space.strip() == "RGB":
        image = image.convert("RGB")
    srgb = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(profile, srgb, image.mode, "RGB")
    if image.mode == "RGB":
        lattice = _lattice()
        changed = ImageCms.applyTransform(lattice, transform)
        if changed is not None and np.abs(np.asarray(changed).astype(np.int16) - np.asarray(lattice)).max() <= _SAME:
            return image
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None  # only a transform in place returns none
    return converted


@lru_cache(maxsize=1)
def _lattice() -> Image.Image:
    """A picture of colours from all over the cube."""
    levels = np.linspace(0, 255, _LATTICE).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), -1)
    return Image.fromarray(colours.reshape(_LATTICE, -1, 3))


def _power(exponent: float) -> Curve:
    return lambda value: value**exponent


def srgb_curve(value: Floats) -> Floats:
    """Return the light, 0 to 1, of values of sRGB."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _pq(value: Floats) -> Floats:
    root = value ** (1 / 78.84375)
    light = (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    return light * _PQ_PEAK / _REFERENCE_WHITE


def _hlg(value: Floats) -> Floats:
    scene = np.where(value <= 0.5, value**2 / 3, (np.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    return scene**1.2 * _HLG_PEAK / _REFERENCE_WHITE


def _profile(primaries: Sequence[float], curve: Curve) -> bytes:
    """Return an ICC profile of a display: three primaries and one curve. Raises ``ValueError``."""
    return display_profile(_matrix(primaries), curve)


def display_profile(matrix: Floats, curve: Curve) -> bytes:
    """Return an ICC profile, version 2, of a display: its primaries' XYZ as columns, adapted to D50, and a curve."""
    points = curve(np.linspace(0, 1, _CURVE_POINTS)).clip(0, 1)
    table = (points * 65535).round().astype(">u2").tobytes()
    trc = struct.pack(">4s4xI", b"curv", _CURVE_POINTS) + table
    text = b"described by numbers\0"
    contents: list[tuple[tuple[bytes, ...], bytes]] = [
        ((b"desc",), struct.pack(">4s4xI", b"desc", len(text)) + text + bytes(78)),
        ((b"cprt",), b"text\0\0\0\0\0"),
        ((b"wtpt",), _xyz(_D50)),
        *(((tag,), _xyz(column)) for tag, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), matrix.T, strict=True)),
        ((b"rTRC", b"gTRC", b"bTRC"), trc),
    ]
    at = 128 + 4 + 12 * sum(len(tags) for tags, _ in contents)
    entries, body = [], b""
    for tags, content in contents:
        entries += [struct.pack(">4sII", tag, at + len(body), len(content)) for tag in tags]
        body += content + bytes(-len(content) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12x4s28x12s", at + len(body), b"", 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp", _xyz(_D50)[8:]
    )
    return header.ljust(128, b"\0") + struct.pack(">I", len(entries)) + b"".join(entries) + body


def _matrix(primaries: Sequence[float]) -> Floats:
    """Return the primaries' XYZ as columns, adapted to D50."""
    corners = np.array(primaries, np.float64).reshape(4, 2)
    if not (corners[:, 1] > 0).all():
        raise ValueError("a primary without luminance")
    white, *colours = (np.array((x / y, 1.0, (1 - x - y) / y)) for x, y in corners)
    unscaled = np.stack(colours, axis=1)
    cones, target = _BRADFORD @ white, _BRADFORD @ _D50
    adaptation = np.linalg.inv(_BRADFORD) @ np.diag(target / cones) @ _BRADFORD
    adapted: Floats = adaptation @ (unscaled * np.linalg.solve(unscaled, white))
    return adapted


def _xyz(values: Floats) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values.tolist()))
