"""Private marks: held while the command runs, abandoned when it is killed."""

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkroom.cli import app
from darkroom.client import local_stack
from darkroom.client.private_mark import PrivateMark, is_abandoned, is_private, wait_until_abandoned
from tests.darkroom.mark_holder import holding_mark


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process, which holds the mark of ``tmp_path``."""
    with holding_mark(tmp_path) as process:
        yield process


def test_a_mark_is_abandoned_once_its_process_is_killed(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    assert is_private(tmp_path)
    assert not is_abandoned(tmp_path)
    holder.kill()
    holder.wait()
    assert is_abandoned(tmp_path)
    assert is_private(tmp_path), "looking does not change it"


def test_a_mark_is_held_until_it_is_released(tmp_path: Path) -> None:
    mark = PrivateMark(tmp_path)
    assert not is_abandoned(tmp_path)
    mark.release()
    mark.release()
    assert is_abandoned(tmp_path)


def test_a_folder_without_a_mark_and_an_empty_mark_are_not_abandoned(tmp_path: Path) -> None:
    assert not is_abandoned(tmp_path)
    (tmp_path / "private").touch()
    assert not is_abandoned(tmp_path), "its process is about to lock it"


@pytest.mark.parametrize("removed", [True, False])
def test_waiting_ends_with_the_process(tmp_path: Path, holder: "subprocess.Popen[str]", removed: bool) -> None:
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(wait_until_abandoned(tmp_path)))
    waiting.start()
    if removed:
        (tmp_path / "private").unlink()
    holder.kill()
    waiting.join(60)
    assert answers == [not removed]


def test_the_stacks_of_killed_commands_are_removed_by_the_next_one(
    runtime: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_stack, "_background", [])
    abandoned, held, other = (folder / ".darkroom" / name for name in ("1001", "1002", "notes"))
    for each in (abandoned, held, other):
        each.mkdir(parents=True)
    PrivateMark(abandoned).release()
    PrivateMark(other).release()
    mark = PrivateMark(held)
    result = CliRunner().invoke(app, ["jobs", "list"])
    mark.release()
    assert result.stderr.splitlines()[0] == "note: removing the local stack on port 1001, whose command was killed"
    (removal,) = local_stack._background
    assert removal.wait(60) == 0
    assert runtime.read_text().split() == ["down"]
    assert (folder / "arguments.txt").read_text() == "down --port 1001 --purge"


def test_a_folder_that_another_user_has_closed_is_no_private_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "stat", refuse)
    private = is_private(tmp_path)
    monkeypatch.undo()
    assert not private
