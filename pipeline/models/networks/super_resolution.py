"""Real-ESRGAN super-resolution through spandrel, which detects the architecture from the weights' names."""

import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from spandrel import ModelLoader, UnsupportedModelError, canonicalize_state_dict
from spandrel.architectures.ESRGAN import ESRGAN
from torch import Tensor

from pipeline.core.out_of_memory import is_out_of_memory
from pipeline.imaging.tiles import Tile
from pipeline.models.arrays import Floats
from pipeline.models.networks.load_errors import load_error, refuse
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.store import Weights

FACTOR = 4
RESIDUAL = 0.2  # residual scale of three dense blocks
# Values held at once per source pixel: at four times its size, 64 channels before a convolution, 64 after it, and the
# convolution's workspace. 13 KB in single precision were measured on a CPU: 3.2 times 64 channels.
VALUES_PER_PIXEL = 64 * FACTOR**2 * 5
MEMORY_SHARE = 0.7  # of the free memory
# Source pixels at once. Calculated: two seconds on a T4; on two CPU cores, one second per step.
MAX_PIXELS_ON_GPU = 2 * 512**2
MAX_PIXELS_ON_CPU = 256**2


class SuperResolution(TorchNetwork):
    """Implements ``Upscaler``, four times (Wang et al., Real-ESRGAN, 2021): RRDB blocks, then two 2× upsamplings."""

    def __init__(self, placement: Placement, module: ESRGAN) -> None:
        super().__init__(placement, module)

    @property
    def factor(self) -> int:
        """Enlargement factor of each side."""
        return FACTOR

    def pixel_capacity(self) -> int:
        """Return how many source pixels fit into the memory that is free now."""
        if self.device.type != "cuda":
            free, limit = psutil.virtual_memory().available // 2, MAX_PIXELS_ON_CPU
        else:
            free, _ = torch.cuda.mem_get_info(self.device)
            # Memory cached by torch is free for it, too.
            free += torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
            limit = MAX_PIXELS_ON_GPU
        return min(int(free * MEMORY_SHARE) // (VALUES_PER_PIXEL * self.dtype.itemsize), limit)

    @torch.inference_mode()
    def upscale(self, tiles: Sequence[Tile], on_step: Callable[[float], None]) -> Sequence[Floats]:
        """Enlarge tiles of one size, each reduced to its ``target``: h×w×3 float32 in [0, 255].

        ``on_step`` receives the fraction done after each dense block. Raises ``FloatingPointError`` if a pixel is not
        finite.
        """
        pixels = torch.from_numpy(np.stack([tile.pixels for tile in tiles])).to(self.device)
        (output,) = self.finite(lambda: (self._enlarged(self._inputs(pixels), on_step),))
        return [self._reduced(each, tile) for each, tile in zip(output, tiles, strict=True)]

    def _inputs(self, pixels: Tensor) -> Tensor:
        inputs = pixels.permute(0, 3, 1, 2).to(self.dtype).div_(255)
        return inputs.contiguous(memory_format=self.placement.memory_format)

    def _enlarged(self, inputs: Tensor, on_step: Callable[[float], None]) -> Tensor:
        module: Any = self._modules[0]
        first, trunk, *tail = module.model
        *blocks, last = trunk.sub
        # Same computation as the module's forward, but with progress, as a tile takes half a minute on a CPU.
        steps, done = 3 * len(blocks) + len(tail), 0
        features = first(inputs)
        deep = features
        for block in blocks:
            block_output = deep
            for dense in (block.RDB1, block.RDB2, block.RDB3):
                block_output = dense(block_output)
                on_step((done := done + 1) / steps)
            deep = deep + block_output * RESIDUAL
        features = features + last(deep)
        del deep, block_output
        for layer in tail:
            features = layer(features)
            on_step((done := done + 1) / steps)
        output: Tensor = features
        return output

    def _reduced(self, enlarged: Tensor, tile: Tile) -> Floats:
        """Reduce 3×H×W in about [0, 1] to the tile's pixels of the result."""
        values = _along(tile.rows.reduction, enlarged.float().clamp(0, 1).mul_(255))
        values = _along(tile.columns.reduction, values.transpose(1, 2)).permute(2, 1, 0)
        return np.array(values.cpu().numpy(), order="C")


def _along(reduction: slice | Floats, values: Tensor) -> Tensor:
    """Reduce the rows of 3×H×W."""
    if isinstance(reduction, slice):
        return values[:, reduction]
    return torch.from_numpy(reduction).to(values.device) @ values


def load(weights: Mapping[str, Weights], placement: Placement) -> SuperResolution:
    """Load the one role in ``weights``, ``enlarger_photo`` or ``enlarger_anime``.

    Raises ``DarkroomError`` (``engine_unavailable``) if the file is not a four-times ESRGAN for RGB.
    """
    (model_weights,) = weights.values()
    (file,) = model_weights.model.files
    unsupported = (UnsupportedModelError, KeyError, TypeError, AttributeError, RuntimeError)
    with refuse(model_weights, file, "it holds no network that enlarges", *unsupported):
        state = canonicalize_state_dict(_read(model_weights.folder / file))
        descriptor = ModelLoader().load_from_state_dict(state)
    module = descriptor.model
    if not isinstance(module, ESRGAN) or descriptor.scale != FACTOR or module.shuffle_factor:
        raise load_error(model_weights, file, f"its network is not an ESRGAN that enlarges {FACTOR} times")
    if (descriptor.input_channels, descriptor.output_channels) != (3, 3):
        raise load_error(model_weights, file, "its network is not one for colours")
    # spandrel renames the tensors that it knows, and leaves out the others.
    if len(state) != (fitting := len(module.state_dict())):
        raise load_error(model_weights, file, f"it has {len(state)} tensors, of which the network knows {fitting}")
    return SuperResolution(placement, module)


def _read(file: Path) -> dict[str, Any]:
    """Read the weights by name, without executing pickled code.

    spandrel's own reader is not used, as it also accepts TorchScript archives, which contain code.
    """
    try:
        if file.suffix == ".safetensors":
            return dict(load_file(file))
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, ValueError, EOFError) as error:
        if is_out_of_memory(error):
            raise
        raise RuntimeError("not weights alone") from error
    if not isinstance(state, dict):
        raise TypeError("not weights by name")
    return state
