"""Commands in the documentation: ``darkroom`` knows each command and flag, and the Makefile each target."""

from pathlib import Path

import pytest

from tests.docs.command_lines import commands, darkroom_problem, make_problem
from tests.docs.pages import PAGES, name_of, shell_lines, spans

CHECKS = {"darkroom": darkroom_problem, "make": make_problem}


def problems(text: str) -> list[str]:
    """Wrong command lines in the shell blocks and code spans of a page."""
    found = []
    for program, check in CHECKS.items():
        for line in [*shell_lines(text), *(span for span in spans(text) if span.startswith(program))]:
            found += [check(words) for words in commands(line, program)]
    return [each for each in found if each is not None]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_flags_and_targets_exist(page: Path) -> None:
    assert problems(page.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("```sh\ndarkroom rnu upscale\n```", "rnu"),
        ("```sh\nA=1 .venv/bin/darkroom run upscale me.jpg --scael 3\n```", "unknown --scael"),
        ("```sh\ndarkroom run upscale \\\n  --scael 3\n```", "unknown --scael"),
        ("```sh\ncurl $(darkroom tokn)\n```", "tokn"),
        ("```sh\ndarkroom jobs lst  # mine\n```", "lst"),
        ("Try `darkroom up\n--detahc`.", "unknown --detahc"),
        ("```console\n$ darkroom models fetsh\n```", "fetsh"),
        ("```sh\nmake demos\n```", "no target demos"),
        ("`make demo COLOUR=red`", "no variable COLOUR"),
    ],
)
def test_a_wrong_command_is_found(text: str, words: str) -> None:
    (problem,) = problems(text)
    assert words in problem


def test_correct_commands_pass() -> None:
    text = "```sh\nmake demo KIND=inpaint PHOTO=me.jpg && darkroom up -c stage=x --detach | cat > out.txt\n```\n"
    assert problems(text + "`darkroom …`, `darkroom run --help` and `darkroom --version`") == []
