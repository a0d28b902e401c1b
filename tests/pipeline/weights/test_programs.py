"""Third-party programs: only pinned versions run, and they end with the job."""

import os
import signal
import sys
from pathlib import Path

import pytest

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.weights import programs
from pipeline.weights.catalog import Program
from pipeline.weights.programs import INTERPRETER, Checkout, run_program

COMMIT = "c" * 40
PROGRAM = Program(repository="somebody/something", commit=COMMIT, file="main.py")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """At the commit, on a branch that Git has packed."""
    git = tmp_path / ".git"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(
        f"# pack-refs with: peeled\n{'d' * 40} refs/heads/other\n{COMMIT} refs/heads/main\n"
    )
    (tmp_path / INTERPRETER).parent.mkdir(parents=True)
    (tmp_path / INTERPRETER).touch()
    (tmp_path / "main.py").touch()
    return Checkout(PROGRAM, tmp_path)


def error_of(checkout: Checkout) -> str:
    with pytest.raises(DarkroomError) as raised:
        checkout.check()
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    return raised.value.detail.message


def test_every_git_form_of_the_commit_is_accepted(checkout: Checkout) -> None:
    checkout.check()
    (checkout.folder / ".git" / "HEAD").write_text(COMMIT)
    checkout.check()
    (checkout.folder / ".git" / "HEAD").write_text("ref: refs/heads/topic")
    (checkout.folder / ".git" / "refs" / "heads").mkdir(parents=True)
    (checkout.folder / ".git" / "refs" / "heads" / "topic").write_text(f"{COMMIT}\n")
    checkout.check()


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("main.py", None, "is not here"),
        (".git/HEAD", None, "is here at no commit that could be read"),
        (".git/HEAD", b"\xff\xfe", "is here at no commit that could be read"),
        (".git/HEAD", b"ref: refs/heads/unknown", "is here at no commit that could be read"),
        (".git/HEAD", b"e" * 40, "is here at eeeeeeee"),
        (".venv/bin/python", None, "has no .venv/bin/python here"),
    ],
)
def test_a_missing_or_other_checkout_is_named_with_a_remedy(
    checkout: Checkout, file: str, content: bytes | None, problem: str
) -> None:
    path = checkout.folder / file
    path.unlink() if content is None else path.write_bytes(content)
    message = error_of(checkout)
    assert f"somebody/something {problem}" in message
    assert "wanted at cccccccc" in message
    assert "DARKROOM_PROGRAMS" in message


def python(code: str, tmp_path: Path, **environment: str) -> tuple[programs.ProgramExit, list[str]]:
    lines: list[str] = []
    program_exit = run_program(
        [sys.executable, "-c", code], tmp_path, environment, on_line=lines.append, check=lambda: None
    )
    return program_exit, lines


def test_every_stderr_line_is_passed_on_and_the_last_are_kept(tmp_path: Path) -> None:
    code = "import sys; sys.stderr.write('one\\rtwo\\nthree'); sys.exit(3)"
    program_exit, lines = python(code, tmp_path)
    assert lines == ["one", "two", "three"]
    assert program_exit == programs.ProgramExit(3, "one\ntwo\nthree")


def test_a_program_gets_only_the_given_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    code = "import os, sys; sys.stderr.write(' '.join(sorted(set(os.environ) - {'LC_CTYPE'})) + ' ' + os.getcwd())"
    _, lines = python(code, tmp_path, GIVEN="1")
    assert lines == [f"GIVEN {tmp_path}"]


def test_an_error_in_the_check_kills_the_program_and_its_children(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "sys.stderr.write(f'{child.pid}\\n'); sys.stderr.flush(); time.sleep(600)"
    )
    lines: list[str] = []

    def check() -> None:
        if lines:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_program([sys.executable, "-c", code], tmp_path, {}, on_line=lines.append, check=check)
    child = int(lines[0])
    # Whoever adopts the child has yet to hear of its end.
    for _ in range(1000):
        try:
            state = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            state = "gone"
        if state in ("gone", "Z"):
            break
        os.sched_yield()
    assert state in ("gone", "Z")


def test_a_program_silent_after_a_traceback_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "HUNG_AFTER_TRACEBACK_SECONDS", 0.1)
    code = (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "raise ValueError('the main thread is gone')"
    )
    program_exit, _ = python(code, tmp_path)
    assert program_exit.status == -signal.SIGKILL
    assert program_exit.stderr_tail.endswith("ValueError: the main thread is gone")
