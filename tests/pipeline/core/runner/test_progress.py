"""The runner: what it collects, and the progress that it reports."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.contract.engine import Engine
from darkroom.contract.params import Room
from darkroom.contract.requests import Kind
from darkroom.contract.results import FoundObject, Quality, RecognisedRoom, StageTime
from pipeline.core.artifacts import OBJECTS, QUALITY, ROOM, SAVED, SEED, SavedPicture
from pipeline.core.runner import Runner, noop_plan
from pipeline.core.stages import Plan, StageContext
from tests.pipeline.core.runner.plans import EYE, HAND, Clock, Do, Rack, Told, new_context, nothing, plan, stage


def test_what_was_made_is_collected(context: StageContext, tmp_path: Path) -> None:
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
    finished = clock.runner().run(steps, context, Told())

    assert finished.files == (picture,)
    assert finished.quality == quality
    assert finished.engine is Engine.PREVIEW
    assert finished.models == ()
    assert finished.notes == ("By hand.",)
    assert finished.timeline == (StageTime(stage="wait", seconds=2), StageTime(stage="make", seconds=0))


def test_what_was_recognised_and_which_models_took_part_is_collected(tmp_path: Path) -> None:
    sofa = FoundObject(label="sofa", box=(0, 0, 2, 2), score=0.9, area=0.5)
    kitchen = RecognisedRoom(room=Room.KITCHEN, confidence=0.8, sure=True)

    def look(context: StageContext) -> None:
        with context.use_networks(EYE) as held:
            assert held[EYE] == "eye"
        context[OBJECTS], context[ROOM] = (sofa,), kitchen

    def make(context: StageContext) -> None:
        with context.use_networks(HAND, EYE):
            context[SEED] = 7

    steps = plan(
        stage(look, "look", provides=(OBJECTS, ROOM), networks=(EYE,)),
        stage(make, "make", provides=(SEED,), networks=(EYE, HAND)),
    )
    finished = Runner().run(steps, new_context(tmp_path, Rack()), Told())
    assert (finished.objects, finished.room, finished.seed) == ((sofa,), kitchen, 7)
    assert [model.id for model in finished.models] == ["eye", "hand"]


def test_looks_at_the_picture_reach_the_reporter_only_while_the_job_runs(context: StageContext) -> None:
    told, grey = Told(), np.zeros((2, 3, 3), np.uint8)
    Runner().run(plan(stage(lambda context: context.report_progress_image(grey))), context, told)
    context.report_progress_image(grey)
    assert len(told.looks) == 1
    assert told.looks[0] is grey


def test_a_plan_without_stages_completes_without_pictures(context: StageContext) -> None:
    finished = Runner().run(noop_plan(Kind.UPSCALE, Engine.PREVIEW), context, Told())
    assert (finished.files, finished.timeline) == ((), ())


def test_progress_follows_the_shares_and_starts_where_the_last_attempt_ended(context: StageContext) -> None:
    told = Told()
    halfway = stage(lambda context: context.report(0.5, "Half of it"), "first")
    steps = Plan(Kind.RESTYLE_ROOM, Engine.PREVIEW, ((halfway, 0.8), (stage(nothing, "second"), 0.2)))
    Runner().run(steps, context, told, span=(0.5, 1.0))

    assert told.progress == pytest.approx([0.5, 0.7, 0.9, 0.9, 1.0])
    assert told.said[0] == ("first", "Doing first")
    assert told.said[1] == ("first", "Half of it")
    assert told.said[-1] == ("second", "Doing second")
    assert [time.stage for time in told.timelines[-1]] == ["first", "second"]


@given(
    reports=st.lists(st.lists(st.floats(), max_size=5), min_size=1, max_size=5),
    start=st.floats(0, 1),
    end=st.floats(0, 1),
)
def test_progress_never_falls_whatever_stages_say(reports: list[list[float]], start: float, end: float) -> None:
    told = Told()

    def saying(fractions: list[float]) -> Do:
        def do(context: StageContext) -> None:
            for fraction in fractions:
                context.report(fraction)

        return do

    steps = plan(*(stage(saying(fractions), f"stage{index}") for index, fractions in enumerate(reports)))
    Runner().run(steps, new_context(), told, span=(start, end))

    assert told.progress == sorted(told.progress)
    assert told.progress[0] >= start
    assert told.progress[-1] <= max(start, end) + 1e-9
