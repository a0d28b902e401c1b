"""Texture sampling grid, and helpers that several materials share."""

from dataclasses import dataclass

import cv2
import numpy as np

from darkroom.contract.styles import Finish
from pipeline.core.arrays import Floats


@dataclass(frozen=True)
class TextureGrid:
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


def linear_colour(colour: str) -> Floats:
    """Convert ``#rrggbb`` to three linear-light values, 0 to 1 (gamma 2.2)."""
    return (np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)], np.float32) / 255) ** np.float32(2.2)


def finish_colours(finish: Finish) -> Floats:
    return np.stack([linear_colour(colour) for colour in finish.colours])


def joint_colour(finish: Finish) -> Floats:
    return linear_colour(finish.joint) if finish.joint else finish_colours(finish)[0] * np.float32(0.4)


def mottled(finish: Finish, ground: TextureGrid, sizes: tuple[float, ...], depth: float) -> Floats:
    """Blend the finish's colours in soft clouds."""
    clouds = sum((ground.noise(size, size) for size in sizes), np.zeros_like(ground.u)) / np.sqrt(len(sizes))
    colours = finish_colours(finish)
    second = colours[1] if len(colours) > 1 else colours[0] * np.float32(0.92)
    third = colours[2] if len(colours) > 2 else colours[0] * np.float32(1.04)
    blend = np.tanh(clouds * depth)[..., None]
    return np.asarray(
        colours[0] + np.maximum(blend, 0) * (second - colours[0]) + np.maximum(-blend, 0) * (third - colours[0])
    )


def paint(finish: Finish, ground: TextureGrid) -> Floats:
    grain = ground.noise(0.012, 0.012)[..., None]
    return np.asarray(finish_colours(finish)[0] * (1 + np.float32(0.008) * grain))


def line_mask(distance: Floats, half_width: float, softness: float) -> Floats:
    """Return 1 within ``half_width``, falling to 0 over ``softness``."""
    return np.clip((half_width - distance) / softness + 0.5, 0, 1).astype(np.float32)


def with_joints(face: Floats, share: Floats, joint: Floats) -> Floats:
    return np.asarray(face * (1 - share[..., None]) + joint * share[..., None], np.float32)
