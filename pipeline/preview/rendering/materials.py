"""Procedural materials: seamless textures of known size for floors, walls and ceilings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from darkroom.contract.styles import Finish, Material
from pipeline.core.arrays import Bytes, Floats, Integers

WALL_HEIGHT = 3.2  # metres covered by a texture that is anchored to the floor
_STANDING: frozenset[Material] = frozenset({"wainscot", "panelling"})


@dataclass(frozen=True)
class Texture:
    """Texture of a material, ready to be mapped to a plane.

    ``levels``: a mipmap of S×S×3 uint8 sRGB squares, each half the last, that repeat every ``metres``.
    ``anchored_to_floor``: rows run from the wall's foot (0) upwards, so it must not be shifted vertically.
    """

    levels: tuple[Bytes, ...]
    metres: float
    anchored_to_floor: bool


@dataclass(frozen=True)
class _TextureGrid:
    """Sampling grid of a texture: N×N metres ``u`` (along) and ``v`` (across), with its own random generator."""

    u: Floats
    v: Floats
    metres: float
    rng: np.random.Generator

    def noise(self, along: float, across: float) -> Floats:
        """Generate seamless noise of about unit variance with features of these sizes in metres."""
        size = len(self.u)
        sigmas = [max(feature * size / self.metres / 2, 0.01) for feature in (across, along)]
        # Coarse noise is generated small and enlarged: the same appearance for a fraction of the work.
        shrinks = [2 ** int(np.clip(np.log2(max(sigma, 1) / 1.5), 0, 6)) for sigma in sigmas]
        shape = [size // shrink for shrink in shrinks]
        white = self.rng.standard_normal(shape, np.float32)
        rest = [sigma / shrink for sigma, shrink in zip(sigmas, shrinks, strict=True)]
        margin = 8
        padded = cv2.copyMakeBorder(white, margin, margin, margin, margin, cv2.BORDER_WRAP)
        soft = cv2.GaussianBlur(padded, (0, 0), sigmaX=rest[1], sigmaY=rest[0])
        soft = soft / np.float32(float(soft[margin:-margin, margin:-margin].std()) + 1e-6)
        enlarged = cv2.resize(soft, None, fx=shrinks[1], fy=shrinks[0], interpolation=cv2.INTER_LINEAR)
        top, left = margin * shrinks[0], margin * shrinks[1]
        return enlarged[top : top + size, left : left + size]


@lru_cache(maxsize=12)
def generate_texture(finish: Finish, seed: int, size: int = 640) -> Texture:
    """Generate a finish's texture, ``size`` pixels square; deterministic for a seed."""
    standing = finish.material in _STANDING
    metres = WALL_HEIGHT if standing else _extent(finish)
    steps = (np.arange(size, dtype=np.float32) + 0.5) * (metres / size)
    v, u = np.meshgrid(steps, steps, indexing="ij")
    linear = _MAKERS[finish.material](finish, _TextureGrid(u, v, metres, np.random.default_rng(seed)))
    levels: list[Bytes] = [(np.clip(linear, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)]
    while levels[-1].shape[0] > 8:
        half = levels[-1].shape[0] // 2
        levels.append(cv2.resize(levels[-1], (half, half), interpolation=cv2.INTER_AREA))
    return Texture(tuple(levels), metres, standing)


def linear_colour(colour: str) -> Floats:
    """Convert ``#rrggbb`` to three linear-light values, 0 to 1 (gamma 2.2)."""
    return (np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)], np.float32) / 255) ** np.float32(2.2)


def _extent(finish: Finish) -> float:
    """Return the period of the texture in metres: whole units, about three metres."""
    unit = finish.size
    if finish.material == "herringbone":
        return 2 * finish.length * max(1, round(1.5 / finish.length))
    if finish.material in {"planks", "shiplap", "brick", "slats", "tiles", "checker"}:
        return unit * 2 * max(1, round(1.5 / unit))
    return 3.0


def _colours(finish: Finish) -> Floats:
    return np.stack([linear_colour(colour) for colour in finish.colours])


