"""``darkroom models``, with a hub in this process."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from client.cli import app
from client.cli import models as models_module
from pipeline.catalog import Model, catalog, defaults
from pipeline.requests import Kind
from tests.pipeline.hub import Hub

RESEARCH = ("buffalo-l", "inswapper-128")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """With every file of every model."""
    hub = Hub()
    for model in catalog().values():
        held = hub.files.setdefault(model.repository, {})
        held |= {path: f"{model.repository}/{path}".encode() * 3 for path in model.files}
    with hub.running():
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("DARKROOM_WEIGHTS", str(tmp_path / "weights"))
        yield hub


def models(*words: str) -> Result:
    return CliRunner().invoke(app, ["models", *words])


def listed() -> dict[str, dict[str, object]]:
    return {each["id"]: each for each in json.loads(models("list", "--json").stdout)}


def file_of(tmp_path: Path, model: Model) -> Path:
    return tmp_path / "weights" / model.id / model.files[-1]


def test_fetching_brings_the_defaults_and_list_shows_it(hub: Hub) -> None:
    assert {each["state"] for each in listed().values()} == {"absent"}
    result = models("fetch")
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == [model.id for model in defaults()]
    states = {id_: each["state"] for id_, each in listed().items()}
    assert {id_ for id_, state in states.items() if state == "fetched"} == {model.id for model in defaults()}
    calls = hub.calls
    assert "sd15 is here" in models("fetch", "sd15").stdout
    assert hub.calls == calls
    table = models("list").stdout
    assert "AGPL-3.0" in table
    assert "rt-detr-r18 (choice)" in table
    assert catalog()["sd15"].revision[:8] in table


def test_fetching_by_kind_by_name_and_all(hub: Hub) -> None:
    fetched = models("fetch", "--kind", "upscale").stdout
    assert [line.split()[0] for line in fetched.splitlines()] == [model.id for model in defaults([Kind.UPSCALE])]
    assert models("fetch", "dpt-large").exit_code == 0
    assert listed()["dpt-large"]["fetched_revision"] == hub.commit
    assert models("fetch", "--all").exit_code == 0
    assert {id_ for id_, each in listed().items() if each["state"] == "absent"} == set(RESEARCH)


@pytest.mark.parametrize("words", [("--kind", "face_swap", "--research"), ("--all", "--research"), RESEARCH])
def test_models_for_research_alone_come_when_asked_for_and_say_their_licence(hub: Hub, words: tuple[str, ...]) -> None:
    plain = models("fetch", "--kind", "face_swap")
    assert "left out: buffalo-l, inswapper-128" in plain.stderr
    assert "--research" in plain.stderr
    assert all(listed()[each]["state"] == "absent" for each in RESEARCH)
    result = models("fetch", *words)
    assert result.exit_code == 0, result.output
    for each in RESEARCH:
        assert f"{each} is licensed for non-commercial research only: InsightFace" in result.stderr
        assert listed()[each]["state"] == "fetched"


@pytest.mark.parametrize("words", [("sd15", "--all"), ("--kind", "upscale", "--all"), ("sd16",)])
def test_what_cannot_be_meant_is_wrong_usage(hub: Hub, words: tuple[str, ...]) -> None:
    assert models("fetch", *words).exit_code == 2
    assert hub.calls == 0


def test_verify_names_each_problem_and_its_remedy_which_works(hub: Hub, tmp_path: Path) -> None:
    models("fetch", "sd15", "control-depth", "control-canny")
    assert models("verify").exit_code == 0
    file_of(tmp_path, catalog()["sd15"]).write_bytes(b"altered")
    file_of(tmp_path, catalog()["control-depth"]).unlink()
    result = models("verify")
    assert result.exit_code == 1
    assert result.stdout == "control-canny is as it was fetched\n"
    first, second = sorted(result.stderr.splitlines())
    assert "control-depth/diffusion_pytorch_model.fp16.safetensors is missing" in first
    assert "`darkroom models fetch sd15` mends it" in second
    assert listed()["sd15"]["state"] == listed()["control-depth"]["state"] == "fetch_again"
    assert models("fetch", "sd15", "control-depth").exit_code == 0
    assert models("verify").exit_code == 0
    assert models("verify", "safety-checker").exit_code == 1


def test_nothing_to_verify_is_no_success(hub: Hub) -> None:
    result = models("verify")
    assert result.exit_code == 1
    assert "Nothing was fetched" in result.stderr


def test_a_hub_out_of_reach_is_one_line(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    result = models("fetch", "sd15")
    assert result.exit_code == 1
    assert result.stderr.startswith("darkroom: engine_unavailable: sd15 could not be fetched")
    assert len(result.stderr.splitlines()) == 1


def test_pushing_is_delegated_with_its_exit_code(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called: list[list[str]] = []

    class Done:
        returncode = 3

    def run(command: list[str], **_: object) -> Done:
        called.append(command)
        return Done()

    monkeypatch.setattr(models_module.subprocess, "run", run)
    words = ("s3://weights/models", "sd15", "--weights", str(tmp_path))
    assert models("push", *words).exit_code == 3
    assert called == [[sys.executable, "-m", "infra.push", *words]]
    assert models("push", "s3://weights/models", "nobody").exit_code == 2
    monkeypatch.setattr(models_module, "find_spec", lambda _name: None)
    assert "darkroom[infra]" in models("push", "s3://weights/models").stderr
    assert len(called) == 1
