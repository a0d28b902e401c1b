"""Painting with tiny weights through the real code: the stage that uses the networks."""

import numpy as np
import pytest
import torch

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import Profile, RestyleRoomParams, Room
from pipeline.core.artifacts import PHOTO, RESULT, ROOM
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.models.artifacts import DEPTH, EDGES, KEEP_MASK
from pipeline.models.letterbox import Letterbox
from pipeline.models.network_registry import STABLE_DIFFUSION
from pipeline.models.stages.composite_kept import CompositeKept
from pipeline.models.stages.denoising import DENOISED, SELECTED
from pipeline.models.stages.diffuse import Diffuse
from tests.pipeline.models.diffusion.denoise_requests import SIDE, differ


def context_for(
    models, folder, height=96, width=128, *, kept=None, report=lambda *_: None, show=lambda _: None, **params
):
    given = RestyleRoomParams(**{"style": "japandi", "room": Room.BEDROOM, **params})
    context = StageContext(given, {}, folder, report, network_provider=models, report_progress_image=show)
    fit = Letterbox.for_photo(height, width, SIDE)
    chance = np.random.default_rng(7)
    context[PHOTO] = chance.integers(0, 256, (height, width, 3), dtype=np.uint8)
    context[ROOM], context[KEEP_MASK] = None, kept
    context[DEPTH] = chance.integers(0, 256, (fit.height, fit.width), dtype=np.uint8)
    context[EDGES] = np.where(chance.random((fit.height, fit.width)) > 0.9, 255, 0).astype(np.uint8)
    return context


def painted(context):
    context.enter_stage(Diffuse())
    Diffuse().run(context)
    context.enter_stage(None)
    return context[DENOISED]


def finished(context):
    """The painted picture at the photo's size."""
    chosen = painted(context)
    context[SELECTED] = chosen
    context.enter_stage(CompositeKept())
    CompositeKept().run(context)
    context.enter_stage(None)
    return context[RESULT]


@pytest.mark.parametrize(("height", "width"), [(60, 180), (180, 60), (97, 131), (400, 300)])
def test_the_result_has_the_photos_size(models, tmp_path, height, width):
    context = context_for(models, tmp_path, height, width, steps=1)
    assert finished(context).shape == (height, width, 3)
    assert max(context[DENOISED].picture.shape) <= SIDE


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_what_is_kept_stays_to_the_bit_at_any_strength(models, tmp_path, profile, strength):
    kept = np.zeros((200, 300), bool)
    kept[50:150, 20:120] = True
    context = context_for(models, tmp_path, 200, 300, kept=kept, profile=profile, strength=strength, steps=2)
    picture = finished(context)
    np.testing.assert_array_equal(picture[kept], context[PHOTO][kept])
    assert differ(picture[~kept], context[PHOTO][~kept]) > 10


@pytest.mark.parametrize(("profile", "steps"), [(Profile.FAST, 4), (Profile.QUALITY, 20)])
def test_every_step_is_reported_and_a_few_are_shown(models, tmp_path, profile, steps):
    heard, shown = [], []
    painted(
        context_for(
            models, tmp_path, profile=profile, report=lambda *news: heard.append(news), show=shown.append, seed=3
        )
    )
    assert heard == [(n / steps, f"Denoising: step {n} of {steps}") for n in range(1, steps + 1)]
    assert 3 <= len(shown) <= 5


def test_what_the_params_say_goes_before_the_profile(models, tmp_path, orders):
    painted(context_for(models, tmp_path, steps=2, guidance=1.5, depth_scale=0.5, edges_scale=1.5, seed=8))
    order = orders[0]
    assert (order.steps, order.guidance, order.controlnet_scales, order.seed) == (2, 1.5, (0.5, 1.5), 8)
    assert order.prompt.startswith("interior photograph of a bedroom, japandi")


def test_words_without_effect_are_noted(models, tmp_path):
    context = context_for(models, tmp_path, steps=1, negative_prompt="plants", prompt="blue rug " * 40)
    painted(context)
    assert any("negative prompt" in note for note in context.notes)
    assert any("was not read" in note for note in context.notes)
    guided = context_for(models, tmp_path, steps=1, guidance=2, negative_prompt="plants")
    painted(guided)
    assert not any("negative prompt" in note for note in guided.notes)


def test_a_cancelled_job_stops_within_a_step(models, held, tmp_path, calls):
    def report(fraction, _message):
        if fraction >= 0.5:
            raise JobAbandoned

    with pytest.raises(JobAbandoned):
        painted(context_for(models, tmp_path, report=report))
    assert calls["unet"] == 2


@pytest.fixture
def orders(held, monkeypatch):
    """Every order; each takes an error off ``failures`` and raises it, while there are any."""

    class Orders(list):
        def __init__(self):
            self.failures = []

    seen, paint = Orders(), held[STABLE_DIFFUSION].image_to_image

    def painting(order, *others):
        seen.append(order)
        if seen.failures:
            raise seen.failures.pop()
        return paint(order, *others)

    monkeypatch.setattr(held[STABLE_DIFFUSION], "image_to_image", painting)
    return seen


def test_out_of_memory_once_halves_the_size_and_says_so(models, tmp_path, orders):
    orders.failures += [torch.OutOfMemoryError("CUDA out of memory")]
    context = context_for(models, tmp_path, 300, 400, steps=1)
    result = finished(context)
    assert [order.photo.shape[:2] for order in orders] == [(96, 128), (64, 64)]
    assert [order.depth.shape for order in orders] == [(96, 128), (64, 64)]
    assert set(np.unique(orders[1].edges)) == {0, 255}
    assert result.shape == (300, 400, 3)
    assert any("half size" in note for note in context.notes)


def test_out_of_memory_twice_fails_the_job_and_leaves_a_healthy_machine(models, tmp_path, orders):
    orders.failures += [torch.OutOfMemoryError("CUDA out of memory")] * 2
    with pytest.raises(DarkroomError) as caught:
        painted(context_for(models, tmp_path, steps=1))
    assert caught.value.detail.code is ErrorCode.OUT_OF_MEMORY
    context = context_for(models, tmp_path, steps=1)
    assert painted(context).picture.std() > 1
    assert not any("half size" in note for note in context.notes)


def test_other_errors_are_not_tried_again(models, tmp_path, orders):
    orders.failures += [RuntimeError("a mistake")]
    with pytest.raises(DarkroomError) as caught:
        painted(context_for(models, tmp_path, steps=1))
    assert caught.value.detail.code is ErrorCode.INTERNAL
    assert len(orders) == 1
