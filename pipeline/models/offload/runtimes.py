"""How networks move between the device, the host's memory and nowhere, each kind of runtime in its own way."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from pipeline.models.offload.device import Placement

S = TypeVar("S")


class Offloadable(Protocol):
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
    dtype and memory format. Tensors that are shared, within a module or between them, stay shared.
    """

    def __init__(self, placement: Placement, *modules: nn.Module) -> None:
        self.placement = placement
        self._modules = modules
        for module in modules:
            module.eval().requires_grad_(False)
        self._change(self._prepared)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.placement.device

    @property
    def dtype(self) -> torch.dtype:
        """In what numbers."""
        return self.placement.dtype

    def size(self) -> int:
        """Bytes of parameters and buffers, shared ones counted once."""
        tensors = {
            _address(tensor): tensor for module in self._modules for tensor in (*module.parameters(), *module.buffers())
        }
        return sum(tensor.nbytes for tensor in tensors.values())

    def to_device(self) -> None:
        """Move every module to the placement's device; from pinned memory in the background of what computes there."""
        self._change(lambda tensor: tensor.to(self.device, non_blocking=tensor.is_pinned()))

    def to_host(self) -> None:
        """Move every module to the host's memory, pinned where the device is a GPU."""
        if self.device.type != "cuda":
            return
        self._change(_pinned)
        torch.cuda.synchronize(self.device)

    def close(self) -> None:
        """Forget the modules."""
        self._modules = ()

    def _prepared(self, tensor: Tensor) -> Tensor:
        dtype = self.dtype if tensor.is_floating_point() else tensor.dtype
        pictures = tensor.dim() == 4
        return tensor.to(dtype, memory_format=self.placement.memory_format if pictures else torch.preserve_format)

    def _change(self, change: Callable[[Tensor], Tensor]) -> None:
        changed: dict[tuple[object, ...], Tensor] = {}

        def once(tensor: Tensor) -> Tensor:
            key = (_address(tensor), tensor.dtype, tensor.shape, tensor.stride())
            if key not in changed:
                changed[key] = change(tensor)
            return changed[key]

        for module in self._modules:
            # What ``.to()`` goes through as well: some modules add tensors that are neither parameters nor buffers.
            module._apply(once)  # type: ignore[no-untyped-call] # torch


def _address(tensor: Tensor) -> int:
    # Tensors on the meta device have none.
    return tensor.data_ptr() or id(tensor)


def _pinned(tensor: Tensor) -> Tensor:
    if tensor.device.type == "cpu":
        return tensor
    return torch.empty_like(tensor, device="cpu", pin_memory=True).copy_(tensor, non_blocking=True)


class CTranslate2Model(Protocol):
    """The part of a CTranslate2 model (``WhisperModel.model`` of faster-whisper) that moves it."""

    @property
    def model_is_loaded(self) -> bool:
        """Whether it is on its device."""

    def load_model(self, keep_cache: bool = False) -> None:
        """Back to its device."""

    def unload_model(self, to_cpu: bool = False) -> None:
        """Off its device, to the CPU's memory or to nowhere; without a word it does nothing while it computes."""


class CTranslate2Network:
    """Base of the networks on CTranslate2, which has no ``.to()``. The model comes on its device, as it was made."""

    def __init__(self, placement: Placement, model: CTranslate2Model, files: Sequence[Path]) -> None:
        self.placement = placement
        self._model: CTranslate2Model | None = model
        self._size = sum(file.stat().st_size for file in files)
        self.to_host()

    def size(self) -> int:
        """Bytes that it was seen to take on the device; before it was there, those of its files."""
        return self._size

    def to_device(self) -> None:
        """Load the model back to its device."""
        if self._model is None or self._model.model_is_loaded:
            return
        with _measure_gpu_memory(self.placement.device) as taken:
            self._model.load_model()
        self._size = max(taken) or self._size

    def to_host(self) -> None:
        """Unload the model to the CPU's memory. Raises ``RuntimeError`` when it would not go."""
        if self._model is None or self.placement.device.type != "cuda":
            return
        self._model.unload_model(to_cpu=True)
        if self._model.model_is_loaded:
            raise RuntimeError("the CTranslate2 model is computing and cannot be unloaded")

    def close(self) -> None:
        """Unload the model and forget it."""
        if self._model is not None:
            self._model.unload_model()
        self._model = None


class OnnxNetwork(Generic[S]):
    """Base of the networks on ONNX Runtime, whose sessions cannot move: they are dropped and made again.

    ``make`` takes the execution providers in order of preference, as ``onnxruntime.InferenceSession`` does, and gives
    the session.
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
        """Bytes that it was seen to take on the device; before it was there, those of its file."""
        return self._size

    def to_device(self) -> None:
        """Make the session."""
        if self._session is not None:
            return
        cuda = self.placement.device.type == "cuda"
        with _measure_gpu_memory(self.placement.device) as taken:
            providers = ("CUDAExecutionProvider", "CPUExecutionProvider") if cuda else ("CPUExecutionProvider",)
            self._session = self._make(self._file, providers)
        self._size = max(taken) or self._size

    def to_host(self) -> None:
        """Drop the session; the host keeps the file alone."""
        self._session = None

    def close(self) -> None:
        """Drop the session."""
        self._session = None


@contextmanager
def _measure_gpu_memory(device: torch.device) -> Iterator[list[int]]:
    """Gives a list that holds, once the block is left, how many bytes of the GPU's memory it took; 0 without a GPU."""
    taken = [0]
    if device.type != "cuda":
        yield taken
        return
    before, _ = torch.cuda.mem_get_info(device)
    yield taken
    after, _ = torch.cuda.mem_get_info(device)
    taken.append(before - after)
