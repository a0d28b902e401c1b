"""``darkroom models``, with a model hub in this process."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from darkroom.cli import app
from darkroom.contract.kinds import Kind
from infra.commands import models as models_module
from pipeline.models.networks.aot_gan import Generator
from pipeline.weights.catalog import Model, catalog, default_models
from tests.pipeline.weights.hub import Hub

RESEARCH = ("buffalo-l", "inswapper-128")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """With every file of every model."""
    hub = Hub()
    for model in [*catalog().values()]:
        # The hub's files are not those whose SHA-256 the catalogue has.
        monkeypatch.setitem(catalog(), model.id, model.model_copy(update={"sha256": ()}))
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


def test_fetch_gets_the_default_models_and_list_shows_them(hub: Hub) -> None:
    assert {each["state"] for each in listed().values()} == {"absent"}
    result = models("fetch")
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == [model.id for model in default_models()]
    states = {id_: each["state"] for id_, each in listed().items()}
    assert {id_ for id_, state in states.items() if state == "fetched"} == {model.id for model in default_models()}
    calls = hub.calls
    assert "sd15 is here" in models("fetch", "sd15").stdout
    assert hub.calls == calls
    table = models("list").stdout
    assert "AGPL-3.0" in table
    assert "rt-detr-r18 (choice)" in table
    assert catalog()["sd15"].revision[:8] in table


def test_fetch_accepts_a_kind_names_or_all(hub: Hub) -> None:
    fetched = models("fetch", "--kind", "upscale").stdout
    assert [line.split()[0] for line in fetched.splitlines()] == [model.id for model in default_models([Kind.UPSCALE])]
    assert models("fetch", "dpt-large").exit_code == 0
    assert listed()["dpt-large"]["fetched_revision"] == hub.commit
    assert models("fetch", "--all").exit_code == 0
    assert {id_ for id_, each in listed().items() if each["state"] == "absent"} == {*RESEARCH, "ditto"}


@pytest.mark.parametrize("words", [("--kind", "face_swap", "--research"), ("--all", "--research"), RESEARCH])
def test_research_models_are_fetched_only_on_request_with_their_licence(hub: Hub, words: tuple[str, ...]) -> None:
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


def test_verify_names_each_problem_and_a_remedy_that_works(hub: Hub, tmp_path: Path) -> None:
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


def test_verify_without_fetched_models_fails(hub: Hub) -> None:
    result = models("verify")
    assert result.exit_code == 1
    assert "Nothing was fetched" in result.stderr


def test_an_unreachable_hub_is_reported_in_one_line(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    result = models("fetch", "sd15")
    assert result.exit_code == 1
    assert result.stderr.startswith("darkroom: engine_unavailable: sd15 could not be fetched")
    assert len(result.stderr.splitlines()) == 1


def test_a_model_that_fails_does_not_end_the_others(hub: Hub, tmp_path: Path) -> None:
    del hub.files[catalog()["control-depth"].repository]
    hub.corrupt.add("RealESRGAN_x4plus.safetensors")
    wanted = ("sam2.1-tiny", "control-depth", "realesrgan-x4plus", "control-canny")
    result = models("fetch", *wanted)
    assert result.exit_code == 1
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["sam2.1-tiny", "control-canny"]
    table = result.stderr.splitlines()
    assert [line.split()[0] for line in table if line.startswith(("control-", "real"))] == [
        "control-depth",
        "realesrgan-x4plus",
    ]
    assert table[-1] == (
        "darkroom: 2 of 4 models are missing; `darkroom models fetch control-depth realesrgan-x4plus` goes on."
    )
    assert listed()["control-canny"]["state"] == "fetched"
    assert listed()["control-depth"]["state"] == "absent"


def test_what_every_model_fails_by_is_said_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    result = models("fetch", "sd15", "control-depth")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "needs huggingface_hub" in line


def test_push_runs_another_process_and_returns_its_exit_code(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    called: list[list[str]] = []

    class Done:
        returncode = 3

    def run(command: list[str], **_: object) -> Done:
        called.append(command)
        return Done()

    monkeypatch.setattr(models_module.subprocess, "run", run)
    words = ("s3://weights/models", "sd15", "--weights", str(tmp_path))
    assert models("push", *words).exit_code == 3
    assert called == [[sys.executable, "-m", "infra.commands.models_push", *words]]
    assert models("push", "s3://weights/models", "nobody").exit_code == 2
    monkeypatch.setattr(models_module, "find_spec", lambda _name: None)
    assert "darkroom-sdk[infra]" in models("push", "s3://weights/models").stderr
    assert len(called) == 1


def test_check_runs_another_process_and_returns_its_exit_code(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []

    class Done:
        returncode = 1

    def run(command: list[str], **_: object) -> Done:
        called.append(command)
        return Done()

    monkeypatch.setattr(models_module.subprocess, "run", run)
    assert models("check", "--kind", "upscale", "--device", "cuda", "--research").exit_code == 1
    assert called == [
        [
            *(sys.executable, "-m", "pipeline.network_check", "--device", "cuda", "--kind", "upscale"),
            "--accept-research-licence",
        ]
    ]
    monkeypatch.setattr(models_module, "find_spec", lambda _name: None)
    assert "darkroom-sdk[models]" in models("check").stderr
    assert len(called) == 1


def test_import_accepts_only_the_expected_file(hub: Hub, tmp_path: Path) -> None:
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in Generator().state_dict().items()}
    state = {name: torch.zeros(1).expand(shape) for name, shape in shapes.items()}
    for name, content, zipped in (
        ("G0000000.pt", state, True),
        ("older.pt", state, False),
        ("D0000000.pt", {"0.weight_orig": torch.zeros(64, 3, 4, 4)}, True),
        ("O0000000.pt", {"optimG": {"state": {}}}, True),
        ("cut.pt", {name: tensor for name, tensor in state.items() if "block03" not in name}, True),
    ):
        torch.save(content, tmp_path / name, _use_new_zipfile_serialization=zipped)
    (tmp_path / "noise.pt").write_bytes(b"not a checkpoint")
    for wrong in ("D0000000.pt", "O0000000.pt", "cut.pt", "noise.pt", "nowhere.pt"):
        result = models("import", "aot-gan-places2", str(tmp_path / wrong))
        assert result.exit_code == 1
        (line,) = result.stderr.splitlines()
        assert wrong in line
        assert "Take G0000000.pt from https://github.com/researchmm" in line
    assert listed()["aot-gan-places2"]["state"] == "absent"
    for right in ("G0000000.pt", "older.pt"):
        assert models("import", "aot-gan-places2", str(tmp_path / right)).exit_code == 0
        assert listed()["aot-gan-places2"]["fetched_revision"] == "imported"
        assert models("verify").exit_code == 0
    assert "is here" in models("fetch", "aot-gan-places2").stdout
    assert hub.calls == 0
    assert models("import", "sd15", str(tmp_path / "G0000000.pt")).exit_code == 2


def test_import_executes_no_code_from_the_file(hub: Hub, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "touched",))

    for zipped in (True, False):
        torch.save(Hostile(), tmp_path / "G.pt", _use_new_zipfile_serialization=zipped)
        assert models("import", "aot-gan-places2", str(tmp_path / "G.pt")).exit_code == 1
    assert not (tmp_path / "touched").exists()


def test_a_failed_fetch_names_another_source_of_the_file(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "darkroom models import aot-gan-places2 G0000000.pt" in models("fetch", "aot-gan-places2").stderr
