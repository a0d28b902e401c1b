"""Runner: collected results, and reported progress."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import Room
from darkroom.contract.results import FoundObject, Quality, RecognisedRoom, StageTime
from pipeline.core.artifacts import OBJECTS, QUALITY, ROOM, SAVED, SEED, SavedPicture
from pipeline.core.runner import Runner, noop_plan
from pipeline.core.stages import Plan, StageContext
from tests.pipeline.core.runner.plans import (
    DETECTOR,
    DIFFUSION,
    Action,
    Clock,
    FakeNetworkProvider,
    RecordingReporter,
    new_context,
    nothing,
    plan,
    stage,
)


def test_saved_files_are_collected(context: StageContext, tmp_path: Path) -> None:
    picture = SavedPicture("result", tmp_path / "result.jpg", "image/jpeg", 4, 3)
    quality = Quality(structure=1, style=1, visual=1, score=1)

    def make(context: StageContext) -> None:
        context[SAVED] = (picture,)
        context[QUALITY] = quality
        context.notes.append("By hand.")

    clock = Clock()

    def take_two_seconds(context: StageContext) -> None:
        clock.seconds += 2

    steps = plan(stage(take_two_seconds, "wait"), stage(make, "make", provides=(SAVED, QUALITY)))
    finished = clock.runner().run(steps, context, RecordingReporter())

    assert finished.files == (picture,)
    assert finished.quality == quality
    assert finished.engine is Engine.PREVIEW
    assert finished.models == ()
    assert finished.notes == ("By hand.",)
    assert finished.timeline == (StageTime(stage="wait", seconds=2), StageTime(stage="make", seconds=0))


def test_room_objects_and_models_are_collected(tmp_path: Path) -> None:
    sofa = FoundObject(label="sofa", box=(0, 0, 2, 2), score=0.9, area=0.5)
    kitchen = RecognisedRoom(room=Room.KITCHEN, confidence=0.8, sure=True)

    def detect(context: StageContext) -> None:
        with context.use_networks(DETECTOR) as networks:
            assert networks[DETECTOR] == "eye"
        context[OBJECTS], context[ROOM] = (sofa,), kitchen

    def make(context: StageContext) -> None:
        with context.use_networks(DIFFUSION, DETECTOR):
            context[SEED] = 7

    steps = plan(
        stage(detect, "look", provides=(OBJECTS, ROOM), networks=(DETECTOR,)),
        stage(make, "make", provides=(SEED,), networks=(DETECTOR, DIFFUSION)),
    )
    finished = Runner().run(steps, new_context(tmp_path, FakeNetworkProvider()), RecordingReporter())
    assert (finished.objects, finished.room, finished.seed) == ((sofa,), kitchen, 7)
    assert [model.id for model in finished.models] == ["eye", "hand"]


def test_progress_images_reach_the_reporter_only_during_the_run(context: StageContext) -> None:
    reporter, grey = RecordingReporter(), np.zeros((2, 3, 3), np.uint8)
    Runner().run(plan(stage(lambda context: context.report_progress_image(grey))), context, reporter)
    context.report_progress_image(grey)
    assert len(reporter.progress_images) == 1
    assert reporter.progress_images[0] is grey


def test_a_plan_without_stages_completes_without_pictures(context: StageContext) -> None:
    finished = Runner().run(noop_plan(Kind.UPSCALE, Engine.PREVIEW), context, RecordingReporter())
    assert (finished.files, finished.timeline) == ((), ())


def test_progress_follows_the_shares_and_starts_at_the_last_attempts_end(context: StageContext) -> None:
    reporter = RecordingReporter()
    halfway = stage(lambda context: context.report(0.5, "Half of it"), "first")
    steps = Plan(Kind.RESTYLE_ROOM, Engine.PREVIEW, ((halfway, 0.8), (stage(nothing, "second"), 0.2)))
    Runner().run(steps, context, reporter, span=(0.5, 1.0))

    assert reporter.progress == pytest.approx([0.5, 0.7, 0.9, 0.9, 1.0])
    assert reporter.messages[0] == ("first", "Doing first")
    assert reporter.messages[1] == ("first", "Half of it")
    assert reporter.messages[-1] == ("second", "Doing second")
    assert [time.stage for time in reporter.timelines[-1]] == ["first", "second"]


@given(
    reports=st.lists(st.lists(st.floats(), max_size=5), min_size=1, max_size=5),
    start=st.floats(0, 1),
    end=st.floats(0, 1),
)
def test_progress_never_falls(reports: list[list[float]], start: float, end: float) -> None:
    reporter = RecordingReporter()

    def saying(fractions: list[float]) -> Action:
        def action(context: StageContext) -> None:
            for fraction in fractions:
                context.report(fraction)

        return action

    steps = plan(*(stage(saying(fractions), f"stage{index}") for index, fractions in enumerate(reports)))
    Runner().run(steps, new_context(), reporter, span=(start, end))

    assert reporter.progress == sorted(reporter.progress)
    assert reporter.progress[0] >= start
    assert reporter.progress[-1] <= max(start, end) + 1e-9
