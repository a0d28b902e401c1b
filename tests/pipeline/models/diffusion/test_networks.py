"""Denoising with tiny weights through the real code: the networks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.core.stages import JobAbandoned
from pipeline.models.denoise_request import Sampler
from pipeline.models.network_registry import CONTROLNETS, SAFETY, SD15_FEW_STEP_UNET, SD15_UNET, STABLE_DIFFUSION
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.weights.store import WeightStore
from tests.pipeline.models.diffusion.denoise_requests import FAST, HEIGHT, QUALITY, SIDE, WIDTH, mean_difference


@pytest.mark.parametrize("denoise_request", [FAST, QUALITY], ids=["fast", "quality"])
def test_every_step_is_reported_and_the_picture_has_the_canvas_size(generate, denoise_request):
    steps_reported, progress_images = [], []

    def on_step(done, total, make_progress_image):
        steps_reported.append((done, total))
        progress_images.append(make_progress_image())

    picture = generate(denoise_request, on_step)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 1
    assert steps_reported == [(n, denoise_request.steps) for n in range(1, denoise_request.steps + 1)]
    assert {(make_progress_image.shape, make_progress_image.dtype.name) for make_progress_image in progress_images} == {
        ((171, 256, 3), "uint8")
    }
    assert mean_difference(progress_images[0], progress_images[-1]) > 1


@pytest.mark.parametrize("denoise_request", [FAST, QUALITY], ids=["fast", "quality"])
def test_equal_seeds_give_equal_pictures_and_different_seeds_different_ones(generate, denoise_request):
    first = generate(denoise_request)
    np.testing.assert_array_equal(first, generate(denoise_request))
    assert mean_difference(first, generate(replace(denoise_request, seed=2))) > 1


@pytest.mark.parametrize("denoise_request", [FAST, QUALITY], ids=["fast", "quality"])
@pytest.mark.parametrize("control", ["depth", "edges"])
def test_a_control_picture_changes_the_result_unless_its_scale_is_zero(generate, denoise_request, control):
    other = replace(denoise_request, **{control: 255 - getattr(denoise_request, control)})
    assert mean_difference(generate(denoise_request), generate(other)) > 1
    scales = (0.0, 0.6) if control == "depth" else (0.8, 0.0)
    np.testing.assert_array_equal(
        generate(replace(denoise_request, controlnet_scales=scales)), generate(replace(other, controlnet_scales=scales))
    )


@pytest.mark.parametrize("scales", [(), (0.8,), (0.8, 0.6, 0.4)])
def test_a_missing_controlnet_scale_raises_value_error(generate, scales):
    with pytest.raises(ValueError, match=f"{len(scales)} control scales for 2 ControlNets"):
        generate(replace(FAST, controlnet_scales=scales))


def test_the_negative_prompt_has_an_effect_with_guidance_only(generate):
    assert mean_difference(generate(QUALITY), generate(replace(QUALITY, negative_prompt="a cat"))) > 0
    np.testing.assert_array_equal(generate(FAST), generate(replace(FAST, negative_prompt="a cat")))


def test_the_prompt_changes_the_picture(generate):
    assert mean_difference(generate(FAST), generate(replace(FAST, prompt="a cellar"))) > 0


def test_the_few_step_unet_has_the_lora_fused_and_no_added_layers(networks):
    plain, few = (dict(networks[network].unet.named_parameters()) for network in (SD15_UNET, SD15_FEW_STEP_UNET))
    assert plain.keys() == few.keys()
    changed = {name for name in plain if not torch.equal(plain[name], few[name])}
    assert any("attn1.to_q" in name for name in changed)
    assert any("conv1" in name for name in changed)
    assert not any("bias" in name for name in changed)


@pytest.mark.parametrize("sampler", list(Sampler))
@pytest.mark.parametrize("strength", [0.3, 0.5, 0.7, 0.99])
def test_any_strength_runs_the_requested_steps(generate, calls, sampler, strength):
    generate(replace(FAST, sampler=sampler, strength=strength))
    assert calls["unet"] == 4


@pytest.mark.parametrize("denoise_request", [FAST, QUALITY], ids=["fast", "quality"])
def test_the_lowest_strength_runs_one_step(generate, calls, denoise_request):
    generate(replace(denoise_request, strength=1e-6, steps=1))
    assert calls["unet"] == 1


@pytest.mark.parametrize("denoise_request", [FAST, QUALITY], ids=["fast", "quality"])
def test_the_photo_has_an_effect_below_full_strength_only(generate, denoise_request):
    other = replace(denoise_request, photo=255 - denoise_request.photo)
    np.testing.assert_array_equal(generate(denoise_request), generate(other))
    assert (
        mean_difference(generate(replace(denoise_request, strength=0.2)), generate(replace(other, strength=0.2))) > 0.5
    )


@pytest.mark.parametrize("denoise_request", [FAST, QUALITY], ids=["fast", "quality"])
def test_with_a_full_keep_mask_prompt_and_seed_have_no_effect(generate, denoise_request):
    everything = np.ones((HEIGHT, WIDTH), bool)
    first = generate(replace(denoise_request, keep_mask=everything))
    np.testing.assert_array_equal(
        first, generate(replace(denoise_request, keep_mask=everything, seed=9, prompt="a cellar"))
    )


def test_the_keep_mask_changes_the_other_pixels(generate):
    half = np.zeros((HEIGHT, WIDTH), bool)
    half[:, : WIDTH // 2] = True
    assert (
        mean_difference(generate(FAST)[:, WIDTH // 2 :], generate(replace(FAST, keep_mask=half))[:, WIDTH // 2 :]) > 1
    )


def test_photo_and_control_pictures_are_encoded_at_most_once(generate, calls):
    generate(FAST)
    assert (calls["encode"], calls["controls"]) == (0, 2)
    generate(replace(FAST, keep_mask=np.eye(HEIGHT, WIDTH, dtype=bool), strength=0.5))
    assert (calls["encode"], calls["controls"]) == (1, 4)


def test_a_prompt_is_encoded_once(generate, calls):
    denoise_request = replace(QUALITY, prompt="words that nobody used before", negative_prompt="nor these")
    for seed in (1, 2):
        generate(replace(denoise_request, seed=seed))
    assert calls["words"] == 2


@pytest.mark.parametrize("denoise_request", [FAST, QUALITY], ids=["fast", "quality"])
def test_an_error_in_the_step_callback_stops_the_denoising(generate, calls, denoise_request):
    def on_step(done, _total, _make_progress_image):
        if done == 2:
            raise JobAbandoned

    with pytest.raises(JobAbandoned):
        generate(denoise_request, on_step)
    assert calls["unet"] == 2
    assert generate(denoise_request).std() > 1


@pytest.fixture(scope="module")
def half(tiny_weights):
    """As on a GPU: half precision, channels last."""
    placement = Placement(torch.device("cpu"), torch.float16, torch.channels_last)
    models = ModelManager(WeightStore(tiny_weights), placement, long_side=SIDE)
    with models.use(STABLE_DIFFUSION, SD15_FEW_STEP_UNET, CONTROLNETS, SAFETY) as networks:
        yield networks


def test_half_precision_gives_nearly_the_same_picture(generate, half):
    denoise_request = replace(FAST, strength=0.8, guidance=2.0, keep_mask=np.eye(HEIGHT, WIDTH, dtype=bool))
    picture = half[STABLE_DIFFUSION].image_to_image(
        denoise_request, half[SD15_FEW_STEP_UNET], half[CONTROLNETS], lambda *_: None
    )
    assert mean_difference(picture, generate(denoise_request)) < 2
    assert half[SAFETY].unsafe(picture) is False


def test_an_fp16_overflow_is_decoded_in_single_precision(half, monkeypatch):
    def generate():
        return half[STABLE_DIFFUSION].image_to_image(FAST, half[SD15_FEW_STEP_UNET], half[CONTROLNETS], lambda *_: None)

    expected, decode, tried = generate(), half[STABLE_DIFFUSION]._decode, []

    def overflowing(latents):
        picture = decode(latents)
        tried.append(picture.dtype)
        return picture * np.nan if picture.dtype == torch.float16 else picture

    monkeypatch.setattr(half[STABLE_DIFFUSION], "_decode", overflowing)
    assert mean_difference(generate(), expected) < 2
    assert tried == [torch.float16, torch.float32]


def test_weights_with_nan_output_raise_an_error(generate, networks, monkeypatch):
    decode = networks[STABLE_DIFFUSION]._decode
    monkeypatch.setattr(networks[STABLE_DIFFUSION], "_decode", lambda latents: decode(latents) * np.nan)
    with pytest.raises(FloatingPointError):
        generate(FAST)


def test_the_truncated_end_of_a_long_prompt_is_returned(networks):
    assert networks[STABLE_DIFFUSION].truncated_tail("a short one") == ""
    assert networks[STABLE_DIFFUSION].truncated_tail("a " * 80 + "blue rug").endswith("blue rug")


def test_the_safety_thresholds_decide(networks):
    picture = np.zeros((40, 120, 3), np.uint8)
    assert networks[SAFETY].unsafe(picture) is False
    thresholds = networks[SAFETY]._checker.concept_embeds_weights
    before = thresholds.clone()
    try:
        thresholds.fill_(-2)
        assert networks[SAFETY].unsafe(picture) is True
    finally:
        thresholds.copy_(before)
