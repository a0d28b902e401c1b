"""Placement of networks: their device, dtype, memory format and memory budgets."""

import gc
from dataclasses import dataclass
from typing import Self

import psutil
import torch

from darkroom.contract.errors import DarkroomError, ErrorCode

GIB = 2**30
# Memory reserved for activations, beside the weights: a tenth of the GPU, at least this much.
ACTIVATIONS = 3 * GIB // 2


@dataclass(frozen=True)
class Placement:
    """A device with the dtype and memory format that suit it.

    ``required`` means that the device was requested by name: no runtime may compute elsewhere.
    """

    device: torch.device
    dtype: torch.dtype
    memory_format: torch.memory_format
    required: bool = False

    @classmethod
    def for_device(cls, name: str = "auto") -> Self:
        """Choose the placement: CUDA in fp16 (a T4 has no bf16) and channels last, or the CPU in fp32.

        ``name``: ``auto`` (CUDA if available), or a torch device such as ``cuda:0`` or ``cpu``. Raises
        ``DarkroomError`` (``engine_unavailable``) if CUDA is requested by name and does not work.
        """
        required = name != "auto"
        if not required:
            name = "cuda" if torch.cuda.is_available() else "cpu"
        device = torch.device(name)
        if device.type == "cuda":
            if not torch.cuda.is_available():
                raise DarkroomError(
                    ErrorCode.ENGINE_UNAVAILABLE,
                    f"There is no GPU here that CUDA {torch.version.cuda} can use: none, or a driver that is too old.",
                )
            return cls(device, torch.float16, torch.channels_last, required)
        return cls(device, torch.float32, torch.contiguous_format, required)

    def budget(self) -> int | None:
        """Return the bytes available for weights: the GPU's free memory minus the reserve for activations.

        About 14 GB on a T4; None (no limit) on the CPU.
        """
        if self.device.type != "cuda":
            return None
        free, total = torch.cuda.mem_get_info(self.device)
        return max(free - max(total // 10, ACTIVATIONS), 0)

    def host_budget(self) -> int:
        """Return the bytes of host memory for offloaded weights: half of it, or 0 if the device is the CPU."""
        if self.device.type != "cuda":
            return 0
        return int(psutil.virtual_memory().total) // 2

    def name(self) -> str:
        """Return the device's name: the GPU's own name, or ``cpu``."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else str(self.device)

    def memory(self) -> tuple[int, int] | None:
        """Return the used bytes (of all processes) and the total bytes of the GPU's memory; None on the CPU."""
        if self.device.type != "cuda":
            return None
        free, total = torch.cuda.mem_get_info(self.device)
        return total - free, total

    def allocated(self) -> int:
        """Return the bytes of torch's tensors on the GPU; 0 on the CPU."""
        return torch.cuda.memory_allocated(self.device) if self.device.type == "cuda" else 0

    def release_cached_memory(self, *, thorough: bool = True) -> None:
        """Release the memory cached by torch, which other runtimes could not use.

        ``thorough``: also collect garbage first, and release pinned host memory, which is slow to allocate again.
        """
        if thorough:
            gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            if thorough:
                torch.accelerator.empty_host_cache()

    def long_side(self, budget: int | None) -> int:
        """Return the longer side of generated pictures for ``budget``, in pixels: 768 on a T4 and on the CPU."""
        if budget is None or 6 * GIB <= budget < 20 * GIB:
            return 768
        return 512 if budget < 6 * GIB else 1024