def _joint(finish: Finish) -> Floats:
    return linear_colour(finish.joint) if finish.joint else _colours(finish)[0] * np.float32(0.4)


def _mottled(finish: Finish, ground: _TextureGrid, sizes: tuple[float, ...], depth: float) -> Floats:
    """Blend the finish's colours in soft clouds."""
    clouds = sum((ground.noise(size, size) for size in sizes), np.zeros_like(ground.u)) / np.sqrt(len(sizes))
    colours = _colours(finish)
    second = colours[1] if len(colours) > 1 else colours[0] * np.float32(0.92)
    third = colours[2] if len(colours) > 2 else colours[0] * np.float32(1.04)
    blend = np.tanh(clouds * depth)[..., None]
    return np.asarray(
        colours[0] + np.maximum(blend, 0) * (second - colours[0]) + np.maximum(-blend, 0) * (third - colours[0])
    )


def _paint(finish: Finish, ground: _TextureGrid) -> Floats:
    grain = ground.noise(0.012, 0.012)[..., None]
    return np.asarray(_colours(finish)[0] * (1 + np.float32(0.008) * grain))


def _plaster(finish: Finish, ground: _TextureGrid) -> Floats:
    strokes = ground.noise(0.22, 0.05) + ground.noise(0.05, 0.2)
    return _mottled(finish, ground, (0.9, 0.35, 0.12), 0.8) * (1 + np.float32(0.012) * strokes[..., None])


def _concrete(finish: Finish, ground: _TextureGrid) -> Floats:
    pores = np.clip(ground.noise(0.012, 0.012) - 2.2, 0, 1)[..., None]
    return _mottled(finish, ground, (1.2, 0.4, 0.1), 0.5) * (1 - np.float32(0.35) * pores)


def _wood(colour: Floats, ground: _TextureGrid, shift: Floats, strength: float = 1.0) -> Floats:
    """Draw wood grain along u; ``shift`` differs from board to board."""
    fine = ground.noise(0.35, 0.004)
    rings = np.sin((ground.v * 130 + 1.6 * ground.noise(0.9, 0.05) + shift * 40).astype(np.float32))
    grain = np.float32(strength) * (np.float32(0.035) * rings + np.float32(0.05) * fine)
    return np.asarray(colour * (1 + grain)[..., None])


def _boards(finish: Finish, ground: _TextureGrid, gap: float) -> tuple[Floats, Floats, Integers]:
    """Lay boards along u: the share of gap (0 to 1), a random number for each board, and the index of its colour."""
    rows = round(ground.metres / finish.size)
    row = np.minimum((ground.v / finish.size).astype(np.int64), rows - 1)
    per_row = max(1, round(ground.metres / finish.length))
    length = ground.metres / per_row
    offset = ground.rng.uniform(0, length, rows).astype(np.float32)[row]
    place = (ground.u + offset) / np.float32(length)
    board = (row * per_row + place.astype(np.int64) % per_row) % (rows * per_row)
    look = ground.rng.uniform(0, 1, rows * per_row).astype(np.float32)
    index = ground.rng.integers(0, len(finish.colours), rows * per_row)
    across = np.abs((ground.v / finish.size) % 1 - 0.5)
    along = np.abs(place % 1 - 0.5)
    pixel = ground.metres / len(ground.u)
    width = max(gap, 1.2 * pixel)
    near = np.maximum(
        _line(0.5 - across, width / finish.size / 2, pixel / finish.size),
        _line(0.5 - along, width / length / 2, pixel / length),
    )
    return near, look[board], index[board]


def _line(distance: Floats, half_width: float, softness: float) -> Floats:
    """Return 1 within ``half_width``, falling to 0 over ``softness``."""
    return np.clip((half_width - distance) / softness + 0.5, 0, 1).astype(np.float32)


def _planks(finish: Finish, ground: _TextureGrid) -> Floats:
    gap, look, index = _boards(finish, ground, 0.003)
    wood = _wood(_colours(finish)[index], ground, look) * (0.94 + 0.12 * look)[..., None]
    return _jointed(wood, gap * np.float32(0.75), _joint(finish))


