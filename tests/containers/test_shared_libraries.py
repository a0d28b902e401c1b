"""Shared libraries of the GPU container: each that a package needs or opens is in the image, or of the host's driver.

Without a GPU nothing else would tell: CTranslate2 opens cuBLAS at its first computation, and ONNX Runtime goes on with
the CPU if its CUDA provider lacks a library.
"""

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution

import pytest

from pipeline.models.offload.cuda_libraries import CTRANSLATE2, ONNX_RUNTIME
from tests.containers.shared_libraries import SharedLibrary, shared_libraries
from tests.paths import ROOT

# Of the base image: glibc, the compiler's runtime, zlib.
IMAGE = {
    *("ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libm.so.6", "libmvec.so.1", "libpthread.so.0", "librt.so.1"),
    *("libutil.so.1", "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1"),
}
# Of NVIDIA's driver, which the host brings.
DRIVER = {"libcuda.so.1", "libcuda.so", "libnvidia-ml.so.1", "libnvcuvid.so.1", "libnvidia-encode.so.1"}
# Libraries that nothing here loads.
NOT_LOADED = re.compile(
    r"nvshmem_(bootstrap|transport)_\w+\.so"  # GPUs of several machines
    r"|libcufile_rdma\.so"
    r"|libonnxruntime_providers_tensorrt\.so"  # TensorRT, which no session asks for
    r"|libgfortran\.so"  # torch carries it for processors without MKL
)
# The runtimes that open libraries of CUDA by name.
RUNTIMES = ("ctranslate2", "onnxruntime-gpu", "torch")
CUDA = re.compile(r"(lib(?:cu|nv)\w+)\.so(\.\d+)?")


def pinned(lock: str) -> list[str]:
    """Return the distributions of a lock file that are for this machine."""
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    return [line.partition("==")[0] for line in lines if re.match(r"[a-z0-9]", line)]


def installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


@pytest.fixture(scope="module")
def libraries() -> list[SharedLibrary]:
    """The libraries of the container's lock. Those for other systems are not installed."""
    distribution("torch")  # the test is skipped without the models engine
    names = [name for name in pinned("requirements-container.lock") if installed(name)]
    return list(shared_libraries(names, opening=RUNTIMES))


def missing_libraries(libraries: Iterable[SharedLibrary]) -> set[tuple[str, str]]:
    """Return what libraries need that is neither among them nor of the image or the driver, with the file."""
    loaded = [each for each in libraries if not NOT_LOADED.match(each.path.name)]
    present = {each.path.name for each in loaded} | IMAGE | DRIVER
    return {(name, each.path.name) for each in loaded for name in each.needed - present}


def test_every_library_that_a_package_needs_is_there(libraries: list[SharedLibrary]) -> None:
    assert missing_libraries(libraries) == set()


def test_every_library_of_cuda_that_a_runtime_opens_is_there_in_one_of_its_versions(
    libraries: list[SharedLibrary],
) -> None:
    present = {each.path.name for each in libraries} | DRIVER
    missing = set()
    for each in libraries:
        if NOT_LOADED.match(each.path.name):
            continue
        versions: dict[str, set[str]] = {}
        for name in each.opened:
            if (match := CUDA.fullmatch(name)) and match[2]:
                versions.setdefault(match[1], set()).add(name)
        missing |= {(library, each.path.name) for library, names in versions.items() if not names & present}
    assert missing == set()


def test_what_is_preloaded_for_a_runtime_is_what_it_needs_of_cuda(libraries: list[SharedLibrary]) -> None:
    ctranslate2 = {name for each in libraries if each.distribution == "ctranslate2" for name in each.opened}
    assert {name for name in ctranslate2 if name.startswith("libcublas")} == {"libcublas.so.12"}
    assert "libcublas.so.12" in CTRANSLATE2
    provider = next(each for each in libraries if each.path.name == "libonnxruntime_providers_cuda.so")
    assert {name for name in provider.needed if CUDA.fullmatch(name)} - DRIVER <= {*ONNX_RUNTIME}


def test_the_animators_packages_find_in_its_lock_what_onnx_runtime_needs(libraries: list[SharedLibrary]) -> None:
    """The animator has an environment of its own, which also sees the image's packages."""
    animator = set(pinned("requirements-animator.lock"))
    assert missing_libraries(each for each in libraries if each.distribution in animator) == set()
