"""Discovery of the local stack, and starting one for a command."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from typer.testing import CliRunner

from darkroom import Client, LocalStackError
from darkroom.cli import app
from darkroom.client import local_stack
from darkroom.client.local_stack import TemporaryStack, find_running_stack
from darkroom.client.private_mark import is_abandoned
from darkroom.contract.jobs import State
from tests.darkroom.fake_service import Service
from tests.darkroom.jobs import failed
from tests.darkroom.stub_runtime import put, state_of


def test_the_running_stack_that_was_started_last_is_found(folder: Path, service: Service) -> None:
    assert find_running_stack() is None
    put(folder, 1001, "{ this is not whole", at=5)
    put(folder, 1002, state_of(service, endpoint="http://127.0.0.1:9"), at=4)
    put(folder, 1003, state_of(service, port=1003), at=3)
    put(folder, 1004, state_of(service, port=1004), at=2)
    private = put(folder, 1005, state_of(service, port=1005), at=6)
    (private / "private").touch()
    found = find_running_stack()
    assert found is not None
    assert found.port == 1003
    assert find_running_stack(folder / "elsewhere") is None


def test_a_stack_that_responds_with_an_error_is_not_found(folder: Path, service: Service) -> None:
    put(folder, 1001, state_of(service))
    service.answers = [JSONResponse({}, 500)]
    assert find_running_stack() is None


def test_a_local_client_uses_the_running_stack(folder: Path, service: Service, signed_in: None) -> None:
    with pytest.raises(LocalStackError, match="darkroom up"):
        Client.local()
    put(folder, 1001, state_of(service))
    with Client.local() as client:
        assert client.get("a" * 32).state is State.AWAITING_UPLOAD


def test_commands_use_the_running_stack_and_leave_it_running(
    runtime: Path, folder: Path, service: Service, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, 1001, state_of(service))
    monkeypatch.setenv("DARKROOM_TOKEN", "of some other service")
    result = CliRunner().invoke(app, ["run", "restyle_room", str(photo), "--style", "boho"])
    assert result.exit_code == 0, result.output
    assert not runtime.exists()


def test_the_local_stacks_address_as_endpoint_needs_no_token(folder: Path, service: Service, signed_in: None) -> None:
    put(folder, 1001, state_of(service))
    assert CliRunner().invoke(app, ["jobs", "list", "--endpoint", service.url]).exit_code == 0


def test_run_starts_a_temporary_stack_and_removes_it(runtime: Path, photo: Path) -> None:
    result = CliRunner().invoke(app, ["run", "restyle_room", str(photo), "--style", "boho"])
    assert result.exit_code == 0, result.output
    assert result.stdout == "room_boho.jpg\n"
    assert "deploying the stack" in result.stderr
    assert runtime.read_text().split() == ["up", "down"]
    assert not Path(".darkroom").exists()


def test_the_stack_is_stopped_when_the_job_fails(runtime: Path, service: Service, photo: Path) -> None:
    service.story = [failed(2, "no_face", "There is no face.")]
    result = CliRunner().invoke(app, ["run", "restyle_room", str(photo), "--style", "boho"])
    assert result.exit_code == 1
    assert runtime.read_text().split() == ["up", "down"]


def test_a_stack_that_does_not_start_is_reported_and_removed(runtime: Path, folder: Path, photo: Path) -> None:
    (folder / "template.json").unlink()
    kept = put(folder, 1001, "{}")
    result = CliRunner().invoke(app, ["run", "restyle_room", str(photo), "--style", "boho"])
    assert result.exit_code == 1
    assert "error: no room left" in result.stderr
    assert runtime.read_text().split() == ["up", "down"]
    assert list((folder / ".darkroom").iterdir()) == [kept]


def test_a_temporary_stack_is_stopped_once_after_an_interrupt(runtime: Path) -> None:
    stack = TemporaryStack(lambda _text: None)
    with pytest.raises(KeyboardInterrupt), stack:
        raise KeyboardInterrupt
    stack.stop()
    assert runtime.read_text().split() == ["up", "down"]


def test_a_temporary_stack_is_private_while_it_runs(runtime: Path, folder: Path) -> None:
    with TemporaryStack(lambda _text: None) as stack:
        words = (folder / "arguments.txt").read_text().split()
        (place,) = (folder / ".darkroom").iterdir()
        assert words == ["up", "--detach", "--private", "--no-studio", "--port", place.name]
        assert stack.answers()
        assert find_running_stack() is None
        assert not is_abandoned(place)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no sessions")
def test_an_interrupt_in_the_terminal_does_not_reach_the_stack(tmp_path: Path) -> None:
    """Ctrl-C goes to every process of the terminal's session; the command then stops its stack in order."""
    program = "import os, sys; print(os.getsid(0) == os.getpid(), os.getcwd(), repr(sys.stdin.read()), file=sys.stderr)"
    process = local_stack._spawn([sys.executable, "-c", program], tmp_path, stdout=subprocess.PIPE)
    said, _ = process.communicate(timeout=60)
    assert said.split() == ["True", str(tmp_path), "''"], "it has no terminal, and its errors are in its output"


