"""Samples of 16 bits: encoded by sRGB's curve before they become 8 bits, so that dark parts of a picture stay smooth.

ICC.1:2001-04, 6.5.3 (curves) and ICC.1:2010, 10.15 (parametric curves).
"""

import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.decoding.colour_spaces import Floats, display_profile, srgb_curve

_COLUMNS, _CURVES = (b"rXYZ", b"gXYZ", b"bXYZ"), (b"rTRC", b"gTRC", b"bTRC")
_BAND_ROWS = 256  # at a time, as their indices take eight bytes each
_LUT = b"A2B0"  # profiles with a table in place of curves
_PARAMETERS = (1, 3, 4, 5, 7)  # of a parametric curve, by its type


def encode_deep(samples: NDArray[np.uint16], profile: bytes) -> tuple[NDArray[np.uint8], bytes] | None:
    """Encode H×W×3 samples of a display's profile in 8 bits; return them with the profile that they have then.

    None for a profile of another kind, or a broken one.
    """
    try:
        tags = _tags(profile)
        if _LUT in tags:
            return None
        matrix = np.stack([np.array(struct.unpack_from(">3i", tags[name], 8)) / 65536 for name in _COLUMNS], axis=1)
        curves = [_curve(tags[name]) for name in _CURVES]
    except (KeyError, ValueError, IndexError, ZeroDivisionError, struct.error):
        return None
    every = np.linspace(0, 1, 65536)
    encoded = np.empty(samples.shape, np.uint8)
    for channel, curve in enumerate(curves):
        levels = _levels(curve(every))
        for top in range(0, len(samples), _BAND_ROWS):
            band = slice(top, top + _BAND_ROWS)
            encoded[band, :, channel] = levels[samples[band, :, channel]]
    return encoded, display_profile(matrix, srgb_curve)


def _levels(light: Floats) -> NDArray[np.uint8]:
    """Return levels of sRGB of light, 0 to 1."""
    found = np.interp(np.nan_to_num(light).clip(0, 1), srgb_curve(np.linspace(0, 1, 4096)), np.linspace(0, 255, 4096))
    levels: NDArray[np.uint8] = found.round().astype(np.uint8)
    return levels


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = (struct.unpack_from(">4sII", profile, 132 + 12 * number) for number in range(min(count, 100)))
    return {name: profile[at : at + length] for name, at, length in entries}


def _curve(tag: bytes) -> Callable[[Floats], Floats]:
    """Return the function from values to light. Raises ``ValueError`` for an unknown one."""
    if tag.startswith(b"curv"):
        (count,) = struct.unpack_from(">I", tag, 8)
        points = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
        if count == 0:
            return lambda value: value
        if count == 1:
            return lambda value: value ** (points[0] / 256)
        return lambda value: np.interp(value, np.linspace(0, 1, count), points / 65535)
    if not tag.startswith(b"para"):
        raise ValueError("unknown curve")
    (form,) = struct.unpack_from(">H", tag, 8)
    numbers = [number / 65536 for number in struct.unpack_from(f">{_PARAMETERS[form]}i", tag, 12)]
    g, a, b, c, d, e, f = numbers + [0.0] * (7 - len(numbers))
    match form:
        case 0:
            a, b, c, d = 1.0, 0.0, 0.0, 0.0
        case 1:
            c, d = 0.0, -b / a
        case 2:
            # Below the power there is the constant that is also added to it.
            c, d, e, f = 0.0, -b / a, c, c
    return lambda value: np.where(value >= d, np.maximum(a * value + b, 0) ** g + e, c * value + f)
