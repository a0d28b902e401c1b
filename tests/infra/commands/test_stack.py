"""``darkroom up``, ``down`` and ``status``, with a stub of the local runtime."""

from pathlib import Path

from typer.testing import CliRunner

from darkroom.cli import app
from tests.darkroom.fake_service import Service
from tests.darkroom.stub_runtime import put, state_of


def test_up_and_down_call_the_local_runtime_and_return_its_exit_code(runtime: Path, folder: Path) -> None:
    assert CliRunner().invoke(app, ["up", "--port", "1001", "--detach"]).exit_code == 0
    assert CliRunner().invoke(app, ["down", "--port", "1001"]).exit_code == 0
    (folder / "template.json").unlink()
    assert CliRunner().invoke(app, ["up", "--port", "1001"]).exit_code == 1
    assert runtime.read_text().split() == ["up", "down", "up"]


def test_status_prints_the_health_of_the_stack(runtime: Path, folder: Path, service: Service) -> None:
    put(folder, 1001, state_of(service))
    sick = CliRunner().invoke(app, ["status", "--port", "1001"])
    assert sick.exit_code == 1
    assert "queue    down: unreachable" in sick.stdout
