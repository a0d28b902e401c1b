"""Base classes of networks by runtime (torch, CTranslate2, ONNX Runtime): moving between device and host memory."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from pipeline.models.offload.device import Placement

logger = logging.getLogger(__name__)

S = TypeVar("S")


class Offloadable(Protocol):
    """Interface of networks that the model manager can move."""

    def size(self) -> int:
        """Return the bytes that it takes on the device, measured."""

    def to_device(self) -> None:
        """Move to the device, ready to compute. Idempotent."""

    def to_host(self) -> None:
        """Move from the device to host memory, without leaving a copy."""

    def close(self) -> None:
        """Release all memory. The network is not used again."""

    def runtime(self) -> str:
        """Return what computes it and how, such as ``torch float16``."""


class TorchNetwork:
    """Base of networks on torch: one or more modules that move together.

    The modules start in host memory. They are prepared for inference in the placement's dtype and memory format.
    Tensors shared within a module or between modules stay shared.
    """

    def __init__(self, placement: Placement, *modules: nn.Module) -> None:
        self.placement = placement
        self._dtype = placement.dtype
        self._modules = modules
        for module in modules:
            module.eval().requires_grad_(False)
        self._change(self._prepared)

    @property
    def device(self) -> torch.device:
        """Device that the network computes on."""
        return self.placement.device

    @property
    def dtype(self) -> torch.dtype:
        """Floating-point type of weights and computation: the placement's, except while ``finite`` repeats."""
        return self._dtype

    def size(self) -> int:
        """Return the bytes of parameters and buffers, with shared ones counted once."""
        tensors = {
            _address(tensor): tensor for module in self._modules for tensor in (*module.parameters(), *module.buffers())
        }
        return sum(tensor.nbytes for tensor in tensors.values())

    def to_device(self) -> None:
        """Move every module to the placement's device; asynchronously from pinned memory."""
        self._change(lambda tensor: tensor.to(self.device, non_blocking=tensor.is_pinned()))

    def to_host(self) -> None:
        """Move every module from the GPU to pinned host memory. No effect on the CPU."""
        if self.device.type != "cuda":
            return
        self._change(_pinned)
        torch.cuda.synchronize(self.device)

    def runtime(self) -> str:
        """Return ``torch`` and the type of numbers."""
        return str(self.dtype).replace(".", " ")

    def finite(self, compute: Callable[[], tuple[Tensor, ...]], *modules: nn.Module) -> tuple[Tensor, ...]:
        """Return the tensors of ``compute``, computed again in single precision if half precision overflows.

        For the repetition, ``modules`` (all of the network if none is named) and ``dtype`` are in single precision, so
        ``compute`` must convert its inputs to ``dtype``. Raises ``FloatingPointError`` if a tensor is not finite then,
        too: such numbers compare as false, and would pass as an answer.
        """
        outputs = compute()
        if _all_finite(outputs):
            return outputs
        name = type(self).__name__
        if self.dtype != torch.float32:
            logger.warning("%s overflowed in %s, and is computed again in single precision", name, self.dtype)
            try:
                self._recast(torch.float32, modules)
                outputs = compute()
            finally:
                self._recast(self.placement.dtype, modules)
            if _all_finite(outputs):
                return outputs
        raise FloatingPointError(f"{name} gave numbers that are not finite")

    def close(self) -> None:
        """Drop the modules."""
        self._modules = ()

    # In inference mode the modules could not be changed.
    @torch.inference_mode(mode=False)
    def _recast(self, dtype: torch.dtype, modules: tuple[nn.Module, ...]) -> None:
        self._dtype = dtype
        self._change(lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor, modules)

    def _prepared(self, tensor: Tensor) -> Tensor:
        dtype = self.dtype if tensor.is_floating_point() else tensor.dtype
        pictures = tensor.dim() == 4
        return tensor.to(dtype, memory_format=self.placement.memory_format if pictures else torch.preserve_format)

    def _change(self, change: Callable[[Tensor], Tensor], modules: tuple[nn.Module, ...] = ()) -> None:
        changed: dict[tuple[object, ...], Tensor] = {}

        def once(tensor: Tensor) -> Tensor:
            key = (_address(tensor), tensor.dtype, tensor.shape, tensor.stride())
            if key not in changed:
                changed[key] = change(tensor)
            return changed[key]

        for module in modules or self._modules:
            # ``.to()`` uses ``_apply``, too. Some modules extend it to tensors that are neither parameters nor buffers.
            module._apply(once)  # type: ignore[no-untyped-call] # torch


