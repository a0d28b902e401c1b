"""Materials of wood and panels: planks, shiplap, slats, herringbone, wainscot, panelling."""

import numpy as np

from darkroom.contract.styles import Finish
from pipeline.core.arrays import Floats, Integers
from pipeline.preview.rendering.texture_grid import (
    TextureGrid,
    finish_colours,
    joint_colour,
    line_mask,
    paint,
    with_joints,
)


def _wood(colour: Floats, ground: TextureGrid, shift: Floats, strength: float = 1.0) -> Floats:
    """Draw wood grain along u; ``shift`` differs from board to board."""
    fine = ground.noise(0.35, 0.004)
    rings = np.sin((ground.v * 130 + 1.6 * ground.noise(0.9, 0.05) + shift * 40).astype(np.float32))
    grain = np.float32(strength) * (np.float32(0.035) * rings + np.float32(0.05) * fine)
    return np.asarray(colour * (1 + grain)[..., None])


def _boards(finish: Finish, ground: TextureGrid, gap: float) -> tuple[Floats, Floats, Integers]:
    """Lay boards along u: the share of gap (0 to 1), a random number for each board, and the index of its colour."""
    rows = round(ground.metres / finish.size)
    row = np.minimum((ground.v / finish.size).astype(np.int64), rows - 1)
    per_row = max(1, round(ground.metres / finish.length))
    length = ground.metres / per_row
    offset = ground.rng.uniform(0, length, rows).astype(np.float32)[row]
    position = (ground.u + offset) / np.float32(length)
    board = (row * per_row + position.astype(np.int64) % per_row) % (rows * per_row)
    variation = ground.rng.uniform(0, 1, rows * per_row).astype(np.float32)
    index = ground.rng.integers(0, len(finish.colours), rows * per_row)
    across = np.abs((ground.v / finish.size) % 1 - 0.5)
    along = np.abs(position % 1 - 0.5)
    pixel = ground.metres / len(ground.u)
    width = max(gap, 1.2 * pixel)
    near = np.maximum(
        line_mask(0.5 - across, width / finish.size / 2, pixel / finish.size),
        line_mask(0.5 - along, width / length / 2, pixel / length),
    )
    return near, variation[board], index[board]


def planks(finish: Finish, ground: TextureGrid) -> Floats:
    gap_mask, variation, index = _boards(finish, ground, 0.003)
    wood = _wood(finish_colours(finish)[index], ground, variation) * (0.94 + 0.12 * variation)[..., None]
    return with_joints(wood, gap_mask * np.float32(0.75), joint_colour(finish))


def shiplap(finish: Finish, ground: TextureGrid) -> Floats:
    seam = 0.5 - np.abs((ground.v / finish.size) % 1 - 0.5)
    pixel = ground.metres / len(ground.u) / finish.size
    gap_mask = line_mask(seam, 0.004 / finish.size, pixel)
    return with_joints(paint(finish, ground), gap_mask, joint_colour(finish))


def slats(finish: Finish, ground: TextureGrid) -> Floats:
    turned = TextureGrid(ground.v, ground.u, ground.metres, ground.rng)
    count = round(ground.metres / finish.size)
    slat = np.minimum((ground.u / finish.size).astype(np.int64), count - 1)
    variation = ground.rng.uniform(0, 1, count).astype(np.float32)[slat]
    index = ground.rng.integers(0, len(finish.colours), count)[slat]
    wood = np.swapaxes(_wood(np.float32(1.0) * np.ones((*ground.u.shape, 3), np.float32), turned, variation), 0, 1)
    wood = finish_colours(finish)[index] * wood
    position = (ground.u / finish.size) % 1
    pixel = ground.metres / len(ground.u) / finish.size
    gap_mask = line_mask(np.abs(position - 0.5) - 0.0, 0.13, pixel)
    rounded = (0.86 + 0.18 * np.sin(np.pi * ((position + 0.5) % 1)))[..., None].astype(np.float32)
    return with_joints(wood * rounded, gap_mask, joint_colour(finish))


