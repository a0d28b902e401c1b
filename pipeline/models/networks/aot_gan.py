"""AOT-GAN's generator, for inpainting without a prompt.

Zeng, Fu, Chao and Guo, Aggregated Contextual Transformations for High-Resolution Image Inpainting, 2021.
"""

import pickle
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.arrays import Rgb
from pipeline.core.out_of_memory import is_out_of_memory
from pipeline.models.arrays import Masks
from pipeline.models.networks.load_errors import state_differences
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.store import Weights

WIDTH = 64  # channels of the first convolution, as published
RATES = (1, 2, 4, 8)
BLOCKS = 8
GRID = 4  # the encoder divides each side by this
MIN_SIDE = 64  # pixels: enough for the reflection padding of the most dilated branch


class AotBlock(nn.Module):
    """AOT block: parallel dilated convolutions, added to the input through a learnt gate."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for number, rate in enumerate(RATES):
            branch = nn.Sequential(
                nn.ReflectionPad2d(rate), nn.Conv2d(channels, channels // len(RATES), 3, dilation=rate), nn.ReLU()
            )
            self.add_module(f"block{number:02}", branch)
        self.fuse = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3))
        self.gate = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3))

    def forward(self, features: Tensor) -> Tensor:
        """Map N×C×h×w to the same shape."""
        branches = (self.get_submodule(f"block{number:02}") for number in range(len(RATES)))
        fused = self.fuse(torch.cat([branch(features) for branch in branches], dim=1))
        gate_weight = torch.sigmoid(_normalized(self.gate(features)))
        mixed: Tensor = features * (1 - gate_weight) + fused * gate_weight
        return mixed


class UpsamplingLayer(nn.Module):
    """Upsampling layer: bilinear, to twice the sides, followed by a convolution."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map N×C×h×w to N×out×2h×2w."""
        larger: Tensor = self.conv(interpolate(features, scale_factor=2, mode="bilinear", align_corners=True))
        return larger


class Generator(nn.Module):
    """Generator with the published checkpoint's parameter names: 15,200,835 parameters at a ``width`` of 64."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.ReflectionPad2d(3),
            nn.Conv2d(4, width, 7),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1),
            nn.ReLU(),
        )
        self.middle = nn.Sequential(*(AotBlock(4 * width) for _ in range(BLOCKS)))
        self.decoder = nn.Sequential(
            UpsamplingLayer(4 * width, 2 * width),
            nn.ReLU(),
            UpsamplingLayer(2 * width, width),
            nn.ReLU(),
            nn.Conv2d(width, 3, 3, padding=1),
        )

    def forward(self, photo: Tensor, hole: Tensor, on_step: Callable[[float], None] = lambda _: None) -> Tensor:
        """Fill the hole of ``photo`` (N×3×h×w in [-1, 1]); ``hole`` is N×1×h×w, 1 inside. Return N×3×h×w in [-1, 1].

        Sides are multiples of 4. ``on_step`` receives the fraction done after each part of the network.
        """
        features = torch.cat((photo * (1 - hole) + hole, hole), dim=1)
        parts = (self.encoder, *self.middle, self.decoder)
        for number, part in enumerate(parts):
            features = part(features)
            on_step((number + 1) / len(parts))
        return torch.tanh(features)


class AotGan(TorchNetwork):
    """Implements ``HoleFiller`` with AOT-GAN."""

    def __init__(self, placement: Placement, generator: Generator) -> None:
        super().__init__(placement, generator)
        self._generator = generator

    @torch.inference_mode()
    def fill(self, photo: Rgb, hole: Masks, on_step: Callable[[float], None] = lambda _: None) -> Rgb:
        """Fill the H×W bool ``hole`` of ``photo``: H×W×3 uint8 sRGB, outside the hole only similar to ``photo``.

        Raises ``FloatingPointError`` if the output is not finite, and whatever ``on_step`` raises.
        """
        height, width = hole.shape
        padding = [(0, max(-(-side // GRID) * GRID, MIN_SIDE) - side) for side in (height, width)]
        pixels = torch.from_numpy(np.pad(photo, (*padding, (0, 0)), mode="reflect")).permute(2, 0, 1)[None]
        mask = torch.from_numpy(np.pad(hole, padding, mode="reflect"))[None, None]
        (output,) = self.finite(lambda: (self._generated(pixels.to(self.device), mask.to(self.device), on_step),))
        filled = output[0, :, :height, :width]
        pixels_8bit = ((filled.float() / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        return np.ascontiguousarray(pixels_8bit.permute(1, 2, 0).cpu().numpy())

    def close(self) -> None:
        """Drop the modules."""
        super().close()
        del self._generator

    def _generated(self, pixels: Tensor, mask: Tensor, on_step: Callable[[float], None]) -> Tensor:
        inputs = (pixels.to(self.dtype) / 127.5 - 1).contiguous(memory_format=self.placement.memory_format)
        output: Tensor = self._generator(inputs, mask.to(self.dtype), on_step)
        return output


def load(weights: Mapping[str, Weights], placement: Placement) -> AotGan:
    """Load the role ``fill``: one file, a bare state dictionary of tensors.

    Raises ``DarkroomError`` (``engine_unavailable``) naming the file if it is anything else.
    """
    model_weights = weights["fill"]
    try:
        state = torch.load(model_weights.folder / model_weights.model.files[0], map_location="cpu", weights_only=True)
        generator = Generator(len(state["encoder.1.weight"]))
        differences = state_differences(generator, state)
    except (pickle.UnpicklingError, EOFError, RuntimeError, LookupError, TypeError, AttributeError) as error:
        if is_out_of_memory(error):
            raise
        raise _load_error(model_weights) from error
    if differences:
        raise _load_error(model_weights, f": {differences}")
    generator.load_state_dict(state)
    return AotGan(placement, generator)


def _load_error(weights: Weights, differences: str = "") -> DarkroomError:
    model = weights.model
    return DarkroomError(
        ErrorCode.ENGINE_UNAVAILABLE,
        f"{model.id}/{model.files[0]} is not AOT-GAN's generator, which its authors publish as G0000000.pt"
        f"{differences}. `darkroom models fetch {model.id}`, or `darkroom models import {model.id} FILE`, brings it.",
    )


def _normalized(gate: Tensor) -> Tensor:
    """Normalise each channel over its pixels, then stretch it, so that most gates are nearly open or closed."""
    # Computed in fp32: in fp16 the sum over a picture overflows, and the epsilon of 1e-9 becomes 0.
    single_precision = gate.float()
    mean = single_precision.mean(dim=(2, 3), keepdim=True)
    deviation = single_precision.std(dim=(2, 3), keepdim=True) + 1e-9
    return (5 * (2 * (single_precision - mean) / deviation - 1)).to(gate.dtype)
