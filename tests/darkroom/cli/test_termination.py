"""Termination signals, in a separate process: SIGTERM, SIGHUP and a terminal that is closed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from darkroom.contract.jobs import State
from tests.darkroom.cli.interrupted_command import PROGRAM, environment, running, until
from tests.darkroom.fake_service import Service
from tests.darkroom.jobs import job
from tests.paths import ROOT

if sys.platform == "win32":
    pytest.skip("Windows has no such signals", allow_module_level=True)

import fcntl
import pty
import termios


@pytest.fixture
def service(service: Service) -> Service:
    """Its job runs until it is cancelled."""
    service.story = [job(2, "queued"), job(3, "running", progress=0.4, stage="depth", message="Measuring")]
    return service


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_termination_signal_cancels_the_job(service: Service, photo: Path, number: signal.Signals, code: int) -> None:
    with running(service, "run", "restyle_room", photo, "--style", "boho") as process:
        until(process, "Measuring")
        process.send_signal(number)
        out, err = process.communicate()
    assert (process.returncode, out) == (code, ""), err
    assert service.job.state is State.CANCELLED
    assert "Traceback" not in err
    assert ("it was cancelled" in err) is (number is signal.SIGTERM), "after SIGHUP, nobody reads a pipe"


def test_more_signals_do_not_interrupt_the_cancelling(service: Service, photo: Path) -> None:
    service.cancel_hangs = True
    with running(service, "run", "restyle_room", photo, "--style", "boho") as process:
        until(process, "Measuring")
        process.send_signal(signal.SIGTERM)
        until(process, "Cancelling")
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGHUP)
        service.cancel_hangs = False
        process.communicate()
    assert process.returncode == 143
    assert service.job.state is State.CANCELLED


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 1), (signal.SIGTERM, 143)])
def test_the_job_is_cancelled_although_nobody_reads_the_output_any_more(
    service: Service, photo: Path, number: signal.Signals, code: int
) -> None:
    """Ctrl-C in ``darkroom run … 2>&1 | tee log`` ends ``tee``, too."""
    with running(service, "run", "restyle_room", photo, "--style", "boho") as process:
        until(process, "Measuring")
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()
        process.send_signal(number)
        assert process.wait(60) == code
    assert service.job.state is State.CANCELLED


def test_a_closed_terminal_cancels_the_job(service: Service, photo: Path) -> None:
    """The kernel sends SIGHUP to the whole session, and every write to the terminal fails."""
    master, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "run", "restyle_room", str(photo), "--style", "boho"],
        env=environment(service),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - nothing else runs in the child
    )
    os.close(terminal)
    try:
        seen = b""
        while b"Measuring" not in seen:
            seen += os.read(master, 4096)
        os.close(master)
        assert process.wait(60) == 129
    finally:
        process.kill()
        process.wait()
    assert service.job.state is State.CANCELLED


def test_under_nohup_the_command_goes_on_after_sighup(service: Service, photo: Path) -> None:
    program = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); {PROGRAM}"
    with running(service, "run", "restyle_room", photo, "--style", "boho", program=program) as process:
        until(process, "Measuring")
        process.send_signal(signal.SIGHUP)
        service.change(service.done(4))
        _, err = process.communicate()
    assert process.returncode == 0, err


STACK = """
import sys
from darkroom.cli.termination import termination_signals
from darkroom.client import local_stack
local_stack.command = lambda *words: [sys.executable, sys.argv[1], *words]
with termination_signals(), local_stack.TemporaryStack(lambda text: None):
    print("up", file=sys.stderr, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_termination_signal_stops_the_temporary_stack(runtime: Path, tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STACK, str(tmp_path / "runtime.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(process, "up")
    process.send_signal(number)
    process.communicate()
    assert process.returncode == 128 + number
    assert runtime.read_text().split() == ["up", "down"]
    assert not Path(".darkroom").exists()
