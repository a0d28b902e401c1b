"""Orphans of local stacks: found and ended; and stacks that run without answering."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkroom.client.private_mark import PrivateMark
from infra.local import orphans, owner_watch, runtime
from infra.local.cli import app
from infra.local.orphans import find_orphans
from infra.local.process import Process
from infra.local.state import RunningProcesses, StackState
from tests.darkroom.mark_holder import holding_mark

SLEEP = "import time; time.sleep(300)"
Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts processes, with a module of their name in place of the real one, and stops them at the end."""
    started: list[Process] = []

    def start(module: str = "infra.local.access", **environment: str) -> Process:
        source = tmp_path / "modules" / f"{module.replace('.', '/')}.py"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(SLEEP)
        started.append(
            Process.spawn(
                [sys.executable, "-m", module],
                environment={**os.environ, **environment},
                log=tmp_path / "log",
                folder=tmp_path / "modules",
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.stop(5)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory. Stacks of other tests, which run at the same time, are not seen."""
    found = orphans._servers
    monkeypatch.setattr(orphans, "_servers", lambda: (each for each in found() if each[0].is_relative_to(tmp_path)))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def stack(root: Path, port: int, state: StackState, **processes: Process) -> Path:
    """The folder of a stack with these processes."""
    folder = root / ".darkroom" / str(port)
    RunningProcesses.model_validate({"port": port, "endpoint_port": 1, **processes}).write(folder)
    state.model_copy(update={"port": port, "endpoint": f"http://127.0.0.1:{port}"}).write(folder)
    return folder


def darkroom(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.output


def test_down_without_a_port_finds_a_stack_that_does_not_answer(here: Path, state: StackState, start: Start) -> None:
    """A stack whose ``.venv`` was removed or made again runs no functions, so its API does not answer."""
    emulator = start()
    stack(here, 1030, state, emulator=emulator)
    code, said = darkroom("status")
    assert (code, said) == (
        1,
        "the stack on port 1030 runs, but does not answer; `darkroom down --port 1030` stops it\n",
    )
    assert darkroom("down") == (0, "stopped the stack on port 1030\n")
    assert emulator.find() is None
    assert darkroom("down") == (0, "nothing runs on port 4566\n")


def test_the_stack_that_was_started_last_is_stopped(here: Path, state: StackState, start: Start) -> None:
    old, new, ended = start(), start(), start()
    ended.stop(5)
    for age, (port, process) in enumerate({1030: ended, 1031: new, 1032: old}.items()):
        file = stack(here, port, state, emulator=process) / "stack.json"
        os.utime(file, (1000 - age, 1000 - age))
    assert darkroom("down") == (0, "stopped the stack on port 1031\n")
    assert old.find() is not None


@pytest.mark.parametrize("place", ["here", "elsewhere"])
def test_the_private_stack_of_a_killed_command_is_listed_and_ended(
    tmp_path: Path, state: StackState, start: Start, place: str
) -> None:
    folder = tmp_path / place / ".darkroom" / "1030"
    emulator = start(GUARD_FOLDER=str(folder))
    stack(tmp_path / place, 1030, state, emulator=emulator)
    with holding_mark(folder):
        assert darkroom("status")[1] == "no stack answers on port 4566\n", "its command still runs"
        assert darkroom("down")[1] == "nothing runs on port 4566\n"
        assert emulator.find() is not None
    text = f"the stack in {folder}: the command that started it was killed"
    assert darkroom("status") == (1, f"no stack answers on port 4566\norphan: {text}; `darkroom down` ends it\n")
    assert darkroom("down") == (0, f"nothing runs on port 4566\nended {text}\n")
    assert emulator.find() is None
    assert not folder.exists()


def test_a_stack_whose_emulator_was_killed_is_ended_and_keeps_its_state(
    here: Path, state: StackState, start: Start
) -> None:
    dead, stand_in = start(), start("infra.local.endpoint")
    folder = stack(here, 1030, state, emulator=dead, stand_in=stand_in)
    assert find_orphans(here) == []
    dead.stop(5)
    (orphan,) = find_orphans(here)
    assert str(orphan) == f"the stack in {folder}: its emulator has ended, but not its other processes"
    orphan.end()
    assert stand_in.find() is None
    assert (folder / "stack.json").exists()


def test_processes_whose_folder_is_gone_are_ended(tmp_path: Path, here: Path, start: Start) -> None:
    folder = tmp_path / "gone" / ".darkroom" / "1030"
    processes = [
        start(GUARD_FOLDER=str(folder)),
        start("infra.local.endpoint", TMPDIR=str(folder / "tmp")),
        start("infra.local.studio", STUDIO_STACK_FOLDER=str(folder)),
    ]
    start("infra.local.synth", GUARD_FOLDER=str(folder))  # no server of a stack
    (orphan,) = find_orphans(here)
    assert str(orphan) == f"the stack in {folder}: its folder is gone"
    assert set(map(repr, orphan.strays)) == set(map(repr, processes))
    orphan.end()
    assert [process.find() for process in processes] == [None] * 3


def test_with_a_port_down_ends_no_orphans(here: Path, state: StackState, start: Start) -> None:
    folder = stack(here, 1030, state, emulator=start())
    PrivateMark(folder).release()
    assert darkroom("down", "--port", "1031") == (0, "nothing runs on port 1031\n")
    assert len(find_orphans(here)) == 1


def test_only_a_private_stack_is_watched(here: Path, state: StackState, monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[Path] = []
    monkeypatch.setattr(owner_watch, "start", watched.append)
    monkeypatch.setattr(runtime, "up", lambda _options, _progress: state)
    words = ("up", "--port", "1030", "--detach", "--no-studio")
    assert darkroom(*words)[0] == 0
    assert watched == []
    assert darkroom(*words, "--private")[0] == 0
    assert watched == [here / ".darkroom" / "1030"]


def test_the_next_stack_that_starts_removes_those_of_killed_commands(
    tmp_path: Path, state: StackState, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere" / ".darkroom" / "1030"
    emulator = start(GUARD_FOLDER=str(folder))
    stack(tmp_path / "elsewhere", 1030, state, emulator=emulator)
    PrivateMark(folder).release()
    monkeypatch.setattr(runtime, "up", lambda _options, _progress: state)
    code, said = darkroom("up", "--port", "1031", "--detach", "--no-studio")
    assert code == 0
    assert f"removing the stack in {folder}: the command that started it was killed" in said
    assert emulator.find() is None


def test_the_owner_watch_removes_the_stack_of_a_killed_command(
    here: Path, state: StackState, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_watch, "_GRACE_SECONDS", 0)
    emulator = start()
    folder = stack(here, 1030, state, emulator=emulator)
    with holding_mark(folder) as owner:
        watch = threading.Thread(target=owner_watch.main, args=(folder,))
        watch.start()
        owner.kill()
        watch.join(60)
    assert emulator.find() is None
    assert not folder.exists()


def test_the_owner_watch_leaves_a_stack_to_the_command_that_removes_it(here: Path) -> None:
    folder = here / ".darkroom" / "1030"
    folder.mkdir(parents=True)
    with holding_mark(folder) as owner:
        watch = owner_watch.start(folder).find()
        assert watch is not None
        (folder / "private").unlink()
        owner.kill()
        watch.wait(60)
    assert folder.exists()
