"""Random weights of the super-resolution networks."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from bench.random_weights import Scale, Writer
from pipeline.weights.catalog import Model

GROWTH = 32  # channels that each convolution of a dense block adds, fixed by the architecture
WIDTH, BLOCKS = 64, {"enlarger_photo": 23, "enlarger_anime": 6}
TINY_WIDTH, TINY_BLOCKS = 8, {"enlarger_photo": 1, "enlarger_anime": 1}
# The share of noise in a layer's output; the first three channels pass the colours on.
NOISE_SHARE = 0.3


def write_enlarger(folder: Path, model: Model, scale: Scale) -> None:
    """Write an RRDB network with the names of Real-ESRGAN's releases that repeats pixels and adds some noise.

    Written in either file format: safetensors hold the tensors themselves, a ``.pth`` has them under ``params_ema``.
    """
    torch.manual_seed(len(model.id))
    tiny = scale is Scale.TINY
    blocks, width = (TINY_BLOCKS if tiny else BLOCKS)[model.role], TINY_WIDTH if tiny else WIDTH
    weights: dict[str, Tensor] = {}

    def convolution(name: str, inputs: int, outputs: int, *, passes_colours: bool) -> None:
        kernel = torch.randn(outputs, inputs, 3, 3) * NOISE_SHARE / (inputs * 9) ** 0.5
        if passes_colours:
            kernel[:3] *= NOISE_SHARE
            kernel[range(3), range(3), 1, 1] = 1
        weights[f"{name}.weight"] = kernel
        weights[f"{name}.bias"] = torch.zeros(outputs)

    convolution("conv_first", 3, width, passes_colours=True)
    for block in range(blocks):
        for dense in range(1, 4):
            for layer in range(1, 6):
                inputs = width + GROWTH * (layer - 1)
                convolution(
                    f"body.{block}.rdb{dense}.conv{layer}",
                    inputs,
                    width if layer == 5 else GROWTH,
                    passes_colours=False,
                )
    convolution("conv_body", width, width, passes_colours=False)
    for name in ("conv_up1", "conv_up2", "conv_hr"):
        convolution(name, width, width, passes_colours=True)
    convolution("conv_last", width, 3, passes_colours=True)
    file = folder / model.files[0]
    if file.suffix == ".safetensors":
        save_file(weights, file)
    else:
        torch.save({"params_ema": weights}, file)


WRITERS: dict[str, Writer] = {"enlarger_photo": write_enlarger, "enlarger_anime": write_enlarger}
