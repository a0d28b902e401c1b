"""How networks move between the device, the host's memory and nowhere."""

from typing import Protocol

import torch
from torch import nn

from pipeline.models.device import Placement


class Movable(Protocol):
    """What the manager asks of everything that it holds."""

    def size(self) -> int:
        """Bytes that it takes on the device, measured."""

    def to_device(self) -> None:
        """Be ready to compute. Doing it again does nothing."""

    def to_host(self) -> None:
        """Leave the device's memory for the host's; no copy stays behind."""

    def close(self) -> None:
        """Give back all memory; it is not used again."""


class TorchNetwork:
    """Base of the networks on torch: one or more modules that move together.

    The modules come in the CPU's memory, as they were loaded; they are made ready for inference in the placement's
    dtype and memory format.
    """

    def __init__(self, placement: Placement, *modules: nn.Module) -> None:
        self.placement = placement
        self._modules = modules
        for module in modules:
            module.eval().requires_grad_(False)
            module.to(dtype=placement.dtype, memory_format=placement.memory_format)  # type: ignore[call-overload] # torch

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.placement.device

    @property
    def dtype(self) -> torch.dtype:
        """In what numbers."""
        return self.placement.dtype

    def size(self) -> int:
        """Bytes of parameters and buffers."""
        tensors = {
            tensor.data_ptr(): tensor
            for module in self._modules
            for tensor in (*module.parameters(), *module.buffers())
        }
        return sum(tensor.nbytes for tensor in tensors.values())

    def to_device(self) -> None:
        """Move every module to the placement's device."""
        for module in self._modules:
            module.to(self.device)

    def to_host(self) -> None:
        """Move every module to the host's memory."""
        for module in self._modules:
            module.to("cpu")

    def close(self) -> None:
        """Forget the modules."""
        self._modules = ()