def test_a_stack_that_cannot_even_be_started_is_reported(tmp_path: Path) -> None:
    with pytest.raises(LocalStackError, match="cannot be started"):
        local_stack._spawn([str(tmp_path / "nothing")], tmp_path, stdout=subprocess.PIPE)


def test_a_folder_in_which_no_stack_can_be_stored_is_reported(tmp_path: Path) -> None:
    """As on a full or read-only disk, or in another user's directory."""
    (tmp_path / ".darkroom").write_text("no folder")
    with (
        pytest.raises(LocalStackError, match=r"cannot be started: .*: .*\.darkroom"),
        TemporaryStack(lambda _text: None, root=tmp_path),
    ):
        pass


class StuckProcess:
    """A process that does not end until it is killed."""

    def __init__(self) -> None:
        self.waits: list[float | None] = []
        self.killed = False

    def wait(self, timeout: float | None = None) -> int:
        self.waits.append(timeout)
        raise subprocess.TimeoutExpired("down", timeout or 0)

    def kill(self) -> None:
        self.killed = True


def test_a_stack_that_does_not_stop_is_left_with_its_state(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    stuck = StuckProcess()
    spawned: list[list[str]] = []

    def spawn(arguments: list[str], _root: Path, *, stdout: int) -> Any:
        spawned.append(arguments)
        assert stdout == subprocess.DEVNULL
        return stuck

    monkeypatch.setattr(local_stack, "_spawn", spawn)
    monkeypatch.setattr(TemporaryStack, "_up", lambda _self: None)
    with TemporaryStack(said.append, root=folder) as _:
        pass
    (arguments,) = spawned
    port = arguments[arguments.index("--port") + 1]
    assert arguments == [sys.executable, "-m", "infra.local", "down", "--port", port, "--purge"]
    assert (stuck.waits, stuck.killed) == ([60.0], True)
    assert said == [f"The local stack on port {port} does not stop; see `darkroom status`."]
    assert (folder / ".darkroom" / port / "private").exists(), "it can still be found and stopped"


def test_a_stack_has_four_minutes_to_come_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []

    class Slow(subprocess.Popen[str]):
        def wait(self, timeout: float | None = None) -> int:
            waits.append(timeout)
            if timeout == 240.0:
                raise subprocess.TimeoutExpired("up", 240)
            return super().wait(timeout)

    monkeypatch.setattr(local_stack, "command", lambda *_: [sys.executable, "-c", "import time; time.sleep(600)"])
    monkeypatch.setattr("darkroom.client.local_stack.subprocess.Popen", Slow)
    monkeypatch.setattr(TemporaryStack, "stop", lambda _self: None)
    with pytest.raises(LocalStackError, match="not up after 240 seconds"), TemporaryStack(lambda _text: None):
        pass
    assert waits == [240.0, 60.0], "it is ended, and that is waited for"
