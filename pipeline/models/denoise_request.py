"""Denoise requests: the inputs of Stable Diffusion, and the callback after each denoising step."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from darkroom.contract.params import Profile
from pipeline.core.arrays import Rgb
from pipeline.models.arrays import Bytes, Masks


class Sampler(StrEnum):
    """Sampling method of the diffusion model."""

    DPM = "dpm++"  # DPM-Solver++, second-order multistep: Lu et al. 2022
    LCM = "lcm"  # latent consistency: Luo et al. 2023


@dataclass(frozen=True)
class SamplingPreset:
    """Default sampling settings of a profile."""

    sampler: Sampler
    steps: int
    guidance: float


SAMPLING_PRESETS = {
    Profile.FAST: SamplingPreset(Sampler.LCM, 4, 1.0),
    Profile.QUALITY: SamplingPreset(Sampler.DPM, 20, 7.5),
}


@dataclass(frozen=True)
class DenoiseRequest:
    """Image-to-image request with ControlNets, on a canvas of h×w pixels, both multiples of 8.

    - ``photo``: h×w×3 uint8 sRGB
    - ``depth`` (near = bright) and ``edges`` (255 on an edge): h×w uint8
    - ``keep_mask``: h×w bool, pixels that stay; None for none
    - ``strength``: distance from the photo, in (0, 1]; ``steps`` are done at any strength
    - ``guidance``: 1 disables classifier-free guidance, so that ``negative_prompt`` has no effect
    - ``controlnet_scales``: weights of depth and edges, in this order
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
    """Inpainting request, on a canvas of h×w pixels, both multiples of 8.

    ``photo`` is h×w×3 uint8 sRGB, ``hole`` h×w bool. A ``guidance`` of 1 disables classifier-free guidance, so that
    ``negative_prompt`` has no effect.
    """

    prompt: str
    negative_prompt: str
    photo: Rgb
    hole: Masks
    steps: int
    guidance: float
    seed: int


# Returns a progress image: h×w×3 uint8 sRGB, small. It is computed only when called.
MakeProgressImage = Callable[[], Rgb]
# Called after every denoising step with the steps done, their total and a progress image. If it raises, denoising ends.
OnStep = Callable[[int, int, MakeProgressImage], None]
