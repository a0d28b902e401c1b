"""CUDA libraries of NVIDIA's wheels: found by name after they were preloaded, without a GPU."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from pipeline.models.offload.cuda_libraries import CTRANSLATE2, ONNX_RUNTIME, library_folders, preload
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(
    find_spec("nvidia") is None, reason="needs NVIDIA's wheels: make setup-models on x86-64"
)


def test_every_library_is_in_a_wheel() -> None:
    present = {file.name for folder in library_folders() for file in folder.iterdir()}
    assert {*CTRANSLATE2, *ONNX_RUNTIME} <= present


def test_a_preloaded_library_is_found_by_its_name() -> None:
    """In a process of its own, as torch has loaded some of them in this one."""
    code = (
        "import ctypes\n"
        "from pipeline.models.offload.cuda_libraries import CTRANSLATE2, ONNX_RUNTIME, preload\n"
        "def found(name):\n"
        "    try:\n"
        "        return bool(ctypes.CDLL(name))\n"
        "    except OSError:\n"
        "        return False\n"
        "names = ('libcublas.so.12', 'libcurand.so.10')\n"
        "print([found(name) for name in names])\n"
        "preload(CTRANSLATE2), preload(ONNX_RUNTIME)\n"
        "print([found(name) for name in names])\n"
    )
    environment = {"PATH": "", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, timeout=120, capture_output=True, text=True
    )
    assert run.stdout.splitlines()[-1] == "[True, True]"
    assert run.stderr == ""


def test_a_library_that_is_not_there_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    preload(("libnowhere.so.1",))
    assert "libnowhere.so.1 was not loaded" in caplog.text
