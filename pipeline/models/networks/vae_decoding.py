"""From a VAE decoder's numbers to pixels, in single precision where half does not hold them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from pipeline.core.arrays import Rgb


def decode_latents(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """1×3×h×w, about [-1, 1], from latents in the decoder's scale times its factor."""
    picture: torch.Tensor = vae.decode(latents / vae.config.scaling_factor, return_dict=False)[0]
    return picture


def decode_to_picture(vae: nn.Module, latents: torch.Tensor, by: Callable[[torch.Tensor], torch.Tensor]) -> Rgb:
    """The picture, h×w×3 uint8 sRGB, ``by`` a function that decodes with ``vae``.

    Raises ``FloatingPointError`` when the weights give no numbers.
    """
    picture = by(latents)
    if not torch.isfinite(picture).all():
        # Some pictures are beyond what fp16 holds: black, if nobody looks.
        _recast(vae, torch.float32)
        try:
            picture = by(latents.float())
        finally:
            _recast(vae, latents.dtype)
        if not torch.isfinite(picture).all():
            raise FloatingPointError("the networks gave no numbers")
    pixels = ((picture[0].float() / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())


@torch.inference_mode(mode=False)
def _recast(vae: nn.Module, dtype: torch.dtype) -> None:
    # Not diffusers' own ``.to()``, which warns of what no VAE has; outside of inference mode, or it could not move.
    nn.Module.to(vae, dtype)
