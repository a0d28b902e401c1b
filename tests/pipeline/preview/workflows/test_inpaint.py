"""``inpaint`` on the preview engine: its results."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import InpaintParams
from pipeline.core.artifacts import PHOTO, RESULT, SAVED, SEED
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.imaging.masks import HOLE
from pipeline.plans import get_plan
from pipeline.preview.inpainting.fill import fill_hole
from tests.paths import DATA


def run(
    photo: Path, mask: Path, folder: Path, report=lambda _fraction, _message: None, **params: object
) -> StageContext:
    context = StageContext(InpaintParams(**params), {"photo": photo, "mask": mask}, folder, report)
    for stage, _ in get_plan(Kind.INPAINT, Engine.PREVIEW).steps:
        context.enter_stage(stage)
        stage.run(context)
    context.enter_stage(None)
    return context


def fill_scene(scene: np.ndarray, hole: np.ndarray, folder: Path, **params: object) -> StageContext:
    Image.fromarray(scene).save(folder / "photo.png")
    Image.fromarray(hole.astype(np.uint8) * 255).save(folder / "mask.png")
    return run(folder / "photo.png", folder / "mask.png", folder, **params)


def error(result: np.ndarray, truth: np.ndarray, hole: np.ndarray) -> float:
    return float(np.abs(result.astype(float) - truth)[hole].mean())


@pytest.fixture(scope="module")
def lamp(tmp_path_factory: pytest.TempPathFactory) -> StageContext:
    """Fill the mask of the sample's lamp."""
    folder = tmp_path_factory.mktemp("lamp")
    return run(DATA / "living_room.jpg", DATA / "living_room_mask.png", folder)


def test_the_samples_png_is_unchanged_outside_the_hole(lamp: StageContext) -> None:
    saved = lamp[SAVED][0]
    assert (saved.content_type, saved.width, saved.height) == ("image/png", 1280, 960)
    with Image.open(saved.path) as image:
        assert "compositeWithTrainedAlgorithmicMedia" in image.info["XML:com.adobe.xmp"]
        pixels = np.asarray(image)
    hole = lamp[HOLE]
    np.testing.assert_array_equal(pixels[~hole], lamp[PHOTO][~hole])
    np.testing.assert_array_equal(pixels, lamp[RESULT])
    assert lamp[SEED] == 42
    assert lamp.notes == []


def test_the_lamp_is_removed_and_its_surroundings_continue(lamp: StageContext) -> None:
    result, photo = lamp[RESULT].astype(float), lamp[PHOTO].astype(float)
    bulb = np.s_[325:375, 915:960]
    assert photo[bulb].mean() > 230
    wall = photo[325:375, 880:900].mean((0, 1))
    assert np.abs(result[bulb].mean((0, 1)) - wall).max() < 25
    pole = np.s_[420:570, 928:940]
    assert photo[pole].min(axis=1).mean() < 90
    assert result[pole].mean(-1).min() > 90
    # The skirting board is lighter than what is above and below it, right through where the pole stood.
    column = result[560:640, 931:938].mean((1, 2))
    assert column[30:48].max() > column[:25].mean() + 3
    assert column[-12:].mean() < column[:25].mean() - 20


def test_an_edge_continues_straight_through_a_hole(tmp_path: Path) -> None:
    y, x = np.mgrid[:300, :400]
    rng = np.random.default_rng(3)
    scene = np.where((y > 100 + x * 0.25)[..., None], (150, 110, 80), (200, 205, 190)) + rng.normal(0, 4, (300, 400, 1))
    scene = scene.clip(0, 255).astype(np.uint8)
    hole = np.zeros((300, 400), bool)
    hole[120:190, 160:240] = True
    damaged = scene.copy()
    damaged[hole] = (255, 0, 255)
    result = fill_scene(damaged, hole, tmp_path)[RESULT]
    assert error(result, scene, hole) < 8
    assert result[hole].astype(int).std(axis=0).max() < 80


