"""Studio next to a local stack, without starting the stack."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from infra.bundling import studio
from infra.bundling.functions import BuildError
from infra.local import runtime
from infra.local.cli import app
from infra.local.options import StackOptions
from infra.local.state import RunningProcesses, StackState
from infra.local.studio import launch

URL = "http://127.0.0.1:4600"


def page(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "index.html").write_text(text)
    return folder


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Path]:
    """A stack's folder; what is started for it is stopped in the end."""
    yield tmp_path
    runtime.down(tmp_path, save=False)


def test_a_changed_build_restarts_the_server_on_the_same_port(stopped: Path, state: StackState) -> None:
    one, two = page(stopped / "one", "first"), page(stopped / "two", "second")
    running = RunningProcesses(port=4599, endpoint_port=1)
    first = launch.serve(stopped, running, state, built=one, deployment="local")
    url = launch.url(first)
    assert url is not None
    assert httpx2.get(url).text == "first"
    assert launch.serve(stopped, first, state, built=one, deployment="local") == first
    second = launch.serve(stopped, first, state, built=two, deployment="local")
    assert launch.url(second) == url
    assert httpx2.get(url).text == "second"
    stopped_processes = launch.stop(stopped, second)
    assert (launch.url(stopped_processes), stopped_processes.processes()) == (None, {})
    assert RunningProcesses.read(stopped) == stopped_processes
    again = launch.serve(stopped, stopped_processes, state, built=two, deployment="local")
    assert launch.url(again) == url


class Stack:
    """Answers for the runtime: ``up`` is given a plan and serves the studio that is in it."""

    def __init__(self, state: StackState) -> None:
        self._state = state
        self.options_seen: list[StackOptions] = []

    def up(self, options: StackOptions, _progress: object) -> StackState:
        self.options_seen.append(options)
        return self._state.model_copy(update={"studio_url": URL if options.studio else None})


@pytest.fixture
def stack(state: StackState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    stack = Stack(state)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runtime, "up", stack.up)
    monkeypatch.setattr(studio, "find_built_studio", lambda: None)
    return stack


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """URLs that a browser was asked to open."""
    urls: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: urls.append(url) or True)
    return urls


def up(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["up", "--detach", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_up_serves_a_built_studio(stack: Stack, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "find_built_studio", lambda: Path("built"))
    assert f"studio  {URL}" in up()
    assert "studio  " not in up("--no-studio")
    assert [options.studio for options in stack.options_seen] == [Path("built"), None]
    assert opened == []


def test_up_names_the_option_that_builds_the_studio(stack: Stack) -> None:
    assert "darkroom up --open" in up()


def test_open_builds_the_studio_and_opens_a_browser(
    stack: Stack, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio, "build_studio", lambda: Path("fresh"))
    output = up("--open")
    assert "takes a minute" in output
    assert stack.options_seen[0].studio == Path("fresh")
    (address,) = opened
    assert re.fullmatch(rf"{re.escape(URL)}/\?key=[0-9a-f]{{32}}", address)


def test_open_without_a_browser_prints_the_url(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "find_built_studio", lambda: Path("built"))
    monkeypatch.setattr("webbrowser.open", lambda _url: False)
    assert re.search(rf"open {re.escape(URL)}/\?key=[0-9a-f]{{32}} in one", up("--open"))


def test_open_with_a_failed_build_starts_nothing(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise BuildError("npm ci failed for the studio")

    monkeypatch.setattr(studio, "build_studio", fail)
    result = CliRunner().invoke(app, ["up", "--open"])
    assert result.exit_code == 1
    assert "npm ci failed" in result.output
    assert stack.options_seen == []


def test_a_replaced_server_does_not_stop_the_stack(
    stopped: Path, state: StackState, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stopped / ".darkroom" / "4566"
    running = RunningProcesses(port=4566, endpoint_port=1)
    served = launch.serve(folder, running, state, built=page(stopped / "one", "first"), deployment="local")
    served.write(stopped)  # so that it ends with the test
    assert served.studio is not None
    alive = served.model_copy(update={"emulator": served.studio})
    ended = served.studio.model_copy(update={"created": 0.0, "since_boot": 0.0})
    alive.model_copy(update={"studio": ended}).write(folder)
    # At the second look the new one is written down; at the third somebody has stopped it all.
    looks = iter([alive, alive.model_copy(update={"emulator": None})])
    monkeypatch.setattr("infra.local.cli.time.sleep", lambda _seconds: next(looks).write(folder))
    result = CliRunner().invoke(app, ["up"])
    assert result.exit_code == 0, result.output
    assert "It was stopped." in result.output
    assert served.studio.find() is not None


def test_an_ended_server_stops_the_stack(stopped: Path, state: StackState, stack: Stack) -> None:
    folder = stopped / ".darkroom" / "4566"
    running = RunningProcesses(port=4566, endpoint_port=1)
    served = launch.serve(folder, running, state, built=page(stopped / "one", "first"), deployment="local")
    assert served.studio is not None
    alive = served.model_copy(update={"emulator": served.studio})  # somebody else's process stands in for it
    ended = served.studio.model_copy(update={"created": 0.0, "since_boot": 0.0})
    alive.model_copy(update={"studio": ended}).write(folder)
    result = CliRunner().invoke(app, ["up"])
    assert result.exit_code == 1
    assert "the studio has ended" in result.output
    assert served.studio.find() is None
