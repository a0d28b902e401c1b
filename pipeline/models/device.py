"""Where networks compute, and in what numbers."""

from dataclasses import dataclass
from typing import Self

import torch


@dataclass(frozen=True)
class Placement:
    """A device with the dtype and memory format that suit it."""

    device: torch.device
    dtype: torch.dtype
    memory_format: torch.memory_format

    @classmethod
    def of(cls, name: str = "auto") -> Self:
        """``cuda`` where there is one, in fp16 (a T4 has no bf16) and channels last; else the CPU in fp32.

        ``name``: ``auto``, or a torch device such as ``cuda:0`` or ``cpu``.
        """
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        device = torch.device(name)
        if device.type == "cuda":
            return cls(device, torch.float16, torch.channels_last)
        return cls(device, torch.float32, torch.contiguous_format)
