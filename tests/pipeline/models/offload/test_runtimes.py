"""Network placement: shared weights stay shared, and each runtime unloads in its own way."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.models.offload.device import GIB, Placement
from pipeline.models.offload.runtimes import CTranslate2Network, OnnxNetwork, TorchNetwork

CPU = Placement.for_device("cpu")
HALF = Placement(torch.device("cpu"), torch.float16, torch.channels_last)
# Nothing here is ever computed: meta tensors have a place and a shape, and take no memory.
ELSEWHERE = Placement(torch.device("meta"), torch.float16, torch.channels_last)
GPU = Placement(torch.device("cuda"), torch.float16, torch.channels_last)


class Tied(nn.Module):
    """Two layers with one weight, a picture's convolution, and a buffer of whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(8, 4)
        self.head = nn.Linear(4, 8, bias=False)
        self.head.weight = nn.Parameter(self.words.weight.data)
        self.picture = nn.Conv2d(3, 4, 3, bias=False)
        self.register_buffer("places", torch.arange(5))


class Anchored(nn.Module):
    """Module with a tensor outside its buffers, which it moves itself, as detectors do."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors = torch.zeros(3)

    def _apply(self, fn: Any, recurse: bool = True) -> "Anchored":
        super()._apply(fn, recurse)
        self.anchors = fn(self.anchors)
        return self


def test_a_network_is_in_inference_mode_with_the_placements_dtype() -> None:
    module = Tied()
    network = TorchNetwork(HALF, module)
    assert not module.training
    assert not any(parameter.requires_grad for parameter in module.parameters())
    assert module.picture.weight.dtype == torch.float16
    assert module.picture.weight.is_contiguous(memory_format=torch.channels_last)
    assert module.places.dtype == torch.int64
    assert network.size() == 2 * (8 * 4) + 2 * (4 * 3 * 3 * 3) + 8 * 5


def test_a_missing_gpu_raises_instead_of_using_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert Placement.for_device("auto").device.type == "cpu"
    with pytest.raises(DarkroomError, match="driver") as raised:
        Placement.for_device("cuda")
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


@pytest.mark.parametrize("placement", [CPU, HALF])
def test_shared_weights_stay_shared(placement: Placement) -> None:
    first, second = Tied(), nn.Linear(4, 8, bias=False)
    second.weight = nn.Parameter(first.words.weight.data)
    network = TorchNetwork(placement, first, second)
    for move in (network.to_device, network.to_device, network.to_host, network.to_device):
        move()
        second.weight.data.fill_(3)
        assert first.head.weight.data_ptr() == first.words.weight.data_ptr() == second.weight.data_ptr()
        assert first.words.weight.device == placement.device


def test_values_are_unchanged_by_moves() -> None:
    module = Tied()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    network = TorchNetwork(CPU, module)
    network.to_device()
    network.to_host()
    network.to_device()
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_tensors_moved_by_the_module_itself_are_moved_too() -> None:
    module = Anchored()
    network = TorchNetwork(ELSEWHERE, module)
    network.to_device()
    assert module.anchors.device.type == "meta"


def test_a_closed_network_keeps_no_weights() -> None:
    network = TorchNetwork(CPU, Tied())
    network.close()
    assert network.size() == 0


class Whisper:
    """Fake of ``ctranslate2.models.Whisper`` without computation."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.model_is_loaded = True
        self.in_cpu_memory = False
        self.computing = False

    def load_model(self, keep_cache: bool = False) -> None:
        if not self.model_is_loaded:
            self.model_is_loaded, self.in_cpu_memory = True, keep_cache

    def unload_model(self, to_cpu: bool = False) -> None:
        if (to_cpu and self.device == "cpu") or self.computing or not self.model_is_loaded:
            return
        self.model_is_loaded, self.in_cpu_memory = False, to_cpu


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(1000))
    return path


def free_memory(monkeypatch: pytest.MonkeyPatch, *readings: int) -> None:
    remaining = iter(readings)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (next(remaining), 16 * GIB))


def test_a_ctranslate2_model_is_unloaded_and_loaded(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free_memory(monkeypatch, 9000, 7500)
    model = Whisper("cuda")
    network = CTranslate2Network(GPU, model, [weights])
    assert (model.model_is_loaded, model.in_cpu_memory, network.size()) == (False, True, 1000)
    network.to_device()
    network.to_device()
    assert (model.model_is_loaded, model.in_cpu_memory, network.size()) == (True, False, 1500)
    network.to_host()
    assert (model.model_is_loaded, model.in_cpu_memory) == (False, True)


def test_a_ctranslate2_model_that_is_not_unloaded_raises(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free_memory(monkeypatch, 9000, 7500)
    model = Whisper("cuda")
    network = CTranslate2Network(GPU, model, [weights])
    network.to_device()
    model.computing = True
    with pytest.raises(RuntimeError, match="cannot be unloaded"):
        network.to_host()


def test_on_the_cpu_a_ctranslate2_model_stays_loaded_until_closed(weights: Path) -> None:
    model = Whisper("cpu")
    network = CTranslate2Network(CPU, model, [weights])
    network.to_device()
    network.to_host()
    assert model.model_is_loaded
    network.close()
    assert not model.model_is_loaded


class InferenceSession:
    """Fake of ``onnxruntime.InferenceSession`` that records its arguments."""

    def __init__(self, path_or_bytes: Any, sess_options: Any = None, providers: Sequence[str] | None = None) -> None:
        self.path, self.sess_options, self.providers = path_or_bytes, sess_options, providers


@pytest.mark.parametrize(
    ("placement", "providers"),
    [(CPU, ("CPUExecutionProvider",)), (GPU, ("CUDAExecutionProvider", "CPUExecutionProvider"))],
)
def test_an_onnx_session_is_dropped_and_created_again(
    weights: Path, monkeypatch: pytest.MonkeyPatch, placement: Placement, providers: tuple[str, ...]
) -> None:
    free_memory(monkeypatch, 9000, 7000, 7000, 5000)
    network = OnnxNetwork(placement, weights, lambda path, names: InferenceSession(path, providers=names))
    with pytest.raises(RuntimeError, match="not on the device"):
        _ = network.session
    network.to_device()
    first = network.session
    network.to_device()
    assert network.session is first
    assert (first.path, first.providers) == (weights, providers)
    assert network.size() == (2000 if placement is GPU else 1000)
    network.to_host()
    network.to_device()
    assert network.session is not first


@pytest.mark.parametrize(
    ("free", "total", "budget", "long_side"),
    [
        (15.4, 15.8, 13.79, 768),  # a T4, in 10**9 bytes
        (4.0, 4.2, 2.39, 512),
        (23.0, 24.0, 20.6, 768),
        (79.0, 85.0, 70.5, 1024),
        (1.0, 16.0, 0, 512),  # another process has it all
    ],
)
def test_gpu_memory_decides_the_working_size(
    monkeypatch: pytest.MonkeyPatch, free: float, total: float, budget: float, long_side: int
) -> None:
    readings = (int(free * 10**9), int(total * 10**9))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: readings)
    measured = GPU.budget()
    assert measured == pytest.approx(budget * 10**9, rel=1e-3)
    assert GPU.long_side(measured) == long_side


def test_the_cpu_has_no_limit_and_no_host_budget() -> None:
    assert (CPU.budget(), CPU.host_budget(), CPU.long_side(None)) == (None, 0, 768)
