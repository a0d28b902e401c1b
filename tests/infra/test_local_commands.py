"""Commands of the local runtime, without a stack that becomes ready."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkroom.client.ports import free_port
from infra.local import emulator
from infra.local.cli import app
from infra.local.state import RunningProcesses


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_status_without_a_stack_fails(here: Path) -> None:
    result = CliRunner().invoke(app, ["status", "--port", "4599"])
    assert result.exit_code == 1
    assert "no stack answers on port 4599" in result.output


def test_down_without_a_running_stack_succeeds(here: Path) -> None:
    result = CliRunner().invoke(app, ["down", "--port", "4599"])
    assert result.exit_code == 0
    assert not list(here.iterdir())


def test_up_on_a_port_in_use_is_wrong_usage_and_leaves_nothing(here: Path) -> None:
    with socket.socket() as other:
        other.bind((emulator.HOST, 0))
        other.listen()
        result = CliRunner().invoke(app, ["up", "--port", str(other.getsockname()[1])])
    assert result.exit_code == 2
    assert "is in use" in result.output


def test_up_with_an_invalid_context_is_wrong_usage(here: Path) -> None:
    for context in ("locl=1", "no-equals-sign"):
        result = CliRunner().invoke(app, ["up", "--port", "4599", "-c", context])
        assert result.exit_code == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminated_up_stops_what_it_started(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.local", "up", "--port", str(port)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    folder = tmp_path / ".darkroom" / str(port)
    assert process.stdout is not None
    assert "starting the emulator" in process.stdout.readline()
    running = RunningProcesses.read(folder)
    assert running is not None
    assert running.emulator is not None
    process.send_signal(number)
    process.send_signal(number)  # a terminal that is closed sends several
    process.communicate()
    assert process.returncode == 128 + number
    assert running.emulator.find() is None
    assert not (folder / "tmp").exists()


@pytest.mark.parametrize("command", ["up", "down"])
def test_a_folder_that_cannot_be_used_is_one_sentence(here: Path, command: str) -> None:
    """As on a full or read-only disk, or where another user has started the stack."""
    (here / ".darkroom").write_text("no folder")
    if command == "down":
        (here / ".darkroom").unlink()
        (here / ".darkroom" / "4599" / "lock").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "infra.local", command, "--port", "4599"],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: the stack's files cannot be used: ")
    assert len(done.stderr.splitlines()) == 1
    assert str(here / ".darkroom" / "4599") in done.stderr
