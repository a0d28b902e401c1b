"""Safe reader of torch checkpoints: tensor names and shapes, without torch and without executing pickled code."""

import pickle
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

MAGIC = 0x1950A86A20F9469CFC6C  # first object of files written by torch before 1.6
# Errors raised for hostile or broken pickles, and for broken, encrypted or unusual zip archives.
READ_ERRORS = (
    *(pickle.UnpicklingError, EOFError, LookupError, TypeError, ValueError, AttributeError, MemoryError, OSError),
    *(zipfile.BadZipFile, zlib.error, RuntimeError),
)


class NotACheckpoint(Exception):
    """Raised if a file was not written by ``torch.save``, or holds more than tensors."""


def tensor_shapes(path: Path) -> Mapping[str, tuple[int, ...]]:
    """Return the tensor shapes of a bare state dictionary, by name. Raises ``NotACheckpoint``.

    Only containers and tensors of the pickle are accepted, and no tensor data is read.
    """
    try:
        with path.open("rb") as file:
            state = _zipped(file) if zipfile.is_zipfile(file) else _legacy(file)
    except READ_ERRORS as error:
        raise NotACheckpoint(f"{path.name} is not a checkpoint of tensors") from error
    if not isinstance(state, dict) or not all(isinstance(each, _Tensor) for each in state.values()):
        raise NotACheckpoint(f"{path.name} is a checkpoint, but not a bare state dictionary")
    return {str(name): tensor.shape for name, tensor in state.items()}


class _Tensor:
    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape


class _Unpickler(pickle.Unpickler):
    """Unpickler that accepts the parts of a state dictionary only. Raises ``UnpicklingError`` for anything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in _TENSORS:
            return _TENSORS[name]
        if module == "torch" and name.endswith("Storage"):
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is no tensor")

    def persistent_load(self, _pid: Any) -> Any:
        return None


def _tensor(_storage: object, _offset: int, size: tuple[int, ...], *_rest: object) -> _Tensor:
    return _Tensor(tuple(int(side) for side in size))


def _parameter(data: _Tensor, *_rest: object) -> _Tensor:
    return data


_TENSORS: dict[str, Callable[..., _Tensor]] = {
    "_rebuild_tensor": _tensor,
    "_rebuild_tensor_v2": _tensor,
    "_rebuild_parameter": _parameter,
}


def _zipped(file: IO[bytes]) -> Any:
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl") or name == "data.pkl"]
        with archive.open(names[0]) as content:
            return _Unpickler(content).load()


def _legacy(file: IO[bytes]) -> Any:
    file.seek(0)
    if _Unpickler(file).load() != MAGIC:
        raise pickle.UnpicklingError("another magic number")
    for _ in ("version of the format", "system information"):
        _Unpickler(file).load()
    return _Unpickler(file).load()
