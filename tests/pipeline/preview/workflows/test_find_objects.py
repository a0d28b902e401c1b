"""``find_objects`` and ``keep_at`` on the preview engine: objects segmented by colour, and kept objects."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.requests import params_model
from darkroom.contract.results import FoundObject
from pipeline.core.artifacts import OBJECTS, PHOTO, RESULT, SAVED
from pipeline.core.runner import Runner
from pipeline.core.stage_cache import StageCache
from pipeline.core.stages import StageContext
from pipeline.imaging.outlines import contains_point
from pipeline.plans import get_plan
from pipeline.preview.room import object_segments
from pipeline.preview.room.stages import OBJECT_SEGMENTS, object_segments_of
from pipeline.preview.workflows.restyle_room import GRADED

SIZE = (640, 480)
SOFA, ARMCHAIR, BARE = (0.5, 0.6), (0.1, 0.8), (0.5, 0.05)


def run(kind: Kind, photo: Path, folder: Path, **params: Any) -> StageContext:
    """Run the plan as the runner does, with the stages' declarations enforced."""
    folder.mkdir(parents=True, exist_ok=True)
    context = StageContext(params_model(kind).model_validate(params), {"photo": photo}, folder)
    for stage, _ in get_plan(kind, Engine.PREVIEW).steps:
        context.enter_stage(stage)
        stage.run(context)
    context.enter_stage(None)
    return context


def restyle(photo: Path, folder: Path, *points: tuple[float, float]) -> StageContext:
    return run(Kind.RESTYLE_ROOM, photo, folder, style="industrial", keep_at=points)


