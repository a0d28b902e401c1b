"""CUDA libraries of NVIDIA's wheels, loaded for the runtimes that look for them by name alone.

torch finds the libraries of its own wheels. CTranslate2 and ONNX Runtime open theirs as the system's loader does, which
knows nothing of Python's folders. A library that is in the process already is found by its name.
"""

import ctypes
import logging
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

logger = logging.getLogger(__name__)

# In this order, as each needs those before it. tests/containers/test_shared_libraries.py finds what they need.
CTRANSLATE2 = ("libcublasLt.so.12", "libcublas.so.12")
ONNX_RUNTIME = (
    *("libcudart.so.13", "libcublasLt.so.13", "libcublas.so.13", "libnvrtc.so.13"),
    *("libcurand.so.10", "libcufft.so.12", "libcudnn.so.9"),
)


@cache
def preload(names: tuple[str, ...]) -> None:
    """Load the libraries ``names`` from NVIDIA's wheels into the process, once.

    One that is not installed or does not load is logged and left to the system's loader; the runtime then says what it
    lacks.
    """
    found = {file.name: file for folder in library_folders() for file in folder.glob("*.so.*")}
    for name in names:
        try:
            ctypes.CDLL(str(found.get(name, name)), mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            logger.warning("%s was not loaded: %s", name, error)


def library_folders() -> Iterator[Path]:
    """Yield the folders of NVIDIA's wheels with shared libraries; none if there are no wheels."""
    spec = find_spec("nvidia")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        yield from sorted(Path(folder).glob("*/lib"))
