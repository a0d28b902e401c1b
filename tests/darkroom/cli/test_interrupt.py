"""Ctrl-C, in a separate process."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkroom.cli import main
from darkroom.contract.jobs import State
from tests.darkroom.fake_service import TOKEN, Service
from tests.darkroom.jobs import job

ROOT = Path(__file__).parents[3]
# A shell that starts tests in the background has them, and so their children, ignore SIGINT: undo that.
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from darkroom.cli import main; main()"
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sends SIGINT to one process, which Windows cannot")


@contextlib.contextmanager
def running(service: Service, *words: str | Path) -> Iterator["subprocess.Popen[str]"]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DARKROOM_ENDPOINT": service.url, "DARKROOM_TOKEN": TOKEN}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, words)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(process: "subprocess.Popen[str]", words: str) -> None:
    assert process.stderr is not None
    seen = ""
    for line in process.stderr:
        seen += line
        if words in line:
            return
    raise AssertionError(f"{words!r} never came:\n{seen}")


def test_ctrl_c_cancels_the_job(service: Service, photo: Path) -> None:
    service.story = [job(2, "queued"), job(3, "running", progress=0.4, stage="depth", message="Measuring")]
    with running(service, "run", "restyle_room", photo, "--style", "boho") as process:
        until(process, "Measuring")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 1, err
    assert service.job.state is State.CANCELLED
    assert f"darkroom: cancelled: You interrupted job {'a' * 32}; it was cancelled." in err
    assert "Traceback" not in err
    assert out == ""


def test_a_second_ctrl_c_quits_at_once(service: Service, photo: Path) -> None:
    service.story = [job(3, "running", message="Measuring")]
    service.cancel_hangs = True
    with running(service, "run", "restyle_room", photo, "--style", "boho") as process:
        until(process, "Measuring")
        process.send_signal(signal.SIGINT)
        until(process, "Cancelling")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    service.cancel_hangs = False
    assert process.returncode == 130, err
    assert "Traceback" not in err


def test_ctrl_c_does_not_cancel_a_job_that_is_only_watched(service: Service) -> None:
    service.job = job(3, "running", message="Measuring")
    with running(service, "jobs", "watch", "a" * 32) as process:
        until(process, "Measuring")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130, err
    assert service.job.state is State.RUNNING
    assert "Traceback" not in err


def test_ctrl_c_exits_with_130_if_a_library_then_fails_to_clean_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise TimeoutError("the connection did not close")

    monkeypatch.setattr("darkroom.cli.app", interrupted)
    monkeypatch.setattr("darkroom.cli.signal.signal", lambda *_: None)
    with pytest.raises(SystemExit) as raised:
        main()
    assert raised.value.code == 130
