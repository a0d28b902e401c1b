"""``darkroom deploy check``: its lines, what to type next, and its exit codes."""

from collections.abc import Callable

import pytest

from infra.commands.deploy import check as check_module
from infra.commands.deploy.finding import Check, Finding, Level
from tests.infra.commands.deploy.command_line import run
from tests.infra.commands.deploy.stubbed_account import StubbedAccount


def finding(name: str, level: Level) -> Callable[..., dict[str, Check]]:
    return lambda *_arguments: {name: lambda: Finding(level, f"{name} [red]\x1b[31m", "do it")}


@pytest.mark.parametrize(
    ("level", "code", "words"),
    [
        (Level.OK, 0, "cdk@^2.1147 deploy --all -c stage=main -c max_instances=2"),
        (Level.WARNING, 0, "deploy --all"),
        (Level.UNKNOWN, 0, "deploy --all"),
        (Level.FAILED, 1, "darkroom deploy check --stage main -c max_instances=2"),
    ],
)
def test_only_what_would_fail_makes_exit_code_1(
    operator: StubbedAccount, monkeypatch: pytest.MonkeyPatch, level: Level, code: int, words: str
) -> None:
    monkeypatch.setattr(check_module, "checks", finding("quota", level))
    result = run("check", "-c", "max_instances=2")
    assert result.exit_code == code, result.output
    assert words in result.stdout
    assert f"quota    {level}" in result.stdout
    assert "\\u001b[31m" in result.stdout, "texts of AWS cannot control the terminal"


def test_every_check_has_a_line_of_its_own_though_no_call_is_allowed(
    operator: StubbedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is stubbed: each call fails."""
    monkeypatch.setenv("CDK_DOCKER", "sh")
    result = run("check", "-c", "model_data=s3://ours/v1/")
    assert result.exit_code == 0, result.output
    for name in ("bootstrap", "stacks", "settings", "instance quota", "functions", "model bucket", "weights"):
        (line,) = [line for line in result.stdout.splitlines() if line.startswith(f"{name} ")]
        assert "unknown" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-c", "max_instances"], "KEY=VALUE"),
        (["-c", "max_instanecs=2"], "max_instances"),
        (["--remove", "weights"], "weights"),
        (["--stage", "Main"], "stage"),
    ],
)
def test_a_wrong_context_is_wrong_usage(operator: StubbedAccount, arguments: list[str], words: str) -> None:
    result = run("check", *arguments)
    assert (result.exit_code, words in result.stderr) == (2, True), result.output
