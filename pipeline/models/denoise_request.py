"""An order for the painter, and how it hears of every step."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from darkroom.contract.params import Profile
from pipeline.core.arrays import Rgb
from pipeline.models.arrays import Bytes, Masks


class Sampler(StrEnum):
    """How noise becomes a picture."""

    DPM = "dpm++"  # DPM-Solver++, second-order multistep: Lu et al. 2022
    LCM = "lcm"  # latent consistency: Luo et al. 2023


@dataclass(frozen=True)
class SamplingPreset:
    """What a profile stands for where the caller says nothing else."""

    sampler: Sampler
    steps: int
    guidance: float


SAMPLING_PRESETS = {
    Profile.FAST: SamplingPreset(Sampler.LCM, 4, 1.0),
    Profile.QUALITY: SamplingPreset(Sampler.DPM, 20, 7.5),
}


@dataclass(frozen=True)
class DenoiseRequest:
    """What to paint, on a canvas of h×w pixels, both multiples of 8.

    ``photo`` is h×w×3 uint8 sRGB; ``depth`` (near = bright) and ``edges`` (255 on an edge) are h×w uint8; ``kept`` is
    h×w bool, or None for nothing. ``strength`` in (0, 1] says how far to go from the photo; ``steps`` are done at any
    strength. With a ``guidance`` of 1 there is no classifier-free guidance, and ``restyle_negative_prompt`` has no
    effect. ``scales`` weigh depth and edges, in this order.
    """

    prompt: str
    negative_prompt: str
    photo: Rgb
    depth: Bytes
    edges: Bytes
    keep_mask: Masks | None
    sampler: Sampler
    steps: int
    guidance: float
    strength: float
    seed: int
    controlnet_scales: tuple[float, ...]


@dataclass(frozen=True)
class InpaintDenoiseRequest:
    """What to paint into a hole, on a canvas of h×w pixels, both multiples of 8.

    ``photo`` is h×w×3 uint8 sRGB, ``hole`` h×w bool. With a ``guidance`` of 1 there is no classifier-free guidance, and
    ``restyle_negative_prompt`` has no effect.
    """

    prompt: str
    negative_prompt: str
    photo: Rgb
    hole: Masks
    steps: int
    guidance: float
    seed: int


# Gives a look at the picture as it is going to be: h×w×3 uint8 sRGB, small. Costs something only when called.
MakeProgressImage = Callable[[], Rgb]
# Hears after every denoising step how many are done, of how many; what it raises ends the painting there and then.
OnStep = Callable[[int, int, MakeProgressImage], None]
