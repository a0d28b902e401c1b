"""Lock of a stack's folder: who waits is told for whom, and nobody waits for a process that has ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.lock import LockHolder, locked
from infra.local.progress import silent

HOLDER = """
import sys, time
from pathlib import Path
from infra.local.lock import locked
with locked(Path(sys.argv[1]), "darkroom up", print):
    print("held", flush=True)
    sys.stdin.readline()
"""


def hold(folder: Path) -> "subprocess.Popen[str]":
    """A process that holds the lock until it reads a line."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def check_who_waits_is_told(folder: Path) -> None:
    said: list[str] = []
    with hold(folder) as holder:

        def say(text: str) -> None:
            said.append(text)
            assert holder.stdin is not None
            holder.stdin.write("\n")
            holder.stdin.flush()

        with locked(folder, "darkroom down", say):
            assert holder.wait() == 0
    assert said == [f"waiting for `darkroom up` (process {holder.pid}), which is changing this stack"]


def test_who_waits_is_told_for_which_command_and_process(tmp_path: Path) -> None:
    check_who_waits_is_told(tmp_path)


def test_who_waits_is_told_of_a_command_that_has_just_taken_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records: list[LockHolder | None] = [None]  # the lock is taken, and the record not written yet
    read = LockHolder.read
    monkeypatch.setattr(LockHolder, "read", lambda folder: records.pop() if records else read(folder))
    check_who_waits_is_told(tmp_path)


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with hold(tmp_path) as holder:
        os.kill(holder.pid, signal.SIGKILL)
    said: list[str] = []
    with locked(tmp_path, "darkroom up", said.append):
        assert said == []


def test_the_lock_can_be_taken_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), locked(tmp_path, "darkroom up", silent):
        raise KeyboardInterrupt
    with locked(tmp_path, "darkroom up", silent):
        assert (tmp_path / "lock_holder.json").exists()
    assert not (tmp_path / "lock_holder.json").exists()
