"""Targets of the Makefile that no other test runs: ``help`` lists all targets, ``clean`` stops the local stacks."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAKEFILE = ROOT / "Makefile"
MAKE = shutil.which("make") or ""

pytestmark = pytest.mark.skipif(not MAKE, reason="needs make")


def run_make(target: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    # As a part of `make test` it would announce each folder that it enters.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        [MAKE, "--file", MAKEFILE, target],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with two local stacks, and a ``darkroom`` command that prints its arguments."""
    for port in ("4566", "4600"):
        (tmp_path / ".darkroom" / port).mkdir(parents=True)
    command = tmp_path / ".venv" / "bin" / "darkroom"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\ntest -d .darkroom/4600 && echo "$@" && test ! -e refuses\n')
    command.chmod(0o755)
    return tmp_path


def test_help_lists_every_target_that_has_a_description() -> None:
    described = set(re.findall(r"^([\w-]+):.*## ", MAKEFILE.read_text("utf-8"), re.MULTILINE))
    listed = set(re.findall(r"^  make ([\w-]+) ", run_make("help", ROOT).stdout, re.MULTILINE))
    assert {"setup-models", "test-studio"} <= listed
    assert listed == described


def test_clean_stops_every_local_stack_before_it_removes_their_folders(checkout: Path) -> None:
    done = run_make("clean", checkout)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == ["down --port 4566", "down --port 4600"]
    assert list(checkout.iterdir()) == []


def test_clean_removes_nothing_when_a_stack_does_not_stop(checkout: Path) -> None:
    (checkout / "refuses").touch()
    assert run_make("clean", checkout).returncode != 0
    assert (checkout / ".darkroom" / "4600").is_dir()


def test_clean_says_that_it_stops_no_stack_without_the_command(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    done = run_make("clean", checkout)
    assert "Cannot stop local stacks without .venv" in done.stdout
    assert done.returncode == 0
    assert not (checkout / ".darkroom").exists()


def test_clean_without_local_stacks_stops_none(tmp_path: Path) -> None:
    done = run_make("clean", tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