def test_a_texture_continues_with_its_detail(tmp_path: Path) -> None:
    y, x = np.mgrid[:300, :400]
    scene = np.where((((x // 20) + (y // 20)) % 2 == 0)[..., None], (220, 210, 190), (150, 60, 50)).astype(np.uint8)
    hole = np.zeros((300, 400), bool)
    hole[110:190, 150:250] = True
    damaged = np.where(hole[..., None], np.uint8(0), scene)
    result = fill_scene(damaged, hole, tmp_path)[RESULT]
    assert error(result, scene, hole) < 25
    blurred = cv2.inpaint(damaged, hole.astype(np.uint8), 5, cv2.INPAINT_TELEA)
    assert error(result, scene, hole) < error(blurred, scene, hole) / 2


def test_a_scratch_is_filled(tmp_path: Path) -> None:
    y, x = np.mgrid[:200, :300]
    scene = np.stack([60 + x // 3, 90 + y // 3, 120 + 0 * x], -1).astype(np.uint8)
    hole = np.abs(y - 20 - x // 2) <= 1
    damaged = np.where(hole[..., None], np.uint8(255), scene)
    assert error(fill_scene(damaged, hole, tmp_path)[RESULT], scene, hole) < 3


def test_a_prompt_and_a_large_hole_add_notes(tmp_path: Path) -> None:
    scene = np.full((120, 160, 3), 90, np.uint8)
    hole = np.zeros((120, 160), bool)
    hole[10:110, 10:150] = True
    notes = " ".join(fill_scene(scene, hole, tmp_path, prompt="a cat").notes)
    assert "The prompt had no effect" in notes
    assert "The hole is large" in notes


def test_equal_params_give_equal_bytes_and_the_seed_has_an_effect(tmp_path: Path) -> None:
    scene = np.random.default_rng(1).integers(0, 256, (100, 140, 3), dtype=np.uint8)
    hole = np.zeros((100, 140), bool)
    hole[40:70, 50:90] = True
    first, again, other = (fill_scene(scene, hole, tmp_path, seed=s)[SAVED][0].path.read_bytes() for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_cancelled_job_stops_during_the_fill(tmp_path: Path) -> None:
    fractions: list[float] = []

    def report(fraction: float, _message: str) -> None:
        fractions.append(fraction)
        if len(fractions) == 6:
            raise JobAbandoned

    with pytest.raises(JobAbandoned):
        run(DATA / "living_room.jpg", DATA / "living_room_mask.png", tmp_path, report)
    assert len(fractions) == 6
    assert fractions == sorted(fractions)


def test_a_large_photos_hole_is_filled_at_a_reduced_size_with_a_note(tmp_path: Path) -> None:
    scene = np.full((1400, 1800, 3), 90, np.uint8)
    hole = np.zeros((1400, 1800), bool)
    hole[400:900, 500:1000] = True
    context = fill_scene(np.where(hole[..., None], np.uint8(255), scene), hole, tmp_path)
    assert any("% of the photo's size" in note for note in context.notes)
    assert np.abs(context[RESULT].astype(int) - 90).max() <= 1


@given(
    height=st.integers(32, 90),
    width=st.integers(32, 90),
    box=st.tuples(*[st.floats(0, 1)] * 4),
    seed=st.integers(0, 9),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_hole_is_filled_and_no_other_pixel_changes(
    height: int, width: int, box: tuple[float, float, float, float], seed: int
) -> None:
    top, bottom = sorted((int(box[0] * height), int(box[1] * height)))
    left, right = sorted((int(box[2] * width), int(box[3] * width)))
    hole = np.zeros((height, width), bool)
    hole[top : bottom + 1, left : right + 1] = True
    photo = np.random.default_rng(seed).integers(90, 110, (height, width, 3), dtype=np.uint8)
    photo[hole] = 255
    if hole.all():
        return
    result = fill_hole(photo, hole, seed)
    np.testing.assert_array_equal(result[~hole], photo[~hole])
    assert result[hole].max(initial=0) < 160
