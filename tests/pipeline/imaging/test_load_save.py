"""Saving of results: frequent checks for cancellation."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkroom.contract.params import GenerateParams
from pipeline.core.artifacts import RESULT, SAVED
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.imaging.load_save import SaveResult

NOISE = np.random.default_rng(0).integers(0, 256, (700, 900, 3)).astype(np.uint8)


class CancellingReporter:
    """Reporter that cancels at a given report."""

    def __init__(self, allowed_reports: int = 10**6) -> None:
        self.reports, self.allowed_reports = 0, allowed_reports

    def report(self, _fraction: float, _message: str) -> None:
        self.reports += 1
        if self.reports > self.allowed_reports:
            raise JobAbandoned


def saved(reporter: CancellingReporter, folder: Path, format_: str) -> StageContext:
    params = GenerateParams.model_validate({"prompt": "a kite", "format": format_})
    context = StageContext(params, {}, folder, reporter.report)
    context[RESULT] = NOISE
    SaveResult().run(context)
    return context


@pytest.mark.parametrize("format_", ["png", "jpeg"])
def test_saving_a_large_picture_checks_for_cancellation_often(tmp_path: Path, format_: str) -> None:
    reporter = CancellingReporter()
    context = saved(reporter, tmp_path, format_)
    assert reporter.reports > 5
    with Image.open(context[SAVED][0].path) as image:
        assert np.abs(np.asarray(image).astype(int) - NOISE).mean() < 8
    with pytest.raises(JobAbandoned):
        saved(CancellingReporter(allowed_reports=4), tmp_path, format_)
