"""Real-ESRGAN through spandrel, which knows the network by the names of its weights."""

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

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.imaging.tiles import Tile
from pipeline.models.arrays import Floats
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.store import Weights

FACTOR = 4
RESIDUAL = 0.2  # how much of what three dense blocks make is added to what they were given
# Numbers that are held at once for a pixel of the picture: at four times its size, 64 channels before a convolution and
# 64 after, and what convolving itself takes. On a CPU 13 KB of single precision were measured: 3.2 times 64 channels.
VALUES_PER_PIXEL = 64 * FACTOR**2 * 5
SHARE = 0.7  # of the free memory
# Pixels of the picture at once: by arithmetic, two seconds of a T4; on two cores of a CPU, one for each step.
MAX_PIXELS_ON_GPU = 2 * 512**2
MAX_PIXELS_ON_CPU = 256**2


class SuperResolution(TorchNetwork):
    """Enlarges four times (Wang et al., Real-ESRGAN, 2021): residual-in-residual dense blocks, then two doublings."""

    def __init__(self, placement: Placement, module: ESRGAN) -> None:
        super().__init__(placement, module)

    @property
    def factor(self) -> int:
        """How many times as wide and as high it makes a tile."""
        return FACTOR

    def pixel_capacity(self) -> int:
        """How many pixels of a picture it can take at once in the memory that is free now."""
        if self.device.type != "cuda":
            free, most = psutil.virtual_memory().available // 2, MAX_PIXELS_ON_CPU
        else:
            free, _ = torch.cuda.mem_get_info(self.device)
            # What torch keeps for itself is free to it.
            free += torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
            most = MAX_PIXELS_ON_GPU
        return min(int(free * SHARE) // (VALUES_PER_PIXEL * self.dtype.itemsize), most)

    @torch.inference_mode()
    def upscale(self, tiles: Sequence[Tile], on_step: Callable[[float], None]) -> Sequence[Floats]:
        """Each of the tiles, all of one size, as its parts want it: h×w×3 float32 in [0, 255].

        ``on_step`` hears after each dense block which fraction is done.
        """
        pixels = torch.from_numpy(np.stack([tile.pixels for tile in tiles])).to(self.device)
        given = pixels.permute(0, 3, 1, 2).to(self.dtype).div_(255)
        answer = self._enlarged(given.contiguous(memory_format=self.placement.memory_format), on_step)
        return [self._reduced(each, tile) for each, tile in zip(answer, tiles, strict=True)]

    def _enlarged(self, given: Tensor, on_step: Callable[[float], None]) -> Tensor:
        module: Any = self._modules[0]
        first, trunk, *tail = module.model
        *blocks, last = trunk.sub
        # As the module itself would, but step by step: a tile takes a CPU half a minute.
        steps, done = 3 * len(blocks) + len(tail), 0
        features = first(given)
        deep = features
        for block in blocks:
            grown = deep
            for dense in (block.RDB1, block.RDB2, block.RDB3):
                grown = dense(grown)
                on_step((done := done + 1) / steps)
            deep = deep + grown * RESIDUAL
        features = features + last(deep)
        del deep, grown
        for layer in tail:
            features = layer(features)
            on_step((done := done + 1) / steps)
        answer: Tensor = features
        return answer

    def _reduced(self, enlarged: Tensor, tile: Tile) -> Floats:
        """3×H×W in [0, 1], about, to the tile's pixels of the result."""
        values = _along(tile.rows.reduction, enlarged.float().clamp(0, 1).mul_(255))
        values = _along(tile.columns.reduction, values.transpose(1, 2)).permute(2, 1, 0)
        return np.array(values.cpu().numpy(), order="C")


def _along(reduction: slice | Floats, values: Tensor) -> Tensor:
    """3×H×W, its rows reduced."""
    if isinstance(reduction, slice):
        return values[:, reduction]
    return torch.from_numpy(reduction).to(values.device) @ values


def load(weights: Mapping[str, Weights], placement: Placement) -> SuperResolution:
    """From whichever of the roles that enlarge is given.

    Raises ``DarkroomError`` (``engine_unavailable``) for a file that holds anything but a network of this kind.
    """
    (given,) = weights.values()
    file = given.folder / given.model.files[0]
    try:
        described = ModelLoader().load_from_state_dict(canonicalize_state_dict(_read(file)))
    except (UnsupportedModelError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise _refused(file, given, "it holds no network that enlarges") from error
    module = described.model
    if not isinstance(module, ESRGAN) or described.scale != FACTOR or module.shuffle_factor:
        raise _refused(file, given, f"its network is not an ESRGAN that enlarges {FACTOR} times")
    if (described.input_channels, described.output_channels) != (3, 3):
        raise _refused(file, given, "its network is not one for colours")
    return SuperResolution(placement, module)


def _read(file: Path) -> dict[str, Any]:
    """The weights by name, and nothing run.

    Not by spandrel's own reading of pickles, which takes TorchScript archives, that hold code, as well.
    """
    try:
        if file.suffix == ".safetensors":
            return dict(load_file(file))
        held = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, ValueError, EOFError) as error:
        raise RuntimeError("not weights alone") from error
    if not isinstance(held, dict):
        raise TypeError("not weights by name")
    return held


def _refused(file: Path, weights: Weights, why: str) -> DarkroomError:
    return DarkroomError(
        ErrorCode.ENGINE_UNAVAILABLE,
        f"{file.parent.name}/{file.name} was not loaded: {why}. `darkroom models fetch {weights.model.id}` gets it "
        "anew.",
        retryable=False,
    )
