"""Runner: enforced declarations, and the lifetime of artifacts."""

import gc
import weakref
from typing import Any

import pytest

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from pipeline.core.runner import Runner
from pipeline.core.stages import Artifact, Plan, StageContext
from tests.pipeline.core.runner.plans import EARLY, LATE, Action, RecordingReporter, nothing, plan, stage


def read_undeclared(context: StageContext) -> None:
    context[EARLY]


def write_undeclared(context: StageContext) -> None:
    context[LATE] = 1


@pytest.mark.parametrize(("action", "provides"), [(read_undeclared, ()), (write_undeclared, ()), (nothing, (LATE,))])
def test_declarations_are_enforced(
    context: StageContext, action: Action, provides: tuple[Artifact[Any], ...], caplog: pytest.LogCaptureFixture
) -> None:
    def give(context: StageContext) -> None:
        context[EARLY] = 1

    steps = plan(stage(give, "give", provides=(EARLY,)), stage(action, "wrong", provides=provides))
    with pytest.raises(DarkroomError) as error:
        Runner().run(steps, context, RecordingReporter())
    assert error.value.detail.code is ErrorCode.INTERNAL
    assert "wrong" in caplog.text


def test_artifacts_without_later_readers_are_released(context: StageContext) -> None:
    class Big:
        pass

    seen: list[tuple[bool, bool]] = []
    big = weakref.WeakValueDictionary[str, Big]()

    def give(context: StageContext) -> None:
        for artifact in (EARLY, LATE):
            big[artifact.name] = value = Big()
            context[artifact] = value

    def record_lifetime(_context: StageContext) -> None:
        gc.collect()
        seen.append(("early" in big, "late" in big))

    steps = plan(
        stage(give, "give", provides=(EARLY, LATE)),
        stage(record_lifetime, "reads", requires=(EARLY, LATE)),
        stage(record_lifetime, "reads_late", requires=(LATE,)),
        stage(record_lifetime, "reads_none"),
    )
    Runner().run(steps, context, RecordingReporter())
    assert seen == [(True, True), (False, True), (False, False)]


def test_results_of_the_plan_are_kept(context: StageContext) -> None:
    def give(context: StageContext) -> None:
        context[LATE] = "kept"

    steps = Plan(Kind.UPSCALE, Engine.PREVIEW, ((stage(give, provides=(LATE,)), 1.0),), results=(LATE,))
    Runner().run(steps, context, RecordingReporter())
    assert context[LATE] == "kept"