def herringbone(finish: Finish, ground: TextureGrid) -> Floats:
    """Lay blocks of ``length`` × ``size`` at right angles, the zigzag running along u."""
    ratio = max(2, round(finish.length / finish.size))
    unit = finish.length / ratio
    x, y = ground.u / np.float32(unit), ground.v / np.float32(unit)
    i, j = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    phase = (i - j) % (2 * ratio)
    lying = phase < ratio
    start_x, start_y = np.where(lying, i - phase, i), np.where(lying, j, j - (2 * ratio - 1 - phase))
    along = np.where(lying, x - start_x, y - start_y) / ratio
    across = np.where(lying, y - start_y, x - start_x)
    period = round(ground.metres / unit)
    block = ((start_x % period) * 7919 + (start_y % period) * 104729 + lying * 1299709) % 4096
    variation = ground.rng.uniform(0, 1, 4096).astype(np.float32)[block]
    index = ground.rng.integers(0, len(finish.colours), 4096)[block]
    pixel = ground.metres / len(ground.u) / unit
    gap_mask = np.maximum(
        line_mask(0.5 - np.abs(across - 0.5), max(0.0012 / unit, 0.5 * pixel), pixel),
        line_mask((0.5 - np.abs(along - 0.5)) * ratio, max(0.0012 / unit, 0.5 * pixel), pixel),
    )
    turned = TextureGrid(ground.v, ground.u, ground.metres, ground.rng)
    flat = np.ones((*ground.u.shape, 3), np.float32)
    wood = np.where(
        lying[..., None], _wood(flat, ground, variation, 0.8), np.swapaxes(_wood(flat, turned, variation, 0.8), 0, 1)
    )
    # Blocks of the two directions reflect the light differently.
    tone = (0.9 + 0.14 * variation + 0.05 * lying)[..., None].astype(np.float32)
    return with_joints(finish_colours(finish)[index] * wood * tone, gap_mask * np.float32(0.7), joint_colour(finish))


def wainscot(finish: Finish, ground: TextureGrid) -> Floats:
    """Paint the first colour above a rail, and upright panels (boards, when narrow) in the second colour below it."""
    colours = finish_colours(finish)
    lower = colours[min(1, len(colours) - 1)]
    pixel = ground.metres / len(ground.u)
    width = ground.metres / round(ground.metres / finish.size)
    side = (0.5 - np.abs((ground.u / width) % 1 - 0.5)) * width
    if finish.size < 0.25:
        seam = line_mask(side, max(0.003, 0.6 * pixel), pixel)
    else:
        edge = np.minimum(side, np.minimum(ground.v - 0.06, finish.length - ground.v - 0.02))
        seam = line_mask(np.abs(edge - 0.09), 0.006, pixel)
    board = with_joints(np.broadcast_to(lower, (*ground.u.shape, 3)), seam, joint_colour(finish))
    below = line_mask(ground.v, finish.length, pixel)[..., None]
    rail = line_mask(np.abs(ground.v - finish.length), 0.022, pixel)[..., None]
    wall = colours[0] * (1 - below) + board * below
    return np.asarray(wall * (1 - rail) + (lower * np.float32(1.12) + np.float32(0.02)) * rail)


def panelling(finish: Finish, ground: TextureGrid) -> Floats:
    """Draw tall framed panels with a thin inlay of the joint's colour."""
    pixel = ground.metres / len(ground.u)
    width = ground.metres / round(ground.metres / finish.size)
    side = (0.5 - np.abs((ground.u / width) % 1 - 0.5)) * width
    edge = np.minimum(side, np.minimum(ground.v - 0.08, 2.42 - ground.v))
    inlay = line_mask(np.abs(edge - 0.1), 0.007, pixel)
    groove = line_mask(np.abs(edge - 0.13), 0.01, pixel)
    return with_joints(paint(finish, ground) * (1 - np.float32(0.3) * groove)[..., None], inlay, joint_colour(finish))
