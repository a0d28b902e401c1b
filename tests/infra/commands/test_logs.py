"""``darkroom logs`` on the files of a stack that does not run, and its options."""

import json
from pathlib import Path
from typing import ClassVar

import pytest
import typer
from typer.testing import CliRunner, Result

from darkroom.cli.lazy import LazyCommand, LazyGroup
from darkroom.client.local_stack import FOLDER
from infra.commands import registry

JOB, OTHER = "0123456789abcdef" * 2, "f" * 32


class Group(LazyGroup):
    """The command as ``darkroom`` has it, whether or not its entry point is installed yet."""

    lazy: ClassVar[dict[str, LazyCommand]] = {"logs": registry.LOGS}


def run(*arguments: str) -> Result:
    app = typer.Typer(cls=Group)
    app.callback()(lambda: None)
    return CliRunner().invoke(app, ["logs", *arguments])


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a stack on port 1001 that does not run."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / FOLDER / "1001"
    folder.mkdir(parents=True)
    lines = [
        {"message": "running", "job_id": JOB},
        {"message": "slow", "level": "WARNING", "job_id": OTHER},
        {"message": "failed \x1b[31m", "level": "ERROR", "job_id": JOB, "exception": "Traceback\nKeyError: 3"},
    ]
    moments = [{"time": f"2020-11-30T12:00:0{number}.500+00:00", "level": "INFO"} for number in range(3)]
    (folder / "endpoint.log").write_text("".join(f"{json.dumps(a | b)}\n" for a, b in zip(moments, lines, strict=True)))
    return folder


def test_the_lines_of_a_stopped_stack_are_shown_and_it_is_said_what_is_missing(stopped: Path) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    first, second, third, *trace = result.stdout.splitlines()
    assert first.split(maxsplit=1)[1] == f"container  INFO     running  job_id={JOB}"
    assert ("WARNING" in second, "ERROR" in third) == (True, True)
    assert trace == ["    Traceback", "    KeyError: 3"]
    assert "port 1001 does not run" in result.stderr


def test_texts_of_strangers_cannot_control_the_terminal(stopped: Path) -> None:
    assert "failed \\u001b[31m" in run().stdout


def test_lines_can_be_chosen_by_job_level_and_age(stopped: Path) -> None:
    assert [line.split()[3] for line in run("--job", JOB).stdout.splitlines() if "job_id" in line] == [
        "running",
        "failed",
    ]
    assert [line.split()[3] for line in run("--level", "warning").stdout.splitlines() if "job_id" in line] == [
        "slow",
        "failed",
    ]
    assert run("--since", "1s", "--port", "1001").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "part"),
    [(["--level", "loud"], "warning"), (["--since", "soon"], "10m"), (["--job", ""], "32"), (["--job", "[1"], "32")],
)
def test_a_wrong_option_is_told_the_right_ones(stopped: Path, arguments: list[str], part: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, part in result.stderr) == (2, True)


def test_a_stack_that_does_not_run_cannot_be_followed(stopped: Path) -> None:
    result = run("--follow")
    assert (result.exit_code, "does not run" in result.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [[], ["--port", "1001"]])
def test_without_a_stack_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "darkroom up" in result.stderr


def test_the_logs_of_another_users_stack_are_refused_in_one_sentence(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.commands.logs.os.access", lambda _folder, _mode: False)
    result = run("--port", "1001")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{stopped} cannot be read" in result.stderr
