"""Repainting: maps new materials to the room's sides in perspective, under the photo's own light and shadows."""

from dataclasses import dataclass

import cv2
import numpy as np

from darkroom.contract.styles import Finish
from pipeline.core.arrays import Floats, Mask, Rgb
from pipeline.preview.rendering.materials import Texture, generate_texture
from pipeline.preview.room.box import WALLS, Box, BoxSide
from pipeline.preview.room.camera import Camera
from pipeline.preview.room.surfaces import Surfaces

ROOM_HEIGHT = 2.6  # metres: the usual height, because a photo does not show its scale
LINEAR = ((np.arange(256, dtype=np.float32) / 255) ** 2.2).astype(np.float32)
GAMMA = 1 / 2.2


@dataclass(frozen=True)
class RepaintContext:
    """Inputs for repainting any band of the picture, computed once at the analysed size (h×w).

    ``matte``: h×w×2, slope and offset of the matte as a linear function of the photo's lightness (guided filter).
    ``shade``: h×w×3, light on floors relative to full light, in gamma. ``albedo``: old linear colour of each side.
    """

    box: Box
    camera: Camera
    matte: Floats
    shade: Floats
    albedo: dict[BoxSide, Floats]
    textures: dict[BoxSide, Texture]
    shift: tuple[float, float]
    metres: float


def prepare_repaint(
    photo: Rgb, box: Box, camera: Camera, surfaces: Surfaces, finishes: dict[BoxSide, Finish], seed: int
) -> RepaintContext:
    """Estimate matte, light and old colours of an H×W×3 uint8 photo at the analysed size, and generate the textures."""
    height, width = surfaces.side_map.shape
    small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    # Enough texels near the camera, in steps so that pictures of similar size share cached textures.
    texels = int(np.clip(max(photo.shape) // 1024 * 320 + 320, 640, 1600))
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    matte = np.dstack(_guided(grey, surfaces.bare.astype(np.float32)))
    linear = LINEAR[small]
    albedo: dict[BoxSide, Floats] = {}
    for group in ((BoxSide.FLOOR,), (BoxSide.CEILING,), WALLS):
        mask = surfaces.mask_of(*group)
        albedo |= dict.fromkeys(group, _estimate_albedo(linear, mask))
    floor = surfaces.mask_of(BoxSide.FLOOR)
    shade = cv2.pow(_floor_shade(linear, floor, albedo[BoxSide.FLOOR]), GAMMA)
    rng = np.random.default_rng(seed)
    shift = (float(rng.uniform(0, 10)), float(rng.uniform(0, 10)))
    textures = {face: generate_texture(finish, seed, texels) for face, finish in finishes.items()}
    metres = float(np.clip(ROOM_HEIGHT / (1 + box.ceiling), 0.9, 1.9))
    return RepaintContext(box, camera, matte, shade, albedo, textures, shift, metres)


def repaint_band(photo: Rgb, rows: slice, height: int, context: RepaintContext, strength: float) -> Rgb:
    """Repaint a band: ``photo`` holds ``rows`` of a picture of ``height``. h×W×3 uint8 in, the same out.

    The result does not depend on how the picture is split into bands.
    """
    width = photo.shape[1]
    slope, offset = cv2.split(_enlarged(context.matte, width, height, rows))
    matte = np.clip((slope * (cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY) / np.float32(255)) + offset - 0.12) / 0.76, 0, 1)
    # With a row above and below, for antialiasing.
    around = slice(max(rows.start - 1, 0), min(rows.stop + 1, height))
    rays = context.camera.rays(width, height, around)
    sides, distance = context.box.intersect(rays)
    inner = slice(rows.start - around.start, rows.stop - around.start)
    rays, distance = rays[inner], distance[inner]
    result = photo.astype(np.float32)
    for side in context.textures:
        # Antialiasing: a pixel on the line between two sides belongs to both.
        share = cv2.blur((sides == side).astype(np.float32), (3, 3))[inner] * matte
        where = share > 0.004
        if not where.any():
            continue
        columns, lines = np.flatnonzero(where.any(0)), np.flatnonzero(where.any(1))
        box = np.s_[lines[0] : lines[-1] + 1, columns[0] : columns[-1] + 1]
        # The product of two values in gamma is the gamma of their product.
        lit = _material(context, side, rays[box], distance[box], width)
        lit *= _light(context, side, photo[box], (rows, box, width, height))
        change = np.minimum(lit, 255, out=lit) - photo[box]
        result[box] += change * _in_colour(share[box] * np.float32(strength))
    return np.asarray(cv2.add(result, np.zeros(4), dtype=cv2.CV_8U), np.uint8)


def _light(
    context: RepaintContext, side: BoxSide, photo: Rgb, place: tuple[slice, tuple[slice, slice], int, int]
) -> Floats:
    """Estimate the light on a side relative to full light, in gamma, h×w×3: smoothed on floors, without their pattern.

    ``place``: the band's rows, the part of it that ``photo`` shows, and the picture's width and height.
    """
    rows, box, width, height = place
    if side == BoxSide.FLOOR:
        band = slice(rows.start + box[0].start, rows.start + box[0].stop)
        return _enlarged(context.shade, width, height, band, box[1])
    # Half of the light's colour is kept: all of it would bring back the old wall's colour where that was uneven.
    mixture = (0.5 * np.eye(3) + 0.5 / 3) / context.albedo[side]
    light = cv2.transform(cv2.LUT(photo, LINEAR), mixture)
    return cv2.pow(np.minimum(light, np.float32(1.35), out=light), GAMMA)


def _material(context: RepaintContext, side: BoxSide, rays: Floats, distance: Floats, width: int) -> Floats:
    """Render a side's texture through the camera, h×w×3 float32 in 0 to 255, filtered for its distance."""
    texture = context.textures[side]
    reach = distance * np.float32(context.metres)
    x, y, z = (rays[..., k] for k in range(3))
    across, upright, axis = {
        BoxSide.FLOOR: (z, x, y),
        BoxSide.CEILING: (z, x, y),
        BoxSide.BACK: (x, y, z),
        BoxSide.LEFT: (z, y, x),
        BoxSide.RIGHT: (z, y, x),
    }[side]
    u, v = across * reach + np.float32(context.shift[0]), upright * reach
    # Above the floor on walls.
    v = np.float32(context.metres) - v if side in WALLS else v + np.float32(context.shift[1])
    if texture.anchored_to_floor:
        v = np.clip(v, 0.002, texture.metres - 0.002)
    # The mipmap's level: a pixel's extent on the surface in texels, the geometric mean of both directions.
    texel = texture.metres / (len(texture.levels[0]) - 2)
    pixel = reach * np.float32(context.camera.width / (width * context.camera.focal * texel))
    slant = np.sqrt(x * x + y * y + z * z) / np.maximum(np.abs(axis), np.float32(1e-3))
    level = 0.5 * np.log2(np.maximum(pixel * pixel * slant, 1))
    return _sampled(texture, u, v, np.clip(level, 0, len(texture.levels) - 1.001))


def _sampled(texture: Texture, u: Floats, v: Floats, level: Floats) -> Floats:
    """Trilinear look-up in a mipmap (Williams, 1983): h×w×3 float32."""
    u, v = (each - np.floor(each) for each in (u / np.float32(texture.metres), v / np.float32(texture.metres)))
    lowest, highest = int(level.min()), int(level.max()) + 1
    result = np.zeros((*level.shape, 3), np.float32)
    for index in range(lowest, highest + 1):
        share = np.clip(1 - np.abs(level - index), 0, 1)
        if not share.any():
            continue
        picture = texture.levels[index]
        size = np.float32(len(picture) - 2)
        # Pixel centres, and the border of a pixel: both move by a half.
        sampled = cv2.remap(picture, u * size + np.float32(0.5), v * size + np.float32(0.5), cv2.INTER_LINEAR)
        result += cv2.multiply(sampled, _in_colour(share), dtype=cv2.CV_32F)
    return result


def _in_colour(plane: Floats) -> Floats:
    """Repeat a plane for each of three channels: much faster in OpenCV than NumPy's broadcasting."""
    return cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB)


