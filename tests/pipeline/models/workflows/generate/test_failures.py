"""``generate`` on the models engine: cancellation, unsafe pictures and out-of-memory errors."""

from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import torch
from safetensors.torch import load_file, save_file

from bench.random_weights import Scale, write_weights
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.params import Aspect, GenerateParams, Profile
from darkroom.contract.results import HALF_SIZE_NOTE
from pipeline.core.runner import Runner
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.models.network_registry import SAFETY, SDXL_FEW_STEP_UNET, SDXL_VAE_DECODER
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.plans import get_plan
from pipeline.weights.catalog import catalog
from pipeline.weights.store import WeightStore
from tests.pipeline.models.workflows.generate.reporter import Reporter


@pytest.mark.parametrize(("profile", "name"), [(Profile.FAST, "few"), (Profile.QUALITY, "unet")])
def test_a_cancelled_job_stops_within_one_step(generate, calls, profile, name):
    with pytest.raises(JobAbandoned):
        generate(Reporter(stop=lambda message: "step 2 of" in message), profile=profile)
    assert len(calls[name]) == 2
    assert not calls["decoder"]


def test_a_late_job_stops_within_one_step(models, tmp_path, calls):
    clock = iter(range(1000))
    context = StageContext(GenerateParams(prompt="a kite"), {}, tmp_path, network_provider=models)
    runner = Runner(clock=lambda: next(clock), now=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    with pytest.raises(DarkroomError) as raised:
        runner.run(
            get_plan(Kind.GENERATE, Engine.MODELS), context, Reporter(), datetime(2030, 1, 1, 0, 0, 8, tzinfo=UTC)
        )
    assert raised.value.detail.code is ErrorCode.TIMED_OUT
    assert 0 < len(calls["few"]) < 4


@pytest.fixture
def unsafe(networks, monkeypatch):
    """Set of the checked pictures, by order, that the safety checker rejects."""
    numbers, looked = set(), []

    def unsafe(_picture):
        looked.append(1)
        return len(looked) - 1 in numbers

    monkeypatch.setattr(networks[SAFETY], "unsafe", unsafe)
    return numbers


def test_an_unsafe_picture_is_dropped_and_the_others_keep_their_seeds(generate, unsafe):
    unsafe |= {0, 2}
    result, pictures = generate(count=4, seed=7, format="png")
    assert set(pictures) == {"result", "thumbnail", "result-2", "thumbnail-2"}
    assert result.seed == 8
    assert result.notes == ("Not safe for work and left out: seeds 7, 9. What is here was made with seeds 8, 10.",)
    assert pictures["result"] == generate(seed=8, format="png")[1]["result"]


@pytest.mark.parametrize("count", [1, 3])
def test_nothing_is_saved_if_all_pictures_are_unsafe(generate, unsafe, tmp_path, count):
    unsafe |= {0, 1, 2}
    with pytest.raises(DarkroomError, match="Try other words or another seed") as raised:
        generate(count=count)
    assert raised.value.detail.code is ErrorCode.REJECTED_CONTENT
    assert not raised.value.detail.retryable
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@contextmanager
def failing(monkeypatch, network, method, failures):
    """Make each call raise the next error of ``failures`` while there are any; yields all calls' arguments."""
    call, seen = getattr(network, method), []

    def maybe(*given):
        seen.append(given)
        if failures:
            raise failures.pop()
        return call(*given)

    with monkeypatch.context() as patch:
        patch.setattr(network, method, maybe)
        yield seen


def no_memory(times):
    return [torch.OutOfMemoryError("CUDA out of memory") for _ in range(times)]


def test_out_of_memory_halves_the_size_of_all_pictures_and_adds_a_note(generate, networks, monkeypatch):
    with failing(monkeypatch, networks[SDXL_FEW_STEP_UNET], "denoise", no_memory(1)) as seen:
        result, _ = generate(count=2, aspect=Aspect.SQUARE)
    assert [(given[0].canvas.width, given[0].seed) for given in seen] == [(128, 42), (64, 42), (64, 43)]
    assert {(picture.width, picture.height) for picture in result.files} == {(64, 64)}
    assert result.notes == (HALF_SIZE_NOTE,)


def test_out_of_memory_twice_fails_the_job_and_the_next_job_completes(generate, networks, monkeypatch):
    with (
        failing(monkeypatch, networks[SDXL_FEW_STEP_UNET], "denoise", no_memory(2)),
        pytest.raises(DarkroomError) as raised,
    ):
        generate()
    assert raised.value.detail.code is ErrorCode.OUT_OF_MEMORY
    assert generate()[0].notes == ()


def test_out_of_memory_while_decoding_is_retried_at_full_size_first(generate, networks, monkeypatch):
    with failing(monkeypatch, networks[SDXL_VAE_DECODER], "decode", no_memory(1)) as seen:
        result, _ = generate()
    assert len(seen) == 2
    assert (result.files[0].width, result.notes) == (128, ())
    with failing(monkeypatch, networks[SDXL_VAE_DECODER], "decode", no_memory(2)):
        result, _ = generate()
    assert (result.files[0].width, result.notes) == (64, (HALF_SIZE_NOTE,))


def test_other_errors_are_not_retried(generate, networks, monkeypatch):
    with failing(monkeypatch, networks[SDXL_VAE_DECODER], "decode", [RuntimeError("a mistake")]) as seen:
        with pytest.raises(DarkroomError) as raised:
            generate()
        assert len(seen) == 1
    assert raised.value.detail.code is ErrorCode.INTERNAL


@pytest.mark.parametrize("wrong", ["other keys", "other shapes", "no tensors at all"])
def test_a_wrong_weights_file_is_named_with_the_fetch_command(tmp_path, wrong):
    write_weights(tmp_path, Scale.TINY, ["sdxl-base", "sdxl-lightning"])
    file = tmp_path / "sdxl-lightning" / "sdxl_lightning_4step_unet.safetensors"
    tensors = load_file(file)
    if wrong == "other keys":
        tensors = {f"lora_{key}": tensor for key, tensor in tensors.items()}
    if wrong == "other shapes":
        tensors["conv_in.weight"] = tensors["conv_in.weight"][:, :2].contiguous()
    save_file(tensors, file)
    if wrong == "no tensors at all":
        file.write_bytes(b"<html>Not found</html>")
    WeightStore(tmp_path).record(catalog()["sdxl-lightning"], revision="random")
    models = ModelManager(WeightStore(tmp_path), Placement.for_device("cpu"))
    with pytest.raises(
        DarkroomError, match=r"sdxl-lightning/sdxl_lightning_4step_unet.*fetch sdxl-lightning"
    ) as raised:
        models.use(SDXL_FEW_STEP_UNET).__enter__()
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
