"""CloudWatch metrics that the container prints, intact despite concurrent output."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from containers.worker import metrics
from darkroom.contract.engine import Engine
from darkroom.contract.results import StageTime
from tests.containers.conftest import invocation


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Switch threads as often as possible."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_metric_lines_of_concurrent_jobs_are_not_mixed(eager_threads: None, capsys: pytest.CaptureFixture[str]) -> None:
    timeline = [StageTime(stage=f"stage-{number}", seconds=0.1) for number in range(50)]
    with ThreadPoolExecutor(4) as jobs:
        for _ in range(4):
            jobs.submit(metrics.emit_stage_seconds, invocation(), Engine.MODELS, timeline)
    stages = [json.loads(line)["stage"] for line in capsys.readouterr().out.splitlines()]
    assert sorted(stages) == sorted(4 * [entry.stage for entry in timeline])


def test_a_stages_seconds_are_a_metric_of_kind_engine_and_stage(capsys: pytest.CaptureFixture[str]) -> None:
    timeline = [StageTime(stage="depth", seconds=1.25), StageTime(stage="edges", seconds=0.5, cached=True)]
    metrics.emit_stage_seconds(invocation(attempt=2), Engine.MODELS, timeline)
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["StageSeconds"] for entry in entries] == [[1.25], [0.5]]
    assert [entry["cached"] for entry in entries] == [False, True]
    for entry, stage in zip(entries, ("depth", "edges"), strict=True):
        (directive,) = entry["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Darkroom"
        assert directive["Metrics"] == [{"Name": "StageSeconds", "Unit": "Seconds"}]
        assert {"kind", "engine", "stage"} <= set(directive["Dimensions"][0])
        assert (entry["kind"], entry["engine"], entry["stage"]) == ("restyle_room", "models", stage)
        assert (entry["job_id"], entry["attempt"]) == ("a" * 32, 2)
