"""``darkroom up``, ``down`` and ``status``, with a stub of the local runtime."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkroom.cli import app
from tests.darkroom.fake_service import Service
from tests.darkroom.stub_runtime import put, state_of
from tests.paths import ROOT

DELEGATING = """
import sys
from darkroom.cli import main
from infra.commands import stack
runtime = sys.argv.pop()
stack.command = lambda *words: [sys.executable, "-c", runtime, *words]
main()
"""
STOPS_ON_TERMINATION = """
import time
from darkroom.cli.termination import termination_signals
with termination_signals():
    print("started", flush=True)
    try:
        time.sleep(300)
    finally:
        print("stopped", flush=True)
"""


def test_up_and_down_call_the_local_runtime_and_return_its_exit_code(runtime: Path, folder: Path) -> None:
    assert CliRunner().invoke(app, ["up", "--port", "1001", "--detach"]).exit_code == 0
    assert CliRunner().invoke(app, ["down", "--port", "1001"]).exit_code == 0
    (folder / "template.json").unlink()
    assert CliRunner().invoke(app, ["up", "--port", "1001"]).exit_code == 1
    assert runtime.read_text().split() == ["up", "down", "up"]


def test_status_prints_the_health_of_the_stack(runtime: Path, folder: Path, service: Service) -> None:
    put(folder, 1001, state_of(service))
    sick = CliRunner().invoke(app, ["status", "--port", "1001"])
    assert sick.exit_code == 1
    assert "queue    down: unreachable" in sick.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="the console sends it to every process")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_local_runtime_gets_the_signal_that_terminates_the_command(folder: Path, number: signal.Signals) -> None:
    """A supervisor sends it to the command alone, a terminal to both."""
    with (folder / "said").open("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", DELEGATING, "up", STOPS_ON_TERMINATION],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
        said.seek(0)
        assert process.returncode == 128 + number, said.read()
    assert out == ("stopped\n" if number is signal.SIGTERM else ""), "after SIGHUP, nobody reads a pipe"
