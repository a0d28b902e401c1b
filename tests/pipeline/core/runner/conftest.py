"""What a stage works on."""

from pathlib import Path

import pytest

from pipeline.core.stages import StageContext
from tests.pipeline.core.runner.plans import new_work


@pytest.fixture
def work(tmp_path: Path) -> StageContext:
    return new_work(tmp_path)