@pytest.fixture(scope="module")
def room(sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("room") / "room.png"
    Image.fromarray(cv2.resize(sample.rgb, SIZE, interpolation=cv2.INTER_AREA)).save(path)
    return path


@pytest.fixture(scope="module")
def found(room: Path, tmp_path_factory: pytest.TempPathFactory) -> StageContext:
    return run(Kind.FIND_OBJECTS, room, tmp_path_factory.mktemp("found"))


@pytest.fixture(scope="module")
def kept(room: Path, tmp_path_factory: pytest.TempPathFactory) -> StageContext:
    return restyle(room, tmp_path_factory.mktemp("kept"), SOFA, BARE)


def at(objects: tuple[FoundObject, ...], point: tuple[float, float]) -> FoundObject:
    return next(each for each in objects if contains_point(each.outlines, point[0] * SIZE[0], point[1] * SIZE[1]))


def test_the_samples_objects_are_separated(found: StageContext, sample) -> None:
    """Outlines cover most pixels of objects, and few others."""
    shown = cv2.resize((sample.part == 4).astype(np.uint8), SIZE, interpolation=cv2.INTER_NEAREST) > 0
    label = found[OBJECT_SEGMENTS].label > 0
    assert np.count_nonzero(label & shown) / np.count_nonzero(label | shown) > 0.85
    assert 6 <= len(found[OBJECTS]) <= 15
    sofa, armchair = at(found[OBJECTS], SOFA), at(found[OBJECTS], ARMCHAIR)
    assert sofa != armchair
    assert sofa.box == pytest.approx((200, 232, 460, 330), abs=12)
    assert armchair.box == pytest.approx((0, 260, 155, 434), abs=12)


def test_objects_are_sorted_and_measured(found: StageContext) -> None:
    objects = found[OBJECTS]
    areas = [each.area for each in objects]
    assert areas == sorted(areas, reverse=True)
    assert {each.label for each in objects} == {"thing"}
    assert all(0 < each.score <= 1 and each.outlines and not each.kept for each in objects)
    assert any("does not know their names" in note for note in found.notes)


def test_the_objects_are_drawn_on_the_result(found: StageContext) -> None:
    result, thumbnail = found[SAVED]
    assert (result.name, result.width, result.height) == ("result", *SIZE)
    assert thumbnail.name == "thumbnail"
    assert b"compositeWithTrainedAlgorithmicMedia" in result.path.read_bytes()
    changed = (found[RESULT] != found[PHOTO]).any(-1)
    assert changed[300, 330], "the sofa"
    assert not changed[20, 320], "the ceiling"


def test_without_a_room_distinct_regions_are_objects(tmp_path: Path) -> None:
    pixels = np.full((300, 400, 3), (60, 90, 70), np.uint8)
    cv2.circle(pixels, (200, 150), 60, (220, 120, 40), -1)
    Image.fromarray(pixels).save(tmp_path / "ball.png")
    context = run(Kind.FIND_OBJECTS, tmp_path / "ball.png", tmp_path / "job")
    (ball,) = context[OBJECTS]
    assert ball.box == pytest.approx((140, 90, 260, 210), abs=5)
    assert any("No room was found" in note for note in context.notes)


def test_a_uniform_picture_has_no_objects_and_adds_a_note(tmp_path: Path) -> None:
    Image.new("RGB", (200, 150), "#808080").save(tmp_path / "grey.png")
    context = run(Kind.FIND_OBJECTS, tmp_path / "grey.png", tmp_path / "job")
    assert context[OBJECTS] == ()
    assert context.notes == ["Nothing was found in this photo."]


def test_objects_at_the_points_are_unchanged(kept: StageContext) -> None:
    (sofa,) = [each for each in kept[OBJECTS] if each.kept]
    assert sofa == at(kept[OBJECTS], SOFA)
    inside = object_segments_of(kept).mask(1 + kept[OBJECTS].index(sofa))
    assert np.array_equal(kept[RESULT][inside], kept[PHOTO][inside])
    assert not np.array_equal(kept[GRADED][inside], kept[PHOTO][inside])
    seam = cv2.dilate(inside.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert np.array_equal(kept[RESULT][~seam], kept[GRADED][~seam])


def test_a_point_without_an_object_adds_a_note_and_the_job_continues(kept: StageContext) -> None:
    assert "Nothing was found to keep at 0.5, 0.05." in kept.notes


def test_without_points_no_objects_are_restored(room: Path, tmp_path: Path) -> None:
    context = restyle(room, tmp_path)
    assert context[RESULT] is context[GRADED]
    assert context[OBJECTS] == ()  # looking for things takes its time, and nobody asked


def test_the_cached_layout_serves_both_kinds_and_all_points(room: Path, tmp_path: Path) -> None:
    class SilentReporter:
        def report(self, *_arguments: object) -> None: ...

        def check(self) -> None: ...

        def report_progress_image(self, _picture: object) -> None: ...

    runner, results = Runner(cache=StageCache()), []
    for index, points in enumerate([None, (SOFA,), (ARMCHAIR,), (SOFA,)]):
        kind = Kind.FIND_OBJECTS if points is None else Kind.RESTYLE_ROOM
        params = {} if points is None else {"style": "boho", "keep_at": points, "format": "png"}
        folder = tmp_path / str(index)
        folder.mkdir()
        context = StageContext(params_model(kind).model_validate(params), {"photo": room}, folder)
        finished = runner.run(get_plan(kind, Engine.PREVIEW), context, SilentReporter())
        assert {each.stage for each in finished.timeline if each.cached} == ({"layout"} if index else set())
        assert finished.objects
        results.append(finished.files[0].path.read_bytes())
    assert results[1] == results[3]
    assert results[1] != results[2]


def test_segmentation_reports_progress_and_can_be_cancelled() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    fractions: list[float] = []
    object_segments.segment_objects(noise, None, fractions.append)
    assert len(fractions) > 2
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] <= fractions[-1] <= 1

    def stop(_fraction: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        object_segments.segment_objects(noise, None, stop)


@given(width=st.integers(32, 300), height=st.integers(32, 300), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_outlines_lie_within_any_picture(tmp_path: Path, width: int, height: int, seed: int) -> None:
    noise = np.random.default_rng(seed).random((6, 6, 3), np.float32)
    pixels = cv2.resize(noise, (width, height), interpolation=cv2.INTER_NEAREST) * 255
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "any.png")
    context = run(Kind.FIND_OBJECTS, tmp_path / "any.png", tmp_path)
    for each in context[OBJECTS]:
        left, top, right, bottom = each.box
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert all(0 <= x <= width and 0 <= y <= height for ring in each.outlines for x, y in ring)
