"""Outputs that are not finite: computed again in single precision, and an error if that does not help."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.failures import translate_errors
from pipeline.imaging.tiles import tile_spans, tiles
from pipeline.models.networks import (
    aot_gan,
    depth,
    detector,
    image_text,
    safety,
    sd15,
    sdxl,
    segmenter,
    super_resolution,
)
from pipeline.models.offload.device import Placement
from pipeline.weights.catalog import catalog
from pipeline.weights.store import WeightStore

CPU = Placement.for_device("cpu")
HALF = Placement(torch.device("cpu"), torch.float16, torch.channels_last)  # as on a GPU


def _enlarged(network: Any, photo: Any) -> Any:
    spans = tile_spans(32, 64, 32, 8, 4)
    return network.upscale(list(tiles(photo[:32, :32], spans, spans)), lambda _fraction: None)


def _filled(network: Any, photo: Any) -> Any:
    return network.fill(photo[:64, :64], np.eye(64, dtype=bool))


# Each network by its model, with its loader and one computation.
NETWORKS: dict[str, tuple[Callable[..., Any], Callable[[Any, Any], Any]]] = {
    "sam2.1-tiny": (segmenter.load, lambda network, photo: network.segment(photo, [(10.0, 10.0, 200.0, 200.0)] * 17)),
    "clip-vit-b32": (image_text.load, lambda network, photo: network.probabilities(photo, ["a kitchen", "a cat"])),
    "depth-anything-v2-small": (depth.load, lambda network, photo: network.estimate(photo)),
    "yolo11n": (detector.load, lambda network, photo: [each.box for each in network.detect(photo)[:5]]),
    "rt-detr-r18": (detector.load, lambda network, photo: [each.box for each in network.detect(photo)[:5]]),
    "safety-checker": (safety.load, lambda network, photo: network.unsafe(photo)),
    "aot-gan-places2": (aot_gan.load, _filled),
    "realesrgan-x4plus": (super_resolution.load, _enlarged),
    "sd15": (sd15.load_components, lambda network, _photo: network._embedding("a lamp").numpy()),
    "sdxl-base": (sdxl.load_text_encoders, lambda network, _photo: network.encode("a lamp").prompt_embeds.numpy()),
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def load(tiny_weights: Path, model: str, placement: Placement) -> Any:
    weights = WeightStore(tiny_weights).open(catalog()[model])
    return NETWORKS[model][0]({weights.model.role: weights}, placement)


def layers(network: Any) -> list[nn.Module]:
    modules = [each for module in network._modules for each in module.modules()]
    return [each for each in modules if isinstance(each, nn.Linear | nn.Conv2d)]


@pytest.mark.parametrize("model", NETWORKS)
def test_an_overflow_in_half_precision_is_computed_again_in_single_precision(
    tiny_weights: Path, photo: Any, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    def overflow(_module: nn.Module, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
        return output * torch.nan if output.dtype == torch.float16 else output

    compute = NETWORKS[model][1]
    half = load(tiny_weights, model, HALF)
    with ExitStack() as hooks:
        for layer in layers(half):
            hooks.callback(layer.register_forward_hook(overflow).remove)
        answer = compute(half, photo)
    np.testing.assert_allclose(answer, compute(load(tiny_weights, model, CPU), photo), atol=0.5, rtol=0.02)
    assert "computed again in single precision" in caplog.text
    # The network is as it was: the next picture takes no more memory.
    assert {parameter.dtype for module in half._modules for parameter in module.parameters()} == {torch.float16}
    assert half.dtype == torch.float16


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("placement", [CPU, HALF], ids=["single", "half"])
def test_an_output_that_is_no_number_is_an_error_of_its_own(
    tiny_weights: Path, photo: Any, model: str, placement: Placement
) -> None:
    network = load(tiny_weights, model, placement)
    for layer in layers(network):
        layer.weight.data.fill_(torch.nan)
    with pytest.raises(DarkroomError) as raised, translate_errors("validate", None):
        NETWORKS[model][1](network, photo)
    assert (raised.value.detail.code, raised.value.detail.retryable) == (ErrorCode.NOT_FINITE, False)


@pytest.mark.parametrize("name", ["concept_embeds", "concept_embeds_weights", "special_care_embeds"])
def test_the_safety_checker_says_nothing_if_what_it_compares_with_is_no_number(
    tiny_weights: Path, photo: Any, name: str
) -> None:
    network = load(tiny_weights, "safety-checker", CPU)
    getattr(network._checker, name).data[0] = torch.nan
    with pytest.raises(FloatingPointError):
        network.unsafe(photo)


def test_a_captions_embedding_that_is_no_number_is_not_cached(tiny_weights: Path, photo: Any) -> None:
    network = load(tiny_weights, "clip-vit-b32", CPU)
    weight = network._modules[0].text_projection.weight
    before = weight.clone()
    weight.data.fill_(torch.nan)
    with pytest.raises(FloatingPointError):
        network.similarities(photo, ["a kitchen"])
    weight.data.copy_(before)
    assert np.isfinite(network.similarities(photo, ["a kitchen"])).all()
