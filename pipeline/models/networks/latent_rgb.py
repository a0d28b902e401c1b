"""Progress images from latents, by a linear map to RGB (latent2rgb).

The VAE decoder's colours are nearly linear in the latents, so that the decoder itself is not needed.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import interpolate

from pipeline.core.arrays import Rgb
from pipeline.imaging.resize import PROGRESS_IMAGE_SIDE


@dataclass(frozen=True)
class LatentRgbFactors:
    """Linear map from four latent channels to RGB in [-1, 1]: a row (R, G, B) per channel, and the bias."""

    channels: tuple[tuple[float, float, float], ...]
    bias: tuple[float, float, float] = (0.0, 0.0, 0.0)


# Published by Keturn in "Decoding latents to RGB without upscaling" (Hugging Face forum, topic 23204).
SD15_RGB_FACTORS = LatentRgbFactors(
    ((0.298, 0.207, 0.208), (0.187, 0.286, 0.173), (-0.158, 0.189, 0.264), (-0.184, -0.271, -0.473))
)
# Published by Timothy Alexis Vass in "Explaining the SDXL latent space" (Hugging Face blog, 2023), for 0 to 255:
# 60, 60, 60; -60, -5, 10; 25, 15, -5; -70, -50, -35; bias 150, 140, 130.
SDXL_RGB_FACTORS = LatentRgbFactors(
    ((0.471, 0.471, 0.471), (-0.471, -0.039, 0.078), (0.196, 0.118, -0.039), (-0.549, -0.392, -0.275)),
    (0.176, 0.098, 0.020),
)


def latents_to_rgb(latents: torch.Tensor, factors: LatentRgbFactors) -> Rgb:
    """Convert the first of n×4×h×w latents to uint8 sRGB, enlarged to a longer side of about 256 pixels if smaller."""
    channels = torch.tensor(factors.channels, device=latents.device)
    bias = torch.tensor(factors.bias, device=latents.device)[:, None, None]
    rgb = torch.einsum("chw,cr->rhw", latents[0].float(), channels) + bias
    scale = max(PROGRESS_IMAGE_SIDE / max(rgb.shape[1:]), 1.0)
    size = [round(side * scale) for side in rgb.shape[1:]]
    large = interpolate(rgb[None], size=size, mode="bilinear", align_corners=False)[0]
    pixels = ((large / 2 + 0.5).clamp(0, 1) * 255).nan_to_num().round().to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())
