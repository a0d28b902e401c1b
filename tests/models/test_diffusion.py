"""Diffusion with tiny weights through the real code: first the networks, then the stage that uses them."""

from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
import torch

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import Profile, RestyleRoomParams, Room
from pipeline.core.artifacts import PHOTO, RESULT, ROOM
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.models.artifacts import DEPTH, EDGES, KEEP_MASK
from pipeline.models.denoise_request import DenoiseRequest, Sampler
from pipeline.models.letterbox import Letterbox
from pipeline.models.network_registry import CONTROLNETS, SAFETY, SD15_FEW_STEP_UNET, SD15_UNET, STABLE_DIFFUSION
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.models.stages.composite_kept import CompositeKept
from pipeline.models.stages.denoising import DENOISED, SELECTED
from pipeline.models.stages.diffuse import Diffuse
from pipeline.weights.store import WeightStore

HEIGHT, WIDTH = 64, 96
SIDE = 128

torch.set_num_threads(1)
rng = np.random.default_rng(5)
DEPTH_PICTURE = rng.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
EDGE_PICTURE = np.where(rng.random((HEIGHT, WIDTH)) > 0.9, 255, 0).astype(np.uint8)
FAST = DenoiseRequest(
    prompt="a room",
    negative_prompt="a dog",
    photo=rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8),
    depth=DEPTH_PICTURE,
    edges=EDGE_PICTURE,
    keep_mask=None,
    sampler=Sampler.LCM,
    steps=4,
    guidance=1.0,
    strength=1.0,
    seed=1,
    controlnet_scales=(0.8, 0.6),
)
QUALITY = replace(FAST, sampler=Sampler.DPM, steps=3, guidance=7.5)


@pytest.fixture(scope="module")
def models(tiny_weights):
    return ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"), long_side=SIDE)


@pytest.fixture(scope="module")
def held(models):
    with ExitStack() as stack:
        yield stack.enter_context(models.use(STABLE_DIFFUSION, SD15_UNET, SD15_FEW_STEP_UNET, CONTROLNETS, SAFETY))


@pytest.fixture
def paint(held):
    def paint(order, on_step=lambda *_: None):
        unet = held[SD15_FEW_STEP_UNET] if order.sampler is Sampler.LCM else held[SD15_UNET]
        return held[STABLE_DIFFUSION].paint(order, unet, held[CONTROLNETS], on_step)

    return paint


@pytest.fixture
def calls(held, monkeypatch):
    """How often each part computed."""
    counts = dict.fromkeys(("unet", "controls", "encode", "words"), 0)
    with ExitStack() as stack:

        def count(name, module):
            def hook(*_):
                counts[name] += 1

            stack.callback(module.register_forward_pre_hook(hook).remove)

        for network in (SD15_UNET, SD15_FEW_STEP_UNET):
            count("unet", held[network].unet)
        for controlnet in held[CONTROLNETS].controlnets.nets:
            count("controls", controlnet.controlnet_cond_embedding.embedding)
        count("encode", held[STABLE_DIFFUSION]._vae.encoder)
        count("words", held[STABLE_DIFFUSION]._text_encoder)
        yield counts


def differ(one, other):
    return np.abs(one.astype(int) - other).mean()


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
    np.testing.assert_array_equal(paint(replace(order, scales=scales)), paint(replace(other, scales=scales)))


@pytest.mark.parametrize("scales", [(), (0.8,), (0.8, 0.6, 0.4)])
def test_a_scale_for_each_controlnet_or_an_error(paint, scales):
    with pytest.raises(ValueError, match=f"{len(scales)} control scales for 2 ControlNets"):
        paint(replace(FAST, scales=scales))


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
    first = paint(replace(order, kept=everything))
    np.testing.assert_array_equal(first, paint(replace(order, kept=everything, seed=9, prompt="a cellar")))


