"""``inpaint`` on the models engine, with tiny weights through the real code."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.params import InpaintParams
from pipeline.core.artifacts import PHOTO, RESULT, SAVED, SEED
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.imaging.masks import HOLE
from pipeline.models.network_registry import HOLE_FILLER, SAFETY, SD15_INPAINT_UNET, STABLE_DIFFUSION
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.models.stages.half_size_retry import HALF_SIZE_NOTE
from pipeline.plans import get_plan
from pipeline.weights.store import WeightStore

SIDE = 128
WORDS = {"prompt": "a red chair", "steps": 3}

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def models(tiny_weights: Path) -> ModelManager:
    return ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"), long_side=SIDE)


@pytest.fixture
def uploads(tmp_path: Path) -> dict[str, Path]:
    """A photo of 300×200 with a hole of 40×30 in it."""
    rng = np.random.default_rng(8)
    photo = np.linspace(40, 200, 300, dtype=np.uint8)[None, :, None] + rng.integers(0, 9, (200, 300, 3), dtype=np.uint8)
    mask = np.zeros((200, 300), np.uint8)
    mask[90:120, 100:140] = 255
    return save(tmp_path, photo, mask)


def save(folder: Path, photo: np.ndarray, mask: np.ndarray) -> dict[str, Path]:
    Image.fromarray(photo).save(folder / "photo.png")
    Image.fromarray(mask).save(folder / "mask.png")
    return {"photo": folder / "photo.png", "mask": folder / "mask.png"}


class RecordedReports:
    """Records a job's reports; raises ``JobAbandoned`` after ``until`` of them."""

    def __init__(self, until: int = 10_000) -> None:
        self.fractions: list[float] = []
        self.messages: list[str] = []
        self.progress_images: list[np.ndarray] = []
        self._until = until

    def report(self, fraction: float, message: str) -> None:
        self.fractions.append(fraction)
        self.messages.append(message)
        if len(self.messages) == self._until:
            raise JobAbandoned


def run(
    models: ModelManager, uploads: dict[str, Path], reports: RecordedReports | None = None, **params: object
) -> StageContext:
    reports = reports or RecordedReports()
    folder = uploads["photo"].parent
    context = StageContext(
        InpaintParams(**params),
        uploads,
        folder,
        reports.report,
        network_provider=models,
        report_progress_image=reports.progress_images.append,
    )
    for stage, _ in get_plan(Kind.INPAINT, Engine.MODELS).steps:
        context.enter_stage(stage)
        stage.run(context)
    context.enter_stage(None)
    return context


@pytest.mark.parametrize("params", [{}, WORDS, {"grow": 5}, WORDS | {"guidance": 1.0}], ids=str)
def test_the_hole_is_filled_and_no_other_pixel_changes(models, uploads, params) -> None:
    context = run(models, uploads, **params)
    saved = np.asarray(Image.open(context[SAVED][0].path))
    hole = context[HOLE]
    np.testing.assert_array_equal(saved, context[RESULT])
    np.testing.assert_array_equal(saved[~hole], context[PHOTO][~hole])
    assert (saved[hole] != context[PHOTO][hole]).any(axis=-1).mean() > 0.5
    assert context[SEED] == 42
    assert context.notes == []


def test_without_a_prompt_only_the_hole_filler_is_used(models, uploads) -> None:
    assert {used.id for used in run(models, uploads).models_used} == {"aot-gan-places2"}
    assert {used.id for used in run(models, uploads, **WORDS).models_used} == {
        "sd15",
        "sd15-inpainting",
        "safety-checker",
    }


@pytest.mark.parametrize("params", [{}, WORDS], ids=["without words", "with words"])
def test_equal_params_and_seeds_give_equal_bytes(models, uploads, params) -> None:
    first, again = (run(models, uploads, **params)[SAVED][0].path.read_bytes() for _ in range(2))
    assert first == again


def test_prompts_guidance_and_seed_change_the_result(models, uploads) -> None:
    first = run(models, uploads, **WORDS)[RESULT]
    for other in ({"prompt": "a cellar"}, {"seed": 7}, {"guidance": 2.0}, {"negative_prompt": "a dog"}, {"steps": 2}):
        assert (run(models, uploads, **WORDS | other)[RESULT] != first).any(), other


def test_pixels_in_the_hole_have_no_effect(models, uploads, tmp_path: Path) -> None:
    """Photos that differ only under the mask give equal results, with and without a prompt."""
    (tmp_path / "other").mkdir()
    photo, mask = (np.asarray(Image.open(uploads[role])) for role in ("photo", "mask"))
    other = save(tmp_path / "other", np.where(mask[..., None] > 0, np.uint8(255), photo), mask)
    for params in ({}, WORDS):
        np.testing.assert_array_equal(run(models, uploads, **params)[RESULT], run(models, other, **params)[RESULT])


