"""Check of the networks: a verdict on each, with tiny weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import KINDS, Kind
from pipeline.models.networks.faces import InsightFaceAnalyser
from pipeline.models.networks.super_resolution import SuperResolution
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.network_check import __main__ as command
from pipeline.network_check.report import run_trials
from pipeline.network_check.trials import TRIALS
from pipeline.plans import get_plan
from pipeline.weights.store import WeightStore


@pytest.fixture
def manager(tiny_weights: Path) -> ModelManager:
    return ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"), accept_research_licence=True)


def test_there_is_a_trial_of_every_network() -> None:
    plans = [get_plan(kind, Engine.MODELS) for kind, about in KINDS.items() if Engine.MODELS in about.engines]
    tried = {network for trial in TRIALS for network in trial.networks}
    assert {network for plan in plans for network in plan.networks} == tried


def test_a_kinds_networks_are_tried_and_measured(manager: ModelManager) -> None:
    results = list(run_trials([Kind.UPSCALE], manager))
    assert [result.networks for result in results] == ["enlarger_photo", "enlarger_anime"]
    for result in results:
        assert (result.verdict, result.runtime) == ("ok", "torch float32")
        assert result.load_seconds > 0 < result.seconds
        assert result.megabytes > 0
    assert results[0].models == "realesrgan-x4plus"


def test_a_network_that_gives_no_numbers_fails_without_ending_the_check(
    manager: ModelManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    upscale = SuperResolution.upscale

    def overflow(self: SuperResolution, *given: Any) -> Any:
        self._modules[0].model[0].weight.data.fill_(np.nan)
        return upscale(self, *given)

    monkeypatch.setattr(SuperResolution, "upscale", overflow)
    results = list(run_trials([Kind.UPSCALE], manager))
    assert [result.verdict for result in results] == ["failed", "failed"]
    assert results[0].words.startswith("not_finite: ")


def test_published_weights_with_an_unexpected_answer_are_doubtful(
    manager: ModelManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InsightFaceAnalyser, "analyse", lambda _self, _photo: [])
    before = {result.networks: result.verdict for result in run_trials([Kind.FACE_SWAP], manager)}
    assert before["face_analyser + face_swapper"] == "ok"  # random weights know no answer
    used = manager.models_used

    def as_published(networks: Any) -> Any:
        return tuple(each.model_copy(update={"revision": "c" * 40}) for each in used(networks))

    monkeypatch.setattr(manager, "models_used", as_published)
    verdicts = {result.networks: result.verdict for result in run_trials([Kind.FACE_SWAP], manager)}
    assert verdicts["face_analyser + face_swapper"] == "doubtful"


def test_the_command_prints_a_line_for_each_network_and_fails_if_one_does(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(folder: Path) -> tuple[int, list[str]]:
        words = ["check", "--kind", "upscale", "--weights", str(folder), "--device", "cpu"]
        monkeypatch.setattr("sys.argv", words)
        return command.main(), capsys.readouterr().out.splitlines()

    status, lines = run(tiny_weights)
    assert status == 0
    assert lines[0] == f"on cpu, with the weights in {tiny_weights}"
    assert [line.split()[:2] for line in lines[1:-1]] == [["ok", "enlarger_photo:"], ["ok", "enlarger_anime:"]]
    assert lines[-1] == "2 checked, 0 failed, 0 doubtful"
    status, lines = run(tmp_path)
    assert status == 1
    assert "realesrgan-x4plus was never fetched" in lines[1]
    assert lines[-1] == "2 checked, 2 failed, 0 doubtful"
