"""Materials without boards: plaster, concrete, brick, tiles, chequers, terrazzo, carpet."""

import numpy as np

from darkroom.contract.styles import Finish
from pipeline.core.arrays import Floats, Integers
from pipeline.preview.rendering.texture_grid import (
    TextureGrid,
    finish_colours,
    joint_colour,
    line_mask,
    mottled,
    with_joints,
)


def plaster(finish: Finish, ground: TextureGrid) -> Floats:
    strokes = ground.noise(0.22, 0.05) + ground.noise(0.05, 0.2)
    return mottled(finish, ground, (0.9, 0.35, 0.12), 0.8) * (1 + np.float32(0.012) * strokes[..., None])


def concrete(finish: Finish, ground: TextureGrid) -> Floats:
    pores = np.clip(ground.noise(0.012, 0.012) - 2.2, 0, 1)[..., None]
    return mottled(finish, ground, (1.2, 0.4, 0.1), 0.5) * (1 - np.float32(0.35) * pores)


def brick(finish: Finish, ground: TextureGrid) -> Floats:
    rows = round(ground.metres / finish.size)
    columns = max(1, round(ground.metres / finish.length))
    length = ground.metres / columns
    row = np.minimum((ground.v / finish.size).astype(np.int64), rows - 1)
    place = ground.u / np.float32(length) + 0.5 * (row % 2)
    brick = row * columns + place.astype(np.int64) % columns
    index = ground.rng.integers(0, len(finish.colours), rows * columns)[brick]
    tone = ground.rng.uniform(0.82, 1.14, rows * columns).astype(np.float32)[brick]
    wobble = 0.003 * ground.noise(0.05, 0.05)
    across = (0.5 - np.abs((ground.v / finish.size) % 1 - 0.5)) * finish.size + wobble
    along = (0.5 - np.abs(place % 1 - 0.5)) * length + wobble
    mortar = line_mask(np.minimum(across, along), 0.005, ground.metres / len(ground.u) * 1.5)
    face = finish_colours(finish)[index] * (tone * (1 + 0.07 * ground.noise(0.02, 0.02)))[..., None]
    return with_joints(
        face, mortar, joint_colour(finish) * (1 + np.float32(0.05) * ground.noise(0.02, 0.02)[..., None])
    )


def tiles(finish: Finish, ground: TextureGrid) -> Floats:
    count = round(ground.metres / finish.size)
    i, j = ((axis / finish.size).astype(np.int64) % count for axis in (ground.u, ground.v))
    tile = i * count + j
    index = ground.rng.integers(0, len(finish.colours), count * count)[tile]
    return with_joints(_glazed(finish, ground, index, tile, count), _grout(finish, ground), joint_colour(finish))


def checker(finish: Finish, ground: TextureGrid) -> Floats:
    count = round(ground.metres / finish.size)
    i, j = ((axis / finish.size).astype(np.int64) % count for axis in (ground.u, ground.v))
    veins = np.exp(-np.abs(ground.noise(0.3, 0.3)) * 14)[..., None]
    index = (i + j) % 2
    stone = _glazed(finish, ground, index, i * count + j, count)
    vein = np.where(index[..., None] == 0, np.float32(-0.16), np.float32(0.5)) * veins
    return with_joints(stone * (1 + vein), _grout(finish, ground), joint_colour(finish))


def _glazed(finish: Finish, ground: TextureGrid, index: Integers, tile: Integers, count: int) -> Floats:
    tone = ground.rng.uniform(0.95, 1.05, count * count).astype(np.float32)[tile]
    return finish_colours(finish)[index] * (tone * (1 + 0.02 * ground.noise(0.15, 0.15)))[..., None]


def _grout(finish: Finish, ground: TextureGrid) -> Floats:
    pixel = ground.metres / len(ground.u)
    edge = np.minimum(*((0.5 - np.abs((axis / finish.size) % 1 - 0.5)) * finish.size for axis in (ground.u, ground.v)))
    return line_mask(edge, max(0.002, 0.6 * pixel), pixel)


def terrazzo(finish: Finish, ground: TextureGrid) -> Floats:
    colours = finish_colours(finish)
    result = np.broadcast_to(colours[0], (*ground.u.shape, 3))
    for colour in colours[1:]:
        chips = np.clip((ground.noise(0.03, 0.03) - 1.3) * 4, 0, 1)[..., None]
        result = result * (1 - chips) + colour * chips
    return np.asarray(result, np.float32)


def carpet(finish: Finish, ground: TextureGrid) -> Floats:
    pile = ground.noise(0.008, 0.008) * np.float32(0.08) + ground.noise(0.3, 0.3) * np.float32(0.03)
    return np.asarray(finish_colours(finish)[0] * (1 + pile)[..., None])
