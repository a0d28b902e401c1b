"""Best-effort drawing: a failed progress image or overlay never fails a job."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.params import FindObjectsParams, Format
from darkroom.contract.results import OVERLAY_FAILED_NOTE, Result
from pipeline.core.arrays import Rgb
from pipeline.core.best_effort import best_effort
from pipeline.core.runner import Runner
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.imaging import object_overlay
from pipeline.models.stages.reporting import report_some_progress_images
from pipeline.plans import get_plan


class SilentReporter:
    """Reporter that ignores all calls."""

    def report(self, *_arguments: Any) -> None:
        pass

    def check(self) -> None:
        pass

    def report_progress_image(self, picture: Rgb) -> None:
        pass


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(*_arguments: Any, **_named: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("size", [(717, 537), (943, 707), (1169, 877), (1200, 900)])
def test_objects_are_drawn_on_the_sample_at_every_size(tmp_path: Path, sample_path: Path, size: Any) -> None:
    with Image.open(sample_path) as photo:
        photo.resize(size, Image.Resampling.BICUBIC).save(tmp_path / "room.png")
    context = StageContext(FindObjectsParams(), {"photo": tmp_path / "room.png"}, tmp_path)
    finished = Runner().run(get_plan(Kind.FIND_OBJECTS, Engine.PREVIEW), context, SilentReporter())
    assert len(finished.objects) > 5
    assert OVERLAY_FAILED_NOTE not in finished.notes


@pytest.mark.parametrize("error", [ValueError("x1 must be greater than or equal to x0"), MemoryError(), OSError()])
def test_a_job_whose_overlay_cannot_be_drawn_completes_with_the_photo_and_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    pixels = np.full((1500, 2000, 3), (60, 90, 70), np.uint8)
    cv2.circle(pixels, (1000, 750), 300, (220, 120, 40), -1)
    Image.fromarray(pixels).save(tmp_path / "ball.png")
    monkeypatch.setattr(object_overlay, "draw_objects", failing(error))
    context = StageContext(FindObjectsParams(format=Format.PNG), {"photo": tmp_path / "ball.png"}, tmp_path)
    with caplog.at_level(logging.WARNING):
        finished = Runner().run(get_plan(Kind.FIND_OBJECTS, Engine.PREVIEW), context, SilentReporter())
    assert len(finished.objects) == 1
    assert [each.name for each in finished.files] == ["result", "thumbnail"]
    with Image.open(finished.files[0].path) as shown:
        assert shown.size == (1600, 1200)
        assert shown.getpixel((800, 600)) == (220, 120, 40)
    assert OVERLAY_FAILED_NOTE in finished.notes
    (record,) = [each for each in caplog.records if each.name == "pipeline.core.best_effort"]
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert not Result(pictures=[], engine=Engine.PREVIEW, notes=list(finished.notes)).cacheable


@pytest.mark.parametrize(
    "error", [JobAbandoned(), DarkroomError(ErrorCode.TIMED_OUT, "Too late."), KeyboardInterrupt()]
)
def test_errors_that_end_a_job_propagate(error: BaseException) -> None:
    with pytest.raises(type(error)), best_effort("anything"):
        raise error


def test_a_failure_outside_the_result_adds_no_note(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with best_effort("progress picture"):
        raise ValueError("no")
    assert "progress picture left out" in caplog.text


def test_a_failed_progress_image_does_not_fail_the_job(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shown: list[Rgb] = []
    context = StageContext(FindObjectsParams(), {}, tmp_path, report_progress_image=shown.append)
    report_some_progress_images(context, 1, 2, failing(ValueError("no picture")))
    assert "progress picture left out" in caplog.text
    report_some_progress_images(context, 1, 2, lambda: np.zeros((2, 2, 3), np.uint8))
    assert len(shown) == 1
    assert context.notes == []
