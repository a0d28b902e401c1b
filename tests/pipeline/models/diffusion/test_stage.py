"""Denoising with tiny weights through the real code: the stage."""

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
from tests.pipeline.models.diffusion.denoise_requests import SIDE, mean_difference


def context_for(
    models,
    folder,
    height=96,
    width=128,
    *,
    kept=None,
    report=lambda *_: None,
    report_progress_image=lambda _: None,
    **params,
):
    given = RestyleRoomParams(**{"style": "japandi", "room": Room.BEDROOM, **params})
    context = StageContext(
        given, {}, folder, report, network_provider=models, report_progress_image=report_progress_image
    )
    fit = Letterbox.for_photo(height, width, SIDE)
    chance = np.random.default_rng(7)
    context[PHOTO] = chance.integers(0, 256, (height, width, 3), dtype=np.uint8)
    context[ROOM], context[KEEP_MASK] = None, kept
    context[DEPTH] = chance.integers(0, 256, (fit.height, fit.width), dtype=np.uint8)
    context[EDGES] = np.where(chance.random((fit.height, fit.width)) > 0.9, 255, 0).astype(np.uint8)
    return context


def generated(context):
    context.enter_stage(Diffuse())
    Diffuse().run(context)
    context.enter_stage(None)
    return context[DENOISED]


def finished(context):
    """Return the generated picture at the photo's size."""
    chosen = generated(context)
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
def test_kept_pixels_are_unchanged_at_any_strength(models, tmp_path, profile, strength):
    kept = np.zeros((200, 300), bool)
    kept[50:150, 20:120] = True
    context = context_for(models, tmp_path, 200, 300, kept=kept, profile=profile, strength=strength, steps=2)
    picture = finished(context)
    np.testing.assert_array_equal(picture[kept], context[PHOTO][kept])
    assert mean_difference(picture[~kept], context[PHOTO][~kept]) > 10


@pytest.mark.parametrize(("profile", "steps"), [(Profile.FAST, 4), (Profile.QUALITY, 20)])
def test_every_step_is_reported_and_a_few_have_progress_images(models, tmp_path, profile, steps):
    steps_reported, progress_images = [], []
    generated(
        context_for(
            models,
            tmp_path,
            profile=profile,
            report=lambda *reports: steps_reported.append(reports),
            report_progress_image=progress_images.append,
            seed=3,
        )
    )
    assert steps_reported == [(n / steps, f"Denoising: step {n} of {steps}") for n in range(1, steps + 1)]
    assert 3 <= len(progress_images) <= 5


def test_params_override_the_profile(models, tmp_path, requests):
    generated(context_for(models, tmp_path, steps=2, guidance=1.5, depth_scale=0.5, edges_scale=1.5, seed=8))
    request = requests[0]
    assert (request.steps, request.guidance, request.controlnet_scales, request.seed) == (2, 1.5, (0.5, 1.5), 8)
    assert request.prompt.startswith("interior photograph of a bedroom, japandi")


def test_prompts_without_effect_add_notes(models, tmp_path):
    context = context_for(models, tmp_path, steps=1, negative_prompt="plants", prompt="blue rug " * 40)
    generated(context)
    assert any("negative prompt" in note for note in context.notes)
    assert any("was not read" in note for note in context.notes)
    guided = context_for(models, tmp_path, steps=1, guidance=2, negative_prompt="plants")
    generated(guided)
    assert not any("negative prompt" in note for note in guided.notes)


def test_a_cancelled_job_stops_within_one_step(models, networks, tmp_path, calls):
    def report(fraction, _message):
        if fraction >= 0.5:
            raise JobAbandoned

    with pytest.raises(JobAbandoned):
        generated(context_for(models, tmp_path, report=report))
    assert calls["unet"] == 2


@pytest.fixture
def requests(networks, monkeypatch):
    """Records every request; each call raises the next error of ``failures`` while there are any."""

    class RecordedRequests(list):
        def __init__(self):
            self.failures = []

    seen, generate = RecordedRequests(), networks[STABLE_DIFFUSION].image_to_image

    def record_request(request, *others):
        seen.append(request)
        if seen.failures:
            raise seen.failures.pop()
        return generate(request, *others)

    monkeypatch.setattr(networks[STABLE_DIFFUSION], "image_to_image", record_request)
    return seen


def test_out_of_memory_once_halves_the_size_and_adds_a_note(models, tmp_path, requests):
    requests.failures += [torch.OutOfMemoryError("CUDA out of memory")]
    context = context_for(models, tmp_path, 300, 400, steps=1)
    result = finished(context)
    assert [request.photo.shape[:2] for request in requests] == [(96, 128), (64, 64)]
    assert [request.depth.shape for request in requests] == [(96, 128), (64, 64)]
    assert set(np.unique(requests[1].edges)) == {0, 255}
    assert result.shape == (300, 400, 3)
    assert any("half size" in note for note in context.notes)


def test_out_of_memory_twice_fails_the_job_and_the_next_job_completes(models, tmp_path, requests):
    requests.failures += [torch.OutOfMemoryError("CUDA out of memory")] * 2
    with pytest.raises(DarkroomError) as raised:
        generated(context_for(models, tmp_path, steps=1))
    assert raised.value.detail.code is ErrorCode.OUT_OF_MEMORY
    context = context_for(models, tmp_path, steps=1)
    assert generated(context).picture.std() > 1
    assert not any("half size" in note for note in context.notes)


def test_other_errors_are_not_retried(models, tmp_path, requests):
    requests.failures += [RuntimeError("a mistake")]
    with pytest.raises(DarkroomError) as raised:
        generated(context_for(models, tmp_path, steps=1))
    assert raised.value.detail.code is ErrorCode.INTERNAL
    assert len(requests) == 1
