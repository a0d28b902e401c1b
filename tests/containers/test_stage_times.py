"""Stage times that the container logs: one line for each stage, and no metric that is billed."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from containers.worker import stage_times
from containers.worker.json_logging import FORMATTER, job_context, set_log_stage
from darkroom.contract.engine import Engine
from darkroom.contract.results import StageTime
from tests.containers.conftest import invocation


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the container writes to its log."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(FORMATTER)
    logger = stage_times.logger
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield written
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_a_stages_seconds_are_logged_with_job_kind_and_engine(log: io.StringIO) -> None:
    timeline = [StageTime(stage="depth", seconds=1.25), StageTime(stage="edges", seconds=0.5, cached=True)]
    with job_context("a" * 32, 2):
        set_log_stage("save")
        stage_times.log_stage_times(invocation(attempt=2), Engine.MODELS, timeline)
    entries = [json.loads(line) for line in log.getvalue().splitlines()]
    job = {"job_id": "a" * 32, "attempt": 2, "kind": "restyle_room", "engine": "models"}
    assert [{**job, **entry} for entry in entries] == entries
    assert [(entry["message"], entry["stage"], entry["seconds"], entry["cached"]) for entry in entries] == [
        ("stage ended", "depth", 1.25, False),
        ("stage ended", "edges", 0.5, True),
    ]


def test_stage_times_are_no_billed_metrics(log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    stage_times.log_stage_times(invocation(), Engine.MODELS, [StageTime(stage="depth", seconds=1.25)])
    assert "_aws" not in log.getvalue() + capsys.readouterr().out
