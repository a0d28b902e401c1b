"""The command in a process of its own, which a test interrupts."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.darkroom.fake_service import TOKEN, Service
from tests.paths import ROOT

# A shell that starts tests in the background has them, and so their children, ignore SIGINT: undo that.
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from darkroom.cli import main; main()"
)


def environment(service: Service) -> dict[str, str]:
    """The environment in which the command uses the fake service."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "DARKROOM_ENDPOINT": service.url, "DARKROOM_TOKEN": TOKEN}


@contextlib.contextmanager
def running(service: Service, *words: str | Path, program: str = PROGRAM) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        env=environment(service),
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
