"""Fixture: the context of a stage."""

from pathlib import Path

import pytest

from pipeline.core.stages import StageContext
from tests.pipeline.core.runner.plans import new_context


@pytest.fixture
def context(tmp_path: Path) -> StageContext:
    return new_context(tmp_path)
