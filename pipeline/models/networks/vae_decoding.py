"""VAE decoding: latents to pixels, in single precision if half precision overflows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from pipeline.core.arrays import Rgb


def decode_latents(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Decode latents, scaled by the VAE's scaling factor, to 1×3×h×w in about [-1, 1]."""
    picture: torch.Tensor = vae.decode(latents / vae.config.scaling_factor, return_dict=False)[0]
    return picture


def decode_to_picture(vae: nn.Module, latents: torch.Tensor, decode: Callable[[torch.Tensor], torch.Tensor]) -> Rgb:
    """Decode latents to a picture, h×w×3 uint8 sRGB. ``decode`` decodes with ``vae``.

    Raises ``FloatingPointError`` if the output is not finite.
    """
    picture = decode(latents)
    if not torch.isfinite(picture).all():
        # Some pictures overflow fp16 in the decoder and would come out black.
        _recast(vae, torch.float32)
        try:
            picture = decode(latents.float())
        finally:
            _recast(vae, latents.dtype)
        if not torch.isfinite(picture).all():
            raise FloatingPointError("the networks gave no numbers")
    pixels = ((picture[0].float() / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())


@torch.inference_mode(mode=False)
def _recast(vae: nn.Module, dtype: torch.dtype) -> None:
    # diffusers' own ``.to()`` gives irrelevant warnings. In inference mode the module could not be moved.
    nn.Module.to(vae, dtype)
