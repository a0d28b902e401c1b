"""Procedural materials: seamless textures of known size for floors, walls and ceilings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from darkroom.contract.styles import Finish, Material
from pipeline.core.arrays import Bytes, Floats
from pipeline.preview.rendering.boards import herringbone, panelling, planks, shiplap, slats, wainscot
from pipeline.preview.rendering.masonry import brick, carpet, checker, concrete, plaster, terrazzo, tiles
from pipeline.preview.rendering.texture_grid import TextureGrid, paint

WALL_HEIGHT = 3.2  # metres covered by a texture that is anchored to the floor
_FLOOR_ANCHORED: frozenset[Material] = frozenset({"wainscot", "panelling"})


@dataclass(frozen=True)
class Texture:
    """Texture of a material, ready to be mapped to a plane.

    ``levels``: a mipmap of S×S×3 uint8 sRGB squares, each half the last, that repeat every ``metres``. Each has a
    border of one more pixel, taken from its opposite side, so that interpolation across its end reads no other place.
    ``anchored_to_floor``: rows run from the wall's foot (0) upwards, so it must not be shifted vertically.
    """

    levels: tuple[Bytes, ...]
    metres: float
    anchored_to_floor: bool


@lru_cache(maxsize=12)
def generate_texture(finish: Finish, seed: int, size: int = 640) -> Texture:
    """Generate a finish's texture, ``size`` pixels square; deterministic for a seed."""
    anchored = finish.material in _FLOOR_ANCHORED
    metres = WALL_HEIGHT if anchored else _extent(finish)
    steps = (np.arange(size, dtype=np.float32) + 0.5) * (metres / size)
    v, u = np.meshgrid(steps, steps, indexing="ij")
    linear = _MAKERS[finish.material](finish, TextureGrid(u, v, metres, np.random.default_rng(seed)))
    levels: list[Bytes] = [(np.clip(linear, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)]
    while levels[-1].shape[0] > 8:
        half = levels[-1].shape[0] // 2
        levels.append(cv2.resize(levels[-1], (half, half), interpolation=cv2.INTER_AREA))
    bordered = [cv2.copyMakeBorder(level, 1, 1, 1, 1, cv2.BORDER_WRAP) for level in levels]
    return Texture(tuple(bordered), metres, anchored)


def _extent(finish: Finish) -> float:
    """Return the period of the texture in metres: whole units, about three metres."""
    unit = finish.size
    if finish.material == "herringbone":
        return 2 * finish.length * max(1, round(1.5 / finish.length))
    if finish.material in {"planks", "shiplap", "brick", "slats", "tiles", "checker"}:
        return unit * 2 * max(1, round(1.5 / unit))
    return 3.0


_MAKERS: dict[Material, Callable[[Finish, TextureGrid], Floats]] = {
    "paint": paint,
    "plaster": plaster,
    "concrete": concrete,
    "brick": brick,
    "shiplap": shiplap,
    "slats": slats,
    "panelling": panelling,
    "wainscot": wainscot,
    "planks": planks,
    "herringbone": herringbone,
    "tiles": tiles,
    "checker": checker,
    "terrazzo": terrazzo,
    "carpet": carpet,
}