def test_what_is_kept_makes_another_picture_of_the_rest(paint):
    half = np.zeros((HEIGHT, WIDTH), bool)
    half[:, : WIDTH // 2] = True
    assert differ(paint(FAST)[:, WIDTH // 2 :], paint(replace(FAST, kept=half))[:, WIDTH // 2 :]) > 1


def test_the_photo_is_encoded_once_at_most_and_control_pictures_once_each(paint, calls):
    paint(FAST)
    assert (calls["encode"], calls["controls"]) == (0, 2)
    paint(replace(FAST, kept=np.eye(HEIGHT, WIDTH, dtype=bool), strength=0.5))
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
    order = replace(FAST, strength=0.8, guidance=2.0, kept=np.eye(HEIGHT, WIDTH, dtype=bool))
    picture = half[STABLE_DIFFUSION].paint(order, half[SD15_FEW_STEP_UNET], half[CONTROLNETS], lambda *_: None)
    assert differ(picture, paint(order)) < 2
    assert half[SAFETY].unsafe(picture) is False


def test_a_picture_beyond_half_precision_is_decoded_in_single(half, monkeypatch):
    def paint():
        return half[STABLE_DIFFUSION].paint(FAST, half[SD15_FEW_STEP_UNET], half[CONTROLNETS], lambda *_: None)

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
    assert held[STABLE_DIFFUSION].unread("a short one") == ""
    assert held[STABLE_DIFFUSION].unread("a " * 80 + "blue rug").endswith("blue rug")


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


def work_for(models, folder, height=96, width=128, *, kept=None, report=lambda *_: None, show=lambda _: None, **params):
    given = RestyleRoomParams(**{"style": "japandi", "room": Room.BEDROOM, **params})
    work = StageContext(given, {}, folder, report, network_provider=models, report_progress_image=show)
    fit = Letterbox.for_photo(height, width, SIDE)
    chance = np.random.default_rng(7)
    work[PHOTO] = chance.integers(0, 256, (height, width, 3), dtype=np.uint8)
    work[ROOM], work[KEEP_MASK] = None, kept
    work[DEPTH] = chance.integers(0, 256, (fit.height, fit.width), dtype=np.uint8)
    work[EDGES] = np.where(chance.random((fit.height, fit.width)) > 0.9, 255, 0).astype(np.uint8)
    return work


def painted(work):
    work.enter_stage(Diffuse())
    Diffuse().run(work)
    work.enter_stage(None)
    return work[DENOISED]


def finished(work):
    """The painted picture at the photo's size."""
    chosen = painted(work)
    work[SELECTED] = chosen
    work.enter_stage(CompositeKept())
    CompositeKept().run(work)
    work.enter_stage(None)
    return work[RESULT]


@pytest.mark.parametrize(("height", "width"), [(60, 180), (180, 60), (97, 131), (400, 300)])
def test_the_result_has_the_photos_size(models, tmp_path, height, width):
    work = work_for(models, tmp_path, height, width, steps=1)
    assert finished(work).shape == (height, width, 3)
    assert max(work[DENOISED].picture.shape) <= SIDE


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_what_is_kept_stays_to_the_bit_at_any_strength(models, tmp_path, profile, strength):
    kept = np.zeros((200, 300), bool)
    kept[50:150, 20:120] = True
    work = work_for(models, tmp_path, 200, 300, kept=kept, profile=profile, strength=strength, steps=2)
    picture = finished(work)
    np.testing.assert_array_equal(picture[kept], work[PHOTO][kept])
    assert differ(picture[~kept], work[PHOTO][~kept]) > 10


@pytest.mark.parametrize(("profile", "steps"), [(Profile.FAST, 4), (Profile.QUALITY, 20)])
def test_every_step_is_reported_and_a_few_are_shown(models, tmp_path, profile, steps):
    heard, shown = [], []
    painted(
        work_for(models, tmp_path, profile=profile, report=lambda *news: heard.append(news), show=shown.append, seed=3)
    )
    assert heard == [(n / steps, f"Denoising: step {n} of {steps}") for n in range(1, steps + 1)]
    assert 3 <= len(shown) <= 5


def test_what_the_params_say_goes_before_the_profile(models, tmp_path, orders):
    painted(work_for(models, tmp_path, steps=2, guidance=1.5, depth_scale=0.5, edges_scale=1.5, seed=8))
    order = orders[0]
    assert (order.steps, order.guidance, order.scales, order.seed) == (2, 1.5, (0.5, 1.5), 8)
    assert order.prompt.startswith("interior photograph of a bedroom, japandi")


def test_words_without_effect_are_noted(models, tmp_path):
    work = work_for(models, tmp_path, steps=1, negative_prompt="plants", prompt="blue rug " * 40)
    painted(work)
    assert any("negative prompt" in note for note in work.notes)
    assert any("was not read" in note for note in work.notes)
    guided = work_for(models, tmp_path, steps=1, guidance=2, negative_prompt="plants")
    painted(guided)
    assert not any("negative prompt" in note for note in guided.notes)


def test_a_cancelled_job_stops_within_a_step(models, held, tmp_path, calls):
    def report(fraction, _message):
        if fraction >= 0.5:
            raise JobAbandoned

    with pytest.raises(JobAbandoned):
        painted(work_for(models, tmp_path, report=report))
    assert calls["unet"] == 2


@pytest.fixture
def orders(held, monkeypatch):
    """Every order; each takes an error off ``failures`` and raises it, while there are any."""

    class Orders(list):
        def __init__(self):
            self.failures = []

    seen, paint = Orders(), held[STABLE_DIFFUSION].paint

    def painting(order, *others):
        seen.append(order)
        if seen.failures:
            raise seen.failures.pop()
        return paint(order, *others)

    monkeypatch.setattr(held[STABLE_DIFFUSION], "image_to_image", painting)
    return seen


def test_out_of_memory_once_halves_the_size_and_says_so(models, tmp_path, orders):
    orders.failures += [torch.OutOfMemoryError("CUDA out of memory")]
    work = work_for(models, tmp_path, 300, 400, steps=1)
    result = finished(work)
    assert [order.photo.shape[:2] for order in orders] == [(96, 128), (64, 64)]
    assert [order.depth.shape for order in orders] == [(96, 128), (64, 64)]
    assert set(np.unique(orders[1].edges)) == {0, 255}
    assert result.shape == (300, 400, 3)
    assert any("half size" in note for note in work.notes)


def test_out_of_memory_twice_fails_the_job_and_leaves_a_healthy_machine(models, tmp_path, orders):
    orders.failures += [torch.OutOfMemoryError("CUDA out of memory")] * 2
    with pytest.raises(DarkroomError) as caught:
        painted(work_for(models, tmp_path, steps=1))
    assert caught.value.detail.code is ErrorCode.OUT_OF_MEMORY
    work = work_for(models, tmp_path, steps=1)
    assert painted(work).picture.std() > 1
    assert not any("half size" in note for note in work.notes)


def test_other_errors_are_not_tried_again(models, tmp_path, orders):
    orders.failures += [RuntimeError("a mistake")]
    with pytest.raises(DarkroomError) as caught:
        painted(work_for(models, tmp_path, steps=1))
    assert caught.value.detail.code is ErrorCode.INTERNAL
    assert len(orders) == 1
