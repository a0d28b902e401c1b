"""Poisson blending: fills a hole seamlessly by keeping the fill's gradients (Pérez et al. 2003)."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Rgb
from pipeline.imaging.mask_reading import Mask

Floats = NDArray[np.float32]

NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0))
ITERATIONS = 24  # steps of conjugate gradients at each level
RIM_WIDTH = 5  # width in pixels of the rim over which photo and fill are compared
MAX_SOLVED_PIXELS = 400_000  # larger pictures are solved at this size
MIN_SIDE = 8  # pixels of the coarsest level's shorter side
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
_LAPLACIAN = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], np.float32)


def poisson_blended(photo: Rgb, filled: Rgb, hole: Mask) -> Rgb:
    """Blend ``filled`` into the ``hole`` of ``photo``, with its colours shifted until the rim has no visible step.

    Pictures are H×W×3 uint8, the hole is H×W bool. Outside the hole, the photo's pixels are unchanged, bit for bit. If
    the hole is the whole photo, the result is ``filled``. For large pictures, the shift is solved at a smaller size.
    """
    if not hole.any():
        return photo.copy()
    rows, columns = (np.flatnonzero(hole.any(axis=axis)) for axis in (1, 0))
    part = np.s_[
        max(rows[0] - RIM_WIDTH, 0) : rows[-1] + RIM_WIDTH + 1,
        max(columns[0] - RIM_WIDTH, 0) : columns[-1] + RIM_WIDTH + 1,
    ]
    result = photo.copy()
    result[part] = _blended(photo[part], filled[part], hole[part])
    return result


def _blended(photo: Rgb, filled: Rgb, hole: Mask) -> Rgb:
    height, width = hole.shape
    # The rim is averaged, as the noise of a single pixel would draw a line into the hole.
    scale = min((MAX_SOLVED_PIXELS / hole.size) ** 0.5, 1.0)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    step = cv2.subtract(photo, filled, mask=(~hole).astype(np.uint8), dtype=cv2.CV_32F)
    small = cv2.blur(cv2.resize(step, size, interpolation=cv2.INTER_AREA), (RIM_WIDTH, RIM_WIDTH))
    share = np.asarray(cv2.resize((~hole).astype(np.float32), size, interpolation=cv2.INTER_AREA))
    rim_difference = (small / np.maximum(np.asarray(cv2.blur(share, (RIM_WIDTH, RIM_WIDTH))), 1e-6)[..., None]).astype(
        np.float32
    )
    solution = solve_poisson(rim_difference, np.zeros_like(rim_difference), share == 0)
    correction = solution if scale == 1 else cv2.resize(solution, (width, height), interpolation=cv2.INTER_LINEAR)
    return _replace_hole(
        photo, np.asarray(cv2.add(filled, np.asarray(correction, np.float32), dtype=cv2.CV_8U), np.uint8), hole
    )


def paste_hole(photo: Rgb, values: Floats, hole: Mask) -> Rgb:
    """Replace the hole's pixels of ``photo`` (H×W×3 uint8) by ``values`` (H×W×3 float32 in 0 to 255), rounded."""
    return _replace_hole(photo, np.asarray(cv2.add(values, np.zeros(4), dtype=cv2.CV_8U), np.uint8), hole)


def _replace_hole(photo: Rgb, levels: Rgb, hole: Mask) -> Rgb:
    """Replace the hole's pixels of ``photo`` by ``levels``. NumPy's indexing takes seconds for large photos."""
    result = photo.copy()
    cv2.copyTo(levels, hole.astype(np.uint8), result)
    return result


def solve_poisson(boundary: Floats, laplacian: Floats, hole: Mask, screening: float = 0.0) -> Floats:
    """Solve ``screening``·x − Δx = ``laplacian`` inside the hole, with x = ``boundary`` beside it (Dirichlet).

    ``boundary`` and ``laplacian`` are H×W×C float32, as is the result; ``boundary`` is read beside the hole only. The
    picture's own border has a zero gradient (Neumann). Outside the hole the result is undefined. With ``screening``,
    the boundary's influence ends after about 1/√``screening`` pixels (Bhat et al. 2008, screened Poisson equation).

    Method: cascadic multigrid (Bornemann and Deuflhard 1996), with conjugate gradients on each level of a pyramid,
    starting from the coarser level's solution. Visually accurate, in time linear in the pixels.
    """
    beside = cv2.dilate(hole.astype(np.uint8), _CROSS).astype(bool) & ~hole
    return _solve_multigrid(boundary, beside, laplacian, hole, screening)


