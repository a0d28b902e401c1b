"""Where networks compute, in what numbers, and in how much memory."""

import gc
from dataclasses import dataclass
from typing import Self

import psutil
import torch

from darkroom.contract.errors import DarkroomError, ErrorCode

GIB = 2**30
# What pictures in the making take beside the weights: a tenth of the GPU, at least this much.
ACTIVATIONS = 3 * GIB // 2


@dataclass(frozen=True)
class Placement:
    """A device with the dtype and memory format that suit it."""

    device: torch.device
    dtype: torch.dtype
    memory_format: torch.memory_format

    @classmethod
    def for_device(cls, name: str = "auto") -> Self:
        """``cuda`` where there is one, in fp16 (a T4 has no bf16) and channels last; else the CPU in fp32.

        ``name``: ``auto``, or a torch device such as ``cuda:0`` or ``cpu``. Raises ``DarkroomError``
        (``engine_unavailable``) where CUDA is asked for by name and does not work.
        """
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        device = torch.device(name)
        if device.type == "cuda":
            if not torch.cuda.is_available():
                raise DarkroomError(
                    ErrorCode.ENGINE_UNAVAILABLE,
                    f"There is no GPU here that CUDA {torch.version.cuda} can use: none, or a driver that is too old.",
                )
            return cls(device, torch.float16, torch.channels_last)
        return cls(device, torch.float32, torch.contiguous_format)

    def budget(self) -> int | None:
        """Bytes that weights may take: what is free on the GPU less what pictures in the making take.

        A T4 has some 14 GB for them. None, no limit, on the CPU.
        """
        if self.device.type != "cuda":
            return None
        free, total = torch.cuda.mem_get_info(self.device)
        return max(free - max(total // 10, ACTIVATIONS), 0)

    def host_budget(self) -> int:
        """Bytes of the host's memory for weights that left the device: half of it. None of it where both are one."""
        if self.device.type != "cuda":
            return 0
        return int(psutil.virtual_memory().total) // 2

    def name(self) -> str:
        """What the device is called: the GPU's own name, or ``cpu``."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else str(self.device)

    def memory(self) -> tuple[int, int] | None:
        """Bytes of the GPU's memory that are in use, by whomever, and that there are; None on the CPU."""
        if self.device.type != "cuda":
            return None
        free, total = torch.cuda.mem_get_info(self.device)
        return total - free, total

    def allocated(self) -> int:
        """Bytes that torch's tensors take on the GPU; 0 on the CPU."""
        return torch.cuda.memory_allocated(self.device) if self.device.type == "cuda" else 0

    def release_cached_memory(self, *, thorough: bool = True) -> None:
        """Give back the memory that torch only keeps for itself: other runtimes cannot take it.

        ``thorough``: what only the garbage collector finds as well, and the host's pinned memory, which takes long to
        get again.
        """
        if thorough:
            gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            if thorough:
                torch.accelerator.empty_host_cache()

    def long_side(self, budget: int | None) -> int:
        """The longer side, in pixels, at which pictures are made within ``budget``: 768 on a T4 and on the CPU."""
        if budget is None or 6 * GIB <= budget < 20 * GIB:
            return 768
        return 512 if budget < 6 * GIB else 1024
