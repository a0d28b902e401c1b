"""The runner: errors of stages, and memory that runs out."""

import weakref
from pathlib import Path

import pytest

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.runner import Runner
from pipeline.core.stages import StageContext
from tests.pipeline.core.runner.plans import Rack, Told, new_context, plan, stage


def test_a_stages_own_error_is_passed_on(context: StageContext) -> None:
    def fail(_work: StageContext) -> None:
        raise DarkroomError(ErrorCode.NO_FACE, "There is no face.")

    with pytest.raises(DarkroomError, match="no face") as error:
        Runner().run(plan(stage(fail)), context, Told())
    assert error.value.detail.code is ErrorCode.NO_FACE


def test_an_unexpected_error_names_the_stage_and_tells_only_the_log(
    context: StageContext, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_work: StageContext) -> None:
        raise ZeroDivisionError("secret detail")

    with pytest.raises(DarkroomError) as error:
        Runner().run(plan(stage(fail, "depth")), context, Told())
    assert error.value.detail.code is ErrorCode.INTERNAL
    assert "depth" in error.value.detail.message
    assert "secret" not in error.value.detail.message
    assert "secret detail" in caplog.text


@pytest.mark.parametrize("kind", [MemoryError, type("OutOfMemoryError", (RuntimeError,), {})])
def test_out_of_memory_is_its_own_code(context: StageContext, kind: type[Exception]) -> None:
    def fail(_work: StageContext) -> None:
        raise kind

    with pytest.raises(DarkroomError) as error:
        Runner().run(plan(stage(fail)), context, Told())
    assert error.value.detail.code is ErrorCode.OUT_OF_MEMORY
    assert error.value.detail.retryable


def out_of_memory_within(context: StageContext, rack: Rack, *, known: bool) -> None:
    class Filler:
        pass

    def attempt() -> None:
        filler = Filler()
        rack.filler = weakref.ref(filler)
        raise MemoryError

    try:
        attempt()
    except MemoryError as error:
        if known:
            raise DarkroomError(ErrorCode.OUT_OF_MEMORY, "Too large, also at half the size.") from error
        raise


@pytest.mark.parametrize("known", [True, False])
def test_after_running_out_of_memory_nothing_of_the_job_holds_on_to_it(tmp_path: Path, known: bool) -> None:
    rack = Rack()
    steps = plan(stage(lambda context: out_of_memory_within(context, rack, known=known)))
    with pytest.raises(DarkroomError) as error:
        Runner().run(steps, new_context(tmp_path, rack), Told())
    assert error.value.detail.code is ErrorCode.OUT_OF_MEMORY
    assert rack.freed == [True]


def test_memory_is_left_alone_after_other_failures(tmp_path: Path) -> None:
    rack = Rack()

    def fail(_work: StageContext) -> None:
        raise DarkroomError(ErrorCode.NO_FACE, "There is no face.")

    with pytest.raises(DarkroomError):
        Runner().run(plan(stage(fail)), new_context(tmp_path, rack), Told())
    assert rack.freed == []


def test_opencvs_out_of_memory_is_too(context: StageContext) -> None:
    cv2 = pytest.importorskip("cv2")
    numpy = pytest.importorskip("numpy")

    def fail(_work: StageContext) -> None:
        cv2.resize(numpy.zeros((1, 1), numpy.uint8), (2**31 - 2, 2**20))

    with pytest.raises(DarkroomError) as error:
        Runner().run(plan(stage(fail)), context, Told())
    assert error.value.detail.code is ErrorCode.OUT_OF_MEMORY