def _all_finite(tensors: Iterable[Tensor]) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def _address(tensor: Tensor) -> int:
    # Tensors on the meta device have no address.
    return tensor.data_ptr() or id(tensor)


def _pinned(tensor: Tensor) -> Tensor:
    if tensor.device.type == "cpu":
        return tensor
    return torch.empty_like(tensor, device="cpu", pin_memory=True).copy_(tensor, non_blocking=True)


class CTranslate2Model(Protocol):
    """The part of a CTranslate2 model (``WhisperModel.model`` of faster-whisper) that moves it."""

    @property
    def model_is_loaded(self) -> bool:
        """True if the model is on its device."""

    def load_model(self, keep_cache: bool = False) -> None:
        """Load the model back to its device."""

    def unload_model(self, to_cpu: bool = False) -> None:
        """Unload the model from its device, to host memory or altogether. Silently does nothing while it computes."""


class CTranslate2Network:
    """Base of networks on CTranslate2, which has no ``.to()``. The model starts on its device."""

    def __init__(self, placement: Placement, model: CTranslate2Model, files: Sequence[Path]) -> None:
        self.placement = placement
        self._model: CTranslate2Model | None = model
        self._size = sum(file.stat().st_size for file in files)
        self.to_host()

    def size(self) -> int:
        """Return the bytes measured on the device; before its first load, the size of its files."""
        return self._size

    def to_device(self) -> None:
        """Load the model back to its device."""
        if self._model is None or self._model.model_is_loaded:
            return
        with _measure_gpu_memory(self.placement.device) as taken:
            self._model.load_model()
        self._size = max(taken) or self._size

    def to_host(self) -> None:
        """Unload the model to host memory. Raises ``RuntimeError`` if it is computing."""
        if self._model is None or self.placement.device.type != "cuda":
            return
        self._model.unload_model(to_cpu=True)
        if self._model.model_is_loaded:
            raise RuntimeError("the CTranslate2 model is computing and cannot be unloaded")

    def runtime(self) -> str:
        """Return ``CTranslate2`` and the type of numbers."""
        return f"CTranslate2 {getattr(self._model, 'compute_type', '')}".rstrip()

    def close(self) -> None:
        """Unload the model and drop it."""
        if self._model is not None:
            self._model.unload_model()
        self._model = None


class OnnxNetwork(Generic[S]):
    """Base of networks on ONNX Runtime, whose sessions cannot move: they are dropped and created again.

    ``make`` creates the session, from the file and the acceptable execution providers in order of preference, as for
    ``onnxruntime.InferenceSession``. The CPU is not acceptable if the placement's GPU is required.
    """

    def __init__(self, placement: Placement, file: Path, make: Callable[[Path, Sequence[str]], S]) -> None:
        self.placement = placement
        self._file = file
        self._make = make
        self._session: S | None = None
        self._size = file.stat().st_size

    @property
    def session(self) -> S:
        """The session. Raises ``RuntimeError`` while it is not on the device."""
        if self._session is None:
            raise RuntimeError(f"{self._file.name} is not on the device")
        return self._session

    def size(self) -> int:
        """Return the bytes measured on the device; before its first load, the size of its file."""
        return self._size

    def to_device(self) -> None:
        """Create the session."""
        if self._session is not None:
            return
        with _measure_gpu_memory(self.placement.device) as taken:
            self._session = self._make(self._file, _execution_providers(self.placement))
        self._size = max(taken) or self._size

    def to_host(self) -> None:
        """Drop the session; nothing is kept in host memory."""
        self._session = None

    def runtime(self) -> str:
        """Return ``ONNX Runtime`` and the execution provider of the session."""
        return f"ONNX Runtime {getattr(self._session, 'provider', '')}".rstrip()

    def close(self) -> None:
        """Drop the session."""
        self._session = None


def _execution_providers(placement: Placement) -> tuple[str, ...]:
    if placement.device.type != "cuda":
        return ("CPUExecutionProvider",)
    return ("CUDAExecutionProvider",) if placement.required else ("CUDAExecutionProvider", "CPUExecutionProvider")


@contextmanager
def _measure_gpu_memory(device: torch.device) -> Iterator[list[int]]:
    """Measure the GPU memory that a block allocates. After the block, the list also has the bytes; 0 without a GPU."""
    taken = [0]
    if device.type != "cuda":
        yield taken
        return
    before, _ = torch.cuda.mem_get_info(device)
    yield taken
    after, _ = torch.cuda.mem_get_info(device)
    taken.append(before - after)