def _enlarged(plane: Floats, width: int, height: int, rows: slice, columns: slice = slice(None)) -> Floats:
    """Enlarge ``rows`` and ``columns`` of an analysed plane (h×w×C) to width×height, without computing the whole."""
    small_height, small_width = plane.shape[:2]
    y = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * (small_height / height) - 0.5
    x = (np.arange(width, dtype=np.float32)[columns] + 0.5) * (small_width / width) - 0.5
    first = max(0, int(y[0]) - 1)
    part = np.ascontiguousarray(plane[first : int(y[-1]) + 3])
    x, y = np.meshgrid(x, y - first)
    return cv2.remap(part, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _guided(guide: Floats, mask: Floats, radius: int = 4, smoothness: float = 4e-4) -> tuple[Floats, Floats]:
    """Compute a guided filter's coefficients (He, Sun and Tang, 2010): matte = slope · guide + offset, each h×w."""
    size = (2 * radius + 1, 2 * radius + 1)
    mean_guide, mean_mask = cv2.blur(guide, size), cv2.blur(mask, size)
    covariance = cv2.blur(guide * mask, size) - mean_guide * mean_mask
    variance = cv2.blur(guide * guide, size) - mean_guide**2
    slope = covariance / (variance + smoothness)
    offset = mean_mask - slope * mean_guide
    return cv2.blur(slope, size), cv2.blur(offset, size)


def _estimate_albedo(linear: Floats, mask: Mask) -> Floats:
    """Estimate a surface's colour under good light: 3 linear values; its shadows are darker."""
    if not mask.any():
        return np.full(3, 0.5, np.float32)
    pixels = linear[mask]
    level = pixels.mean(-1)
    low, high = np.percentile(level, (60, 92))
    chosen = pixels[(level >= low) & (level <= high)]
    return np.asarray(np.maximum(np.median(chosen, 0) if len(chosen) else pixels.mean(0), 0.02).astype(np.float32))


def _floor_shade(linear: Floats, floor: Mask, albedo: Floats) -> Floats:
    """Estimate the light on the floor, h×w×3: blurred within the floor only, so furniture does not bleed into it."""
    height, width = floor.shape
    ratio = np.log(np.maximum(linear / albedo, 0.01))
    level = ratio.mean(-1, keepdims=True)
    ratio = 0.75 * level + 0.25 * ratio
    weight = cv2.erode(floor.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    result = np.zeros_like(ratio)
    for share in (0.3, 0.06, 0.022):
        sigma = share * max(height, width) / 2
        size = (int(sigma * 2) | 1, int(sigma * 2) | 1)
        total: Floats = weight
        mean: Floats = ratio * weight[..., None]
        for _ in range(2):
            total, mean = cv2.blur(total, size), cv2.blur(mean, size)
        confidence = np.clip(total / 0.15, 0, 1)[..., None]
        result = result * (1 - confidence) + mean / (total + 1e-5)[..., None] * confidence
    return np.asarray(np.minimum(np.exp(result), 1.3).astype(np.float32))