def _shiplap(finish: Finish, ground: _TextureGrid) -> Floats:
    seam = 0.5 - np.abs((ground.v / finish.size) % 1 - 0.5)
    pixel = ground.metres / len(ground.u) / finish.size
    gap = _line(seam, 0.004 / finish.size, pixel)
    return _jointed(_paint(finish, ground), gap, _joint(finish))


def _slats(finish: Finish, ground: _TextureGrid) -> Floats:
    turned = _TextureGrid(ground.v, ground.u, ground.metres, ground.rng)
    count = round(ground.metres / finish.size)
    slat = np.minimum((ground.u / finish.size).astype(np.int64), count - 1)
    look = ground.rng.uniform(0, 1, count).astype(np.float32)[slat]
    index = ground.rng.integers(0, len(finish.colours), count)[slat]
    wood = np.swapaxes(_wood(np.float32(1.0) * np.ones((*ground.u.shape, 3), np.float32), turned, look), 0, 1)
    wood = _colours(finish)[index] * wood
    place = (ground.u / finish.size) % 1
    pixel = ground.metres / len(ground.u) / finish.size
    gap = _line(np.abs(place - 0.5) - 0.0, 0.13, pixel)
    rounded = (0.86 + 0.18 * np.sin(np.pi * ((place + 0.5) % 1)))[..., None].astype(np.float32)
    return _jointed(wood * rounded, gap, _joint(finish))


def _brick(finish: Finish, ground: _TextureGrid) -> Floats:
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
    mortar = _line(np.minimum(across, along), 0.005, ground.metres / len(ground.u) * 1.5)
    face = _colours(finish)[index] * (tone * (1 + 0.07 * ground.noise(0.02, 0.02)))[..., None]
    return _jointed(face, mortar, _joint(finish) * (1 + np.float32(0.05) * ground.noise(0.02, 0.02)[..., None]))


def _herringbone(finish: Finish, ground: _TextureGrid) -> Floats:
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
    look = ground.rng.uniform(0, 1, 4096).astype(np.float32)[block]
    index = ground.rng.integers(0, len(finish.colours), 4096)[block]
    pixel = ground.metres / len(ground.u) / unit
    gap = np.maximum(
        _line(0.5 - np.abs(across - 0.5), max(0.0012 / unit, 0.5 * pixel), pixel),
        _line((0.5 - np.abs(along - 0.5)) * ratio, max(0.0012 / unit, 0.5 * pixel), pixel),
    )
    turned = _TextureGrid(ground.v, ground.u, ground.metres, ground.rng)
    flat = np.ones((*ground.u.shape, 3), np.float32)
    wood = np.where(lying[..., None], _wood(flat, ground, look, 0.8), np.swapaxes(_wood(flat, turned, look, 0.8), 0, 1))
    # Blocks of the two directions reflect the light differently.
    tone = (0.9 + 0.14 * look + 0.05 * lying)[..., None].astype(np.float32)
    return _jointed(_colours(finish)[index] * wood * tone, gap * np.float32(0.7), _joint(finish))


def _tiles(finish: Finish, ground: _TextureGrid) -> Floats:
    count = round(ground.metres / finish.size)
    i, j = ((axis / finish.size).astype(np.int64) % count for axis in (ground.u, ground.v))
    tile = i * count + j
    index = ground.rng.integers(0, len(finish.colours), count * count)[tile]
    return _jointed(_glazed(finish, ground, index, tile, count), _grout(finish, ground), _joint(finish))


def _checker(finish: Finish, ground: _TextureGrid) -> Floats:
    count = round(ground.metres / finish.size)
    i, j = ((axis / finish.size).astype(np.int64) % count for axis in (ground.u, ground.v))
    veins = np.exp(-np.abs(ground.noise(0.3, 0.3)) * 14)[..., None]
    index = (i + j) % 2
    stone = _glazed(finish, ground, index, i * count + j, count)
    vein = np.where(index[..., None] == 0, np.float32(-0.16), np.float32(0.5)) * veins
    return _jointed(stone * (1 + vein), _grout(finish, ground), _joint(finish))


