"""Painting with tiny weights through the real code: the networks by themselves."""

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
from tests.pipeline.models.diffusion.denoise_requests import FAST, HEIGHT, QUALITY, SIDE, WIDTH, differ


@pytest.mark.parametrize("order", [FAST, QUALITY], ids=["fast", "quality"])
def test_every_step_is_heard_and_the_picture_has_the_canvas_size(paint, order):
    heard, looks = [], []

    def on_step(done, total, look):
        heard.append((done, total))
        looks.append(look())

    picture = paint(order, on_step)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 1
    assert heard == [(n, order.steps) for n in range(1, order.steps + 1)]
    assert {(look.shape, look.dtype.name) for look in looks} == {((171, 256, 3), "uint8")}
    assert differ(looks[0], looks[-1]) > 1


@pytest.mark.parametrize("order", [FAST, QUALITY], ids=["fast", "quality"])
def test_the_same_seed_paints_the_same_picture_and_another_another(paint, order):
    first = paint(order)
    np.testing.assert_array_equal(first, paint(order))
    assert differ(first, paint(replace(order, seed=2))) > 1


@pytest.mark.parametrize("order", [FAST, QUALITY], ids=["fast", "quality"])
@pytest.mark.parametrize("control", ["depth", "edges"])
def test_another_control_picture_makes_another_picture_unless_it_weighs_nothing(paint, order, control):
    other = replace(order, **{control: 255 - getattr(order, control)})
    assert differ(paint(order), paint(other)) > 1
    scales = (0.0, 0.6) if control == "depth" else (0.8, 0.0)
    np.testing.assert_array_equal(
        paint(replace(order, controlnet_scales=scales)), paint(replace(other, controlnet_scales=scales))
    )


@pytest.mark.parametrize("scales", [(), (0.8,), (0.8, 0.6, 0.4)])
def test_a_scale_for_each_controlnet_or_an_error(paint, scales):
    with pytest.raises(ValueError, match=f"{len(scales)} control scales for 2 ControlNets"):
        paint(replace(FAST, controlnet_scales=scales))


def test_the_negative_prompt_counts_where_there_is_guidance(paint):
    assert differ(paint(QUALITY), paint(replace(QUALITY, negative_prompt="a cat"))) > 0
    np.testing.assert_array_equal(paint(FAST), paint(replace(FAST, negative_prompt="a cat")))


def test_the_words_count(paint):
    assert differ(paint(FAST), paint(replace(FAST, prompt="a cellar"))) > 0


def test_the_few_step_network_is_another_one_without_anything_added_to_its_layers(held):
    plain, few = (dict(held[network].unet.named_parameters()) for network in (SD15_UNET, SD15_FEW_STEP_UNET))
    assert plain.keys() == few.keys()
    changed = {name for name in plain if not torch.equal(plain[name], few[name])}
    assert any("attn1.to_q" in name for name in changed)
    assert any("conv1" in name for name in changed)
    assert not any("bias" in name for name in changed)


@pytest.mark.parametrize("sampler", list(Sampler))
@pytest.mark.parametrize("strength", [0.3, 0.5, 0.7, 0.99])
def test_any_strength_takes_the_steps_that_were_ordered(paint, calls, sampler, strength):
    paint(replace(FAST, sampler=sampler, strength=strength))
    assert calls["unet"] == 4


@pytest.mark.parametrize("order", [FAST, QUALITY], ids=["fast", "quality"])
def test_the_least_strength_still_paints(paint, calls, order):
    paint(replace(order, strength=1e-6, steps=1))
    assert calls["unet"] == 1


@pytest.mark.parametrize("order", [FAST, QUALITY], ids=["fast", "quality"])
def test_the_photos_own_pixels_count_below_full_strength(paint, order):
    other = replace(order, photo=255 - order.photo)
    np.testing.assert_array_equal(paint(order), paint(other))
    assert differ(paint(replace(order, strength=0.2)), paint(replace(other, strength=0.2))) > 0.5


@pytest.mark.parametrize("order", [FAST, QUALITY], ids=["fast", "quality"])
def test_where_everything_is_kept_neither_words_nor_seed_matter(paint, order):
    everything = np.ones((HEIGHT, WIDTH), bool)
    first = paint(replace(order, keep_mask=everything))
    np.testing.assert_array_equal(first, paint(replace(order, keep_mask=everything, seed=9, prompt="a cellar")))


