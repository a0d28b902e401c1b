"""Runner: errors of stages, and out-of-memory errors."""

import weakref
from pathlib import Path

import pytest

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.runner import Runner
from pipeline.core.stages import StageContext
from tests.pipeline.core.runner.plans import FakeNetworkProvider, RecordingReporter, new_context, plan, stage


def test_a_stages_darkroom_error_propagates(context: StageContext) -> None:
    def fail(_context: StageContext) -> None:
        raise DarkroomError(ErrorCode.NO_FACE, "There is no face.")

    with pytest.raises(DarkroomError, match="no face") as error:
        Runner().run(plan(stage(fail)), context, RecordingReporter())
    assert error.value.detail.code is ErrorCode.NO_FACE


def test_an_unexpected_error_names_the_stage_and_is_logged(
    context: StageContext, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_context: StageContext) -> None:
        raise ZeroDivisionError("secret detail")

    with pytest.raises(DarkroomError) as error:
        Runner().run(plan(stage(fail, "depth")), context, RecordingReporter())
    assert error.value.detail.code is ErrorCode.INTERNAL
    assert "depth" in error.value.detail.message
    assert "secret" not in error.value.detail.message
    assert "secret detail" in caplog.text


@pytest.mark.parametrize("kind", [MemoryError, type("OutOfMemoryError", (RuntimeError,), {})])
def test_out_of_memory_has_its_own_error_code(context: StageContext, kind: type[Exception]) -> None:
    def fail(_context: StageContext) -> None:
        raise kind

    with pytest.raises(DarkroomError) as error:
        Runner().run(plan(stage(fail)), context, RecordingReporter())
    assert error.value.detail.code is ErrorCode.OUT_OF_MEMORY
    assert error.value.detail.retryable


def out_of_memory_within(context: StageContext, provider: FakeNetworkProvider, *, known: bool) -> None:
    class MemoryFiller:
        pass

    def attempt() -> None:
        memory = MemoryFiller()
        provider.memory = weakref.ref(memory)
        raise MemoryError

    try:
        attempt()
    except MemoryError as error:
        if known:
            raise DarkroomError(ErrorCode.OUT_OF_MEMORY, "Too large, also at half the size.") from error
        raise


@pytest.mark.parametrize("known", [True, False])
def test_after_out_of_memory_no_reference_keeps_the_jobs_memory(tmp_path: Path, known: bool) -> None:
    provider = FakeNetworkProvider()
    steps = plan(stage(lambda context: out_of_memory_within(context, provider, known=known)))
    with pytest.raises(DarkroomError) as error:
        Runner().run(steps, new_context(tmp_path, provider), RecordingReporter())
    assert error.value.detail.code is ErrorCode.OUT_OF_MEMORY
    assert provider.released == [True]


def test_other_failures_do_not_release_memory(tmp_path: Path) -> None:
    provider = FakeNetworkProvider()

    def fail(_context: StageContext) -> None:
        raise DarkroomError(ErrorCode.NO_FACE, "There is no face.")

    with pytest.raises(DarkroomError):
        Runner().run(plan(stage(fail)), new_context(tmp_path, provider), RecordingReporter())
    assert provider.released == []


def test_opencvs_out_of_memory_is_recognised(context: StageContext) -> None:
    cv2 = pytest.importorskip("cv2")
    numpy = pytest.importorskip("numpy")

    def fail(_context: StageContext) -> None:
        cv2.resize(numpy.zeros((1, 1), numpy.uint8), (2**31 - 2, 2**20))

    with pytest.raises(DarkroomError) as error:
        Runner().run(plan(stage(fail)), context, RecordingReporter())
    assert error.value.detail.code is ErrorCode.OUT_OF_MEMORY