def _glazed(finish: Finish, ground: _TextureGrid, index: Integers, tile: Integers, count: int) -> Floats:
    tone = ground.rng.uniform(0.95, 1.05, count * count).astype(np.float32)[tile]
    return _colours(finish)[index] * (tone * (1 + 0.02 * ground.noise(0.15, 0.15)))[..., None]


def _grout(finish: Finish, ground: _TextureGrid) -> Floats:
    pixel = ground.metres / len(ground.u)
    edge = np.minimum(*((0.5 - np.abs((axis / finish.size) % 1 - 0.5)) * finish.size for axis in (ground.u, ground.v)))
    return _line(edge, max(0.002, 0.6 * pixel), pixel)


def _terrazzo(finish: Finish, ground: _TextureGrid) -> Floats:
    colours = _colours(finish)
    result = np.broadcast_to(colours[0], (*ground.u.shape, 3))
    for colour in colours[1:]:
        chips = np.clip((ground.noise(0.03, 0.03) - 1.3) * 4, 0, 1)[..., None]
        result = result * (1 - chips) + colour * chips
    return np.asarray(result, np.float32)


def _carpet(finish: Finish, ground: _TextureGrid) -> Floats:
    pile = ground.noise(0.008, 0.008) * np.float32(0.08) + ground.noise(0.3, 0.3) * np.float32(0.03)
    return np.asarray(_colours(finish)[0] * (1 + pile)[..., None])


def _wainscot(finish: Finish, ground: _TextureGrid) -> Floats:
    """Paint the first colour above a rail, and upright panels (boards, when narrow) in the second colour below it."""
    colours = _colours(finish)
    lower = colours[min(1, len(colours) - 1)]
    pixel = ground.metres / len(ground.u)
    width = ground.metres / round(ground.metres / finish.size)
    side = (0.5 - np.abs((ground.u / width) % 1 - 0.5)) * width
    if finish.size < 0.25:
        seam = _line(side, max(0.003, 0.6 * pixel), pixel)
    else:
        edge = np.minimum(side, np.minimum(ground.v - 0.06, finish.length - ground.v - 0.02))
        seam = _line(np.abs(edge - 0.09), 0.006, pixel)
    board = _jointed(np.broadcast_to(lower, (*ground.u.shape, 3)), seam, _joint(finish))
    below = _line(ground.v, finish.length, pixel)[..., None]
    rail = _line(np.abs(ground.v - finish.length), 0.022, pixel)[..., None]
    wall = colours[0] * (1 - below) + board * below
    return np.asarray(wall * (1 - rail) + (lower * np.float32(1.12) + np.float32(0.02)) * rail)


def _panelling(finish: Finish, ground: _TextureGrid) -> Floats:
    """Draw tall framed panels with a thin inlay of the joint's colour."""
    pixel = ground.metres / len(ground.u)
    width = ground.metres / round(ground.metres / finish.size)
    side = (0.5 - np.abs((ground.u / width) % 1 - 0.5)) * width
    edge = np.minimum(side, np.minimum(ground.v - 0.08, 2.42 - ground.v))
    inlay = _line(np.abs(edge - 0.1), 0.007, pixel)
    groove = _line(np.abs(edge - 0.13), 0.01, pixel)
    return _jointed(_paint(finish, ground) * (1 - np.float32(0.3) * groove)[..., None], inlay, _joint(finish))


def _jointed(face: Floats, share: Floats, joint: Floats) -> Floats:
    return np.asarray(face * (1 - share[..., None]) + joint * share[..., None], np.float32)


_MAKERS: dict[Material, Callable[[Finish, _TextureGrid], Floats]] = {
    "paint": _paint,
    "plaster": _plaster,
    "concrete": _concrete,
    "brick": _brick,
    "shiplap": _shiplap,
    "slats": _slats,
    "panelling": _panelling,
    "wainscot": _wainscot,
    "planks": _planks,
    "herringbone": _herringbone,
    "tiles": _tiles,
    "checker": _checker,
    "terrazzo": _terrazzo,
    "carpet": _carpet,
}