def test_what_is_kept_makes_another_picture_of_the_rest(paint):
    half = np.zeros((HEIGHT, WIDTH), bool)
    half[:, : WIDTH // 2] = True
    assert differ(paint(FAST)[:, WIDTH // 2 :], paint(replace(FAST, keep_mask=half))[:, WIDTH // 2 :]) > 1


def test_the_photo_is_encoded_once_at_most_and_control_pictures_once_each(paint, calls):
    paint(FAST)
    assert (calls["encode"], calls["controls"]) == (0, 2)
    paint(replace(FAST, keep_mask=np.eye(HEIGHT, WIDTH, dtype=bool), strength=0.5))
    assert (calls["encode"], calls["controls"]) == (1, 4)


def test_words_are_read_once(paint, calls):
    order = replace(QUALITY, prompt="words that nobody used before", negative_prompt="nor these")
    for seed in (1, 2):
        paint(replace(order, seed=seed))
    assert calls["words"] == 2


@pytest.mark.parametrize("order", [FAST, QUALITY], ids=["fast", "quality"])
def test_what_a_step_raises_ends_the_painting_there(paint, calls, order):
    def on_step(done, _total, _look):
        if done == 2:
            raise JobAbandoned

    with pytest.raises(JobAbandoned):
        paint(order, on_step)
    assert calls["unet"] == 2
    assert paint(order).std() > 1


@pytest.fixture(scope="module")
def half(tiny_weights):
    """As on a GPU: half precision, channels last."""
    placement = Placement(torch.device("cpu"), torch.float16, torch.channels_last)
    models = ModelManager(WeightStore(tiny_weights), placement, long_side=SIDE)
    with models.use(STABLE_DIFFUSION, SD15_FEW_STEP_UNET, CONTROLNETS, SAFETY) as held:
        yield held


def test_half_precision_paints_nearly_the_same(paint, half):
    order = replace(FAST, strength=0.8, guidance=2.0, keep_mask=np.eye(HEIGHT, WIDTH, dtype=bool))
    picture = half[STABLE_DIFFUSION].image_to_image(order, half[SD15_FEW_STEP_UNET], half[CONTROLNETS], lambda *_: None)
    assert differ(picture, paint(order)) < 2
    assert half[SAFETY].unsafe(picture) is False


def test_a_picture_beyond_half_precision_is_decoded_in_single(half, monkeypatch):
    def paint():
        return half[STABLE_DIFFUSION].image_to_image(FAST, half[SD15_FEW_STEP_UNET], half[CONTROLNETS], lambda *_: None)

    expected, decode, tried = paint(), half[STABLE_DIFFUSION]._decode, []

    def overflowing(latents):
        picture = decode(latents)
        tried.append(picture.dtype)
        return picture * np.nan if picture.dtype == torch.float16 else picture

    monkeypatch.setattr(half[STABLE_DIFFUSION], "_decode", overflowing)
    assert differ(paint(), expected) < 2
    assert tried == [torch.float16, torch.float32]


def test_weights_that_give_no_numbers_are_an_error_and_not_a_black_picture(paint, held, monkeypatch):
    decode = held[STABLE_DIFFUSION]._decode
    monkeypatch.setattr(held[STABLE_DIFFUSION], "_decode", lambda latents: decode(latents) * np.nan)
    with pytest.raises(FloatingPointError):
        paint(FAST)


def test_the_end_of_a_long_prompt_is_named(held):
    assert held[STABLE_DIFFUSION].truncated_tail("a short one") == ""
    assert held[STABLE_DIFFUSION].truncated_tail("a " * 80 + "blue rug").endswith("blue rug")


def test_nothing_is_unsafe_below_the_thresholds_and_everything_above(held):
    picture = np.zeros((40, 120, 3), np.uint8)
    assert held[SAFETY].unsafe(picture) is False
    thresholds = held[SAFETY]._checker.concept_embeds_weights
    before = thresholds.clone()
    try:
        thresholds.fill_(-2)
        assert held[SAFETY].unsafe(picture) is True
    finally:
        thresholds.copy_(before)