def _solve_multigrid(rim: Floats, beside: Mask, laplacian: Floats, hole: Mask, screening: float) -> Floats:
    height, width = hole.shape
    # In each channel, as broadcasting over a last axis of three is slow.
    inside = np.repeat(hole.astype(np.float32)[..., None], rim.shape[2], axis=2)
    known = np.where(beside[..., None], rim, np.float32(0))
    initial, iterations = np.zeros_like(known), 4 * ITERATIONS
    if min(height, width) >= 2 * MIN_SIDE:
        initial, iterations = _solve_coarser(known, beside, laplacian * inside, hole, screening), ITERATIONS
    right = laplacian + sum(_shifted(known, by) for by in NEIGHBOURS)
    return np.where(
        hole[..., None], _conjugate_gradients(initial * inside, right * inside, inside, screening, iterations), known
    )


def _solve_coarser(known: Floats, beside: Mask, laplacian: Floats, hole: Mask, screening: float) -> Floats:
    """Solve at half the size and enlarge the solution."""
    height, width = hole.shape
    even = (height % 2, width % 2)

    def halved(values: NDArray[np.float32]) -> Floats:
        whole = cv2.copyMakeBorder(values, 0, even[0], 0, even[1], cv2.BORDER_REPLICATE)
        half = cv2.resize(whole, (whole.shape[1] // 2, whole.shape[0] // 2), interpolation=cv2.INTER_AREA)
        return np.asarray(half, np.float32)

    share = halved(beside.astype(np.float32))
    # A coarse pixel is hole only if all its pixels are. So each coarse pixel beside the hole contains a known pixel.
    inner = np.asarray(halved(hole.astype(np.float32)) > 0.99, np.bool_)
    rim = (halved(known) / np.maximum(share, 1e-6)[..., None]).astype(np.float32)
    # The Laplacian is not divided by the pixel area, so at half the size all other terms grow fourfold.
    solution = _solve_multigrid(
        rim, np.asarray(share > 0, np.bool_) & ~inner, 4 * halved(laplacian), inner, 4 * screening
    )
    size = (width + even[1], height + even[0])
    larger = cv2.resize(solution, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(larger, np.float32)[:height, :width]


def _shifted(values: Floats, by: tuple[int, int]) -> Floats:
    """Shift H×W×C: each pixel takes the value at offset ``by`` (down, right; at most 1), 0 beyond the border."""
    down, right = by
    moved = np.zeros_like(values)
    height, width = values.shape[:2]
    target = (slice(max(-down, 0), height - max(down, 0)), slice(max(-right, 0), width - max(right, 0)))
    source = (slice(max(down, 0), height - max(-down, 0)), slice(max(right, 0), width - max(-right, 0)))
    moved[target] = values[source]
    return moved


def _conjugate_gradients(initial: Floats, right: Floats, inside: Floats, screening: float, steps: int) -> Floats:
    """Solve by conjugate gradients (Hestenes and Stiefel 1952), for each channel separately."""
    solution = initial
    residual = right - _applied(solution, inside, screening)
    direction = residual.copy()
    size = _dot(residual, residual)
    tolerance = 1e-6 * np.maximum(_dot(right, right), 1e-6)
    for _ in range(steps):
        if (size <= tolerance).all():
            break
        image = _applied(direction, inside, screening)
        length = size / np.maximum(_dot(direction, image), 1e-12)
        solution += _scaled(direction, length)
        residual -= _scaled(image, length)
        before, size = size, _dot(residual, residual)
        direction = residual + _scaled(direction, size / np.maximum(before, 1e-12))
    return solution


def _applied(values: Floats, inside: Floats, screening: float) -> Floats:
    # Replicated border pixels cancel out in the Laplacian, which makes the gradient zero there.
    found = cv2.filter2D(values, cv2.CV_32F, _LAPLACIAN, borderType=cv2.BORDER_REPLICATE)
    product: Floats = np.asarray(found, np.float32).reshape(values.shape)
    if screening:
        product += np.float32(screening) * values
    product *= inside
    return product


def _scaled(values: Floats, factors: NDArray[Any]) -> Floats:
    """Multiply each channel by its factor: much faster in OpenCV than NumPy's broadcasting."""
    scaled = cv2.transform(values, np.diag(factors))
    return np.asarray(scaled, np.float32).reshape(values.shape)


def _dot(one: Floats, other: Floats) -> Floats:
    sums = cv2.sumElems(cv2.multiply(one, other))
    return np.asarray(sums[: one.shape[2]], np.float32)