def test_every_step_is_reported_and_cancellation_stops_within_one_step(models, uploads) -> None:
    reports = RecordedReports()
    run(models, uploads, reports, prompt="a chair", steps=6)
    steps = [message for message in reports.messages if message.startswith("Denoising")]
    assert steps == [f"Denoising: step {n} of 6" for n in range(1, 7)]
    assert 1 <= len(reports.progress_images) <= 5
    cut = RecordedReports(until=reports.messages.index("Denoising: step 2 of 6") + 1)
    with pytest.raises(JobAbandoned):
        run(models, uploads, cut, prompt="a chair", steps=6)
    assert cut.messages[-1] == "Denoising: step 2 of 6"
    with pytest.raises(JobAbandoned):
        run(models, uploads, RecordedReports(until=4))


def test_a_full_mask_with_a_prompt_fills_the_whole_photo(models, uploads) -> None:
    Image.new("L", (300, 200), 255).save(uploads["mask"])
    context = run(models, uploads, **WORDS)
    assert (context[RESULT] != context[PHOTO]).any(axis=-1).mean() > 0.9
    with pytest.raises(DarkroomError, match="give a prompt"):
        run(models, uploads)


def test_a_large_hole_is_filled_at_a_reduced_size_with_a_note(models, uploads) -> None:
    mask = np.zeros((200, 300), np.uint8)
    mask[20:180, 20:280] = 255
    Image.fromarray(mask).save(uploads["mask"])
    context = run(models, uploads)
    assert any("filled at 42% of the photo's size" in note for note in context.notes)
    np.testing.assert_array_equal(context[RESULT][mask == 0], context[PHOTO][mask == 0])


def test_many_holes_share_a_crop_with_a_prompt_and_have_their_own_without(models, tmp_path: Path) -> None:
    photo = np.random.default_rng(4).integers(90, 160, (600, 1600, 3), dtype=np.uint8)
    mask = np.zeros((600, 1600), np.uint8)
    for left in range(50, 1600, 300):
        mask[100:110, left : left + 10] = 255
    uploads = save(tmp_path, photo, mask)
    reports = RecordedReports()
    run(models, uploads, reports, **WORDS)
    assert sum(message.startswith("Denoising") for message in reports.messages) == 3
    context = run(models, uploads)
    assert context.notes == []
    assert (context[RESULT] != photo).any(axis=-1)[mask > 0].mean() > 0.9
    np.testing.assert_array_equal(context[RESULT][mask == 0], photo[mask == 0])


@pytest.mark.parametrize(
    ("network", "params"), [(HOLE_FILLER, {}), (STABLE_DIFFUSION, WORDS)], ids=["without words", "with words"]
)
def test_out_of_memory_halves_the_size_and_adds_a_note(models, uploads, monkeypatch, network, params) -> None:
    with models.use(network) as networks:
        method = "inpaint" if network is STABLE_DIFFUSION else "fill"
        fill, sizes = getattr(networks[network], method), []

        def once(*args: object, **more: object) -> object:
            hole = args[0].hole if network is STABLE_DIFFUSION else args[1]
            sizes.append(max(hole.shape))
            if len(sizes) == 1:
                raise torch.OutOfMemoryError("full")
            return fill(*args, **more)

        monkeypatch.setattr(networks[network], method, once)
        context = run(models, uploads, **params)
    assert sizes == [SIDE, SIDE // 2]
    assert HALF_SIZE_NOTE in context.notes
    np.testing.assert_array_equal(context[RESULT][~context[HOLE]], context[PHOTO][~context[HOLE]])


def test_unsafe_results_of_prompts_are_rejected(models, uploads, monkeypatch) -> None:
    with models.use(SAFETY) as networks:
        monkeypatch.setattr(networks[SAFETY], "unsafe", lambda _picture: True)
        with pytest.raises(DarkroomError) as raised:
            run(models, uploads, **WORDS)
        assert raised.value.detail.code is ErrorCode.REJECTED_CONTENT
        run(models, uploads)


def test_a_truncated_prompt_adds_a_note(models, uploads) -> None:
    context = run(models, uploads, prompt="a very " * 60 + "red chair", steps=1)
    assert any("red chair” was not read" in note for note in context.notes)


def test_the_unet_gets_latents_mask_and_masked_photo(models) -> None:
    with models.use(SD15_INPAINT_UNET) as networks:
        assert networks[SD15_INPAINT_UNET].unet.config.in_channels == 9
