"""Loading of networks: a file whose tensors are not the network's is refused, and names what differs."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.models.network_registry import DEPTH_ESTIMATOR
from pipeline.models.networks import (
    aot_gan,
    depth,
    detector,
    image_text,
    pretrained,
    safety,
    sd15,
    sdxl,
    segmenter,
    super_resolution,
)
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.weights.catalog import catalog
from pipeline.weights.store import Weights, WeightStore

Tensors = dict[str, torch.Tensor]
Load = Callable[[Mapping[str, Weights], Placement], Any]

CPU = Placement.for_device("cpu")
# Each file of a network, with what loads it: the models that it needs, by role.
FILES: dict[str, tuple[Load, tuple[str, ...]]] = {
    "rt-detr-r18/model.safetensors": (detector.load, ()),
    "sam2.1-tiny/model.safetensors": (segmenter.load, ()),
    "clip-vit-b32/model.safetensors": (image_text.load, ()),
    "depth-anything-v2-small/model.safetensors": (depth.load, ()),
    "dpt-large/model.safetensors": (depth.load, ()),
    "safety-checker/safety_checker/model.fp16.safetensors": (safety.load, ()),
    "sd15/text_encoder/model.fp16.safetensors": (sd15.load_components, ()),
    "sd15/vae/diffusion_pytorch_model.fp16.safetensors": (sd15.load_components, ()),
    "sd15/unet/diffusion_pytorch_model.fp16.safetensors": (sd15.load_unet, ()),
    "sd15-inpainting/unet/diffusion_pytorch_model.fp16.safetensors": (sd15.load_inpainting_unet, ()),
    "control-depth/diffusion_pytorch_model.fp16.safetensors": (sd15.load_controlnets, ("control-canny",)),
    "control-canny/diffusion_pytorch_model.fp16.safetensors": (sd15.load_controlnets, ("control-depth",)),
    "sdxl-base/text_encoder/model.fp16.safetensors": (sdxl.load_text_encoders, ()),
    "sdxl-base/text_encoder_2/model.fp16.safetensors": (sdxl.load_text_encoders, ()),
    "sdxl-unet/unet/diffusion_pytorch_model.fp16.safetensors": (sdxl.load_unet, ("sdxl-base",)),
    "sdxl-lightning/sdxl_lightning_4step_unet.safetensors": (sdxl.load_few_step_unet, ("sdxl-base",)),
    "sdxl-vae-fp16-fix/diffusion_pytorch_model.safetensors": (sdxl.load_vae_decoder, ()),
}


@pytest.fixture
def altered(tiny_weights: Path, tmp_path: Path) -> Callable[[str, Callable[[Tensors], Tensors]], WeightStore]:
    """Return a store whose one file has other tensors; the other models are the tiny ones."""

    def alter(path: str, change: Callable[[Tensors], Tensors]) -> WeightStore:
        for folder in tiny_weights.iterdir():
            if folder.name != Path(path).parts[0]:
                (tmp_path / folder.name).symlink_to(folder)
        shutil.copytree(tiny_weights / Path(path).parts[0], tmp_path / Path(path).parts[0])
        (tmp_path / "manifest.json").unlink()
        shutil.copy(tiny_weights / "manifest.json", tmp_path)
        save_file(change(load_file(tmp_path / path)), tmp_path / path, metadata={"format": "pt"})
        store = WeightStore(tmp_path)
        store.record(catalog()[Path(path).parts[0]], "random")
        return store

    return alter


def load(store: WeightStore, path: str) -> Any:
    loader, others = FILES[path]
    models = (catalog()[each] for each in (path.partition("/")[0], *others))
    return loader({model.role: store.open(model) for model in models}, CPU)


def unloadable(store: WeightStore, path: str) -> str:
    """Return the message with which loading the file fails."""
    with pytest.raises(DarkroomError) as raised:
        load(store, path)
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    return raised.value.detail.message


@pytest.mark.parametrize("path", FILES)
def test_tensors_that_are_not_the_networks_are_named(altered: Any, path: str) -> None:
    expected: list[str] = []

    def change(tensors: Tensors) -> Tensors:
        *_, reshaped, renamed = sorted(name for name, tensor in tensors.items() if tensor.dim() > 1)
        shape = list(tensors[reshaped].shape)
        tensors[reshaped] = torch.zeros([shape[0] + 1, *shape[1:]], dtype=tensors[reshaped].dtype)
        shapes = ("×".join(map(str, sides)) for sides in (tensors[reshaped].shape, shape))
        # transformers reports a tensor by the name that it gives it.
        expected.extend((f"{renamed.removeprefix('text_model.')}_)", " instead of ".join(shapes)))
        return {f"{name}_" if name == renamed else name: tensor for name, tensor in tensors.items()}

    message = unloadable(altered(path, change), path)
    assert message.startswith(f"{path} was not loaded: of its tensors, 1 is missing (")
    assert "1 is unknown to the network (" in message
    assert "1 is of another shape (" in message
    assert all(words in message for words in expected)
    assert f"darkroom models fetch {path.partition('/')[0]}" in message


@pytest.mark.parametrize(
    "path", ["clip-vit-b32/model.safetensors", "sd15/vae/diffusion_pytorch_model.fp16.safetensors"]
)
def test_a_broken_file_is_refused_by_name(tiny_weights: Path, altered: Any, path: str) -> None:
    store = altered(path, lambda tensors: tensors)
    (store.folder / path).write_bytes((tiny_weights / path).read_bytes()[:1000])
    store.record(catalog()[path.partition("/")[0]], "random")
    assert unloadable(store, path).startswith(f"{path} was not loaded: ")


LORA = "lcm-lora-sd15/pytorch_lora_weights.safetensors"


def unloadable_lora(store: WeightStore) -> str:
    models = (catalog()[each] for each in ("sd15", "lcm-lora-sd15"))
    with pytest.raises(DarkroomError) as raised:
        sd15.load_few_step_unet({model.role: store.open(model) for model in models}, CPU)
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    assert raised.value.detail.message.startswith(f"{LORA} was not loaded: ")
    return raised.value.detail.message


def test_a_lora_for_other_layers_is_refused_and_names_them(altered: Any) -> None:
    def change(tensors: Tensors) -> Tensors:
        return {name.replace("lora_unet_down", "lora_unet_dwn"): tensor for name, tensor in tensors.items()}

    assert "unknown to the network (dwn." in unloadable_lora(altered(LORA, change))


def test_a_lora_for_no_layer_at_all_is_refused(altered: Any) -> None:
    def change(tensors: Tensors) -> Tensors:
        return {f"transformer.{index}.lora_A.weight": tensor for index, tensor in enumerate(tensors.values())}

    unloadable_lora(altered(LORA, change))


def test_a_lora_without_one_of_a_layers_tensors_is_refused(altered: Any) -> None:
    def change(tensors: Tensors) -> Tensors:
        gone = next(name for name in tensors if name.endswith("lora_up.weight"))
        return {name: tensor for name, tensor in tensors.items() if name != gone}

    unloadable_lora(altered(LORA, change))


def test_an_upscaler_with_tensors_that_it_does_not_know_is_refused(altered: Any) -> None:
    path = "realesrgan-x4plus/RealESRGAN_x4plus.safetensors"
    store = altered(path, lambda tensors: tensors | {"extra.weight": torch.zeros(1)})
    with pytest.raises(
        DarkroomError, match=r"RealESRGAN_x4plus\.safetensors was not loaded: it has 43 tensors"
    ) as raised:
        super_resolution.load({"enlarger_photo": store.open(catalog()["realesrgan-x4plus"])}, CPU)
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


def test_the_tensors_that_depth_estimators_may_lack_have_no_effect(tiny_weights: Path, photo: Any) -> None:
    network = depth.load({"depth": WeightStore(tiny_weights).open(catalog()["dpt-large"])}, CPU)
    before = network.estimate(photo)
    optional = [each for name, each in network._modules[0].named_parameters() if name.startswith(depth.UNUSED)]
    for parameter in optional:
        parameter.data.fill_(np.nan)
    assert len(optional) == 4
    np.testing.assert_array_equal(network.estimate(photo), before)


def test_an_unforeseen_error_of_a_loader_makes_the_engine_unavailable(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ArithmeticError("never seen before")

    monkeypatch.setattr(depth, "load_pretrained", fail)
    with (
        pytest.raises(
            DarkroomError, match=r"depth could not be loaded from depth-anything-v2-small \(ArithmeticError\)"
        ),
        ModelManager(WeightStore(tiny_weights), CPU).use(DEPTH_ESTIMATOR),
    ):
        pass
    assert "never seen before" in caplog.text


def test_running_out_of_memory_while_loading_is_no_fault_of_the_file(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Large:
        @staticmethod
        def from_pretrained(*_: object, **__: object) -> None:
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried"
            )

    with pytest.raises(RuntimeError, match="DefaultCPUAllocator"):
        pretrained.load_pretrained(Large, WeightStore(tiny_weights).open(catalog()["dpt-large"]))


@pytest.mark.parametrize(
    ("model", "reader", "loader"),
    [
        ("realesrgan-x4plus", (super_resolution, "load_file"), super_resolution.load),
        ("aot-gan-places2", (torch, "load"), aot_gan.load),
    ],
)
def test_running_out_of_memory_while_weights_are_read_is_no_fault_of_the_file(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, model: str, reader: tuple[Any, str], loader: Load
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 67 bytes")

    monkeypatch.setattr(*reader, fail)
    weights = WeightStore(tiny_weights).open(catalog()[model])
    with pytest.raises(RuntimeError, match="DefaultCPUAllocator"):
        loader({weights.model.role: weights}, CPU)
