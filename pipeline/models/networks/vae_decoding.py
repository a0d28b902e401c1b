"""VAE decoding: latents to pixels, in single precision if half precision overflows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from pipeline.core.arrays import Rgb
from pipeline.models.offload.runtimes import TorchNetwork


def decode_latents(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Decode latents, scaled by the VAE's scaling factor, to 1×3×h×w in about [-1, 1]."""
    picture: torch.Tensor = vae.decode(latents / vae.config.scaling_factor, return_dict=False)[0]
    return picture


def decode_to_picture(
    network: TorchNetwork, vae: nn.Module, latents: torch.Tensor, decode: Callable[[torch.Tensor], torch.Tensor]
) -> Rgb:
    """Decode latents to a picture, h×w×3 uint8 sRGB. ``decode`` decodes with ``vae``, a module of ``network``.

    Some pictures overflow fp16 in the decoder and would come out black. Raises ``FloatingPointError`` if the output is
    not finite. Latents that are not finite raise it at once: a U-Net is not repeated in single precision, which would
    take minutes and twice its memory.
    """
    if not torch.isfinite(latents).all():
        raise FloatingPointError("the U-Net gave latents that are not finite")
    (picture,) = network.finite(lambda: (decode(latents.to(network.dtype)),), vae)
    pixels = ((picture[0].float() / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())
