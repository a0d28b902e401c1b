"""Seams that cannot be seen: differences between pixels are kept, their values give way (Pérez et al. 2003)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.artifacts import Rgb
from pipeline.masks import Mask

Floats = NDArray[np.float32]

NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0))
SWEEPS = 24  # steps of conjugate gradients at each level
LEAST_SIDE = 8  # pixels of the coarsest level's shorter side
_LAPLACIAN = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], np.float32)


def blended(photo: Rgb, filled: Rgb, hole: Mask) -> Rgb:
    """``photo`` with ``hole`` taken from ``filled``, whose colours give way until no step is left at the rim.

    Pictures are H×W×3 uint8, the hole is H×W bool. Outside of the hole the photo's pixels stay as they are, to the
    bit; a photo that is all hole is all filled.
    """
    if hole.all():
        return filled.copy()
    step = (photo.astype(np.float32) - filled) * ~hole[..., None]
    # Only what the hole touches tells how much its fill is off; noise there must not draw lines into it.
    known = (~hole).astype(np.float32)
    near = cv2.blur(step, (5, 5)) / np.maximum(cv2.blur(known, (5, 5)), 1e-6)[..., None]
    wanted = np.zeros_like(step)
    for shift in NEIGHBOURS:
        wanted += shifted(np.where(hole[..., None], np.float32(0), near), shift)
    return pasted(photo, filled + relaxed(wanted, hole), hole)


def pasted(photo: Rgb, values: Floats, hole: Mask) -> Rgb:
    """``photo``, H×W×3 uint8, with the hole's pixels taken from H×W×3 float32 in 0 to 255, rounded."""
    result = photo.copy()
    result[hole] = np.clip(np.rint(values[hole]), 0, 255).astype(np.uint8)
    return result


def relaxed(wanted: Floats, hole: Mask, hold: float = 0.0) -> Floats:
    """The H×W×C correction c that is 0 outside of ``hole`` and within it solves ``hold``·c − Δc = ``wanted``.

    With ``hold``, what the rim asks for is forgotten after about 1/√``hold`` pixels (Bhat et al. 2008, the screened
    Poisson equation). At the picture's own border nothing is known and nothing is asked for. By cascadic multigrid
    (Bornemann and Deuflhard 1996): conjugate gradients on each level of a pyramid, beginning at the coarser one's
    answer. Near enough for eyes, in time proportional to the pixels.
    """
    height, width = hole.shape
    inside = hole.astype(np.float32)[..., None]
    right = wanted * inside
    if min(height, width) < 2 * LEAST_SIDE:
        return _conjugate_gradients(np.zeros_like(right), right, inside, hold, 4 * SWEEPS)
    smaller = (width // 2, height // 2)
    # A Laplacian that is not divided by the pixels' area grows fourfold when they do; so does the rest.
    coarse = 4 * cv2.resize(right, smaller, interpolation=cv2.INTER_AREA)
    kept = cv2.resize(inside[..., 0], smaller, interpolation=cv2.INTER_AREA) > 0.5
    below = np.asarray(coarse, np.float32).reshape(smaller[1], smaller[0], -1)
    answer = relaxed(below, np.asarray(kept, np.bool_), 4 * hold)
    begin = cv2.resize(answer, (width, height), interpolation=cv2.INTER_LINEAR).reshape(right.shape)
    return _conjugate_gradients(begin * inside, right, inside, hold, SWEEPS)


def shifted(values: Floats, by: tuple[int, int]) -> Floats:
    """H×W×C with each pixel's value taken from ``by`` (down, right), one pixel at most; zero beyond the border."""
    down, right = by
    moved = np.zeros_like(values)
    height, width = values.shape[:2]
    to = (slice(max(-down, 0), height - max(down, 0)), slice(max(-right, 0), width - max(right, 0)))
    come = (slice(max(down, 0), height - max(-down, 0)), slice(max(right, 0), width - max(-right, 0)))
    moved[to] = values[come]
    return moved


def _conjugate_gradients(begin: Floats, right: Floats, inside: Floats, hold: float, steps: int) -> Floats:
    """Hestenes and Stiefel 1952, for each channel by itself."""
    answer = begin
    residual = right - _applied(answer, inside, hold)
    direction = residual.copy()
    size = _dot(residual, residual)
    enough = 1e-6 * np.maximum(_dot(right, right), 1e-6)
    for _ in range(steps):
        if (size <= enough).all():
            break
        image = _applied(direction, inside, hold)
        length = size / np.maximum(_dot(direction, image), 1e-12)
        answer += length * direction
        residual -= length * image
        before, size = size, _dot(residual, residual)
        direction = residual + size / np.maximum(before, 1e-12) * direction
    return answer


def _applied(values: Floats, inside: Floats, hold: float) -> Floats:
    # What the border repeats cancels out: no difference is asked for across it.
    found = cv2.filter2D(values, cv2.CV_32F, _LAPLACIAN, borderType=cv2.BORDER_REPLICATE)
    stays = np.float32(hold) * values
    product: Floats = np.asarray((np.asarray(found).reshape(values.shape) + stays) * inside, np.float32)
    return product


def _dot(one: Floats, other: Floats) -> Floats:
    product: Floats = np.einsum("hwc,hwc->c", one, other).astype(np.float32)
    return product
