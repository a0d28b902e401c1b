"""Short fault campaign: jobs of every kind, while containers are killed and events come twice, late and mixed up."""

import io
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from cloud.lane import Lane
from darkroom.contract.jobs import State
from darkroom.contract.kinds import Kind
from infra.local import runtime
from infra.local.state import RunningProcesses
from tests.chaos.campaign import Campaign, Options
from tests.chaos.fault_injection import FaultGroup
from tests.chaos.summary import print_summary

JOBS = 16  # of each kind, one on each lane
# CI runs the same jobs and faults each time; `make test` goes on searching.
SEED = 7 if "CI" in os.environ else secrets.randbelow(10_000)
FAULTS = (FaultGroup.CONTAINERS, FaultGroup.FUNCTIONS, FaultGroup.EVENTS)


@pytest.mark.timeout(600)  # the campaign has bounds of its own
def test_every_promise_holds_through_faults(tmp_path: Path) -> None:
    report = Campaign(Options(JOBS, SEED, FAULTS, callers=4), tmp_path).run()
    text = io.StringIO()
    print_summary(report, Console(file=text, width=160))
    print(text.getvalue())  # noqa: T201 - with the seed, for whoever reads a failure
    assert report.passed, text.getvalue()
    assert {row.kind for row in report.snapshot.rows.values()} == set(Kind)
    assert report.progress.faults["containers killed"]
    assert report.progress.faults["functions held back"]
    assert report.progress.faults["functions killed"]
    assert {row.lane for row in report.snapshot.rows.values() if row.state is State.COMPLETED} == {None, Lane.CPU}
    assert {"uploaded", "dispatch", "finished", "push", "ended"} <= report.progress.events.keys()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")
def test_a_terminated_campaign_leaves_no_process_of_its_stack(tmp_path: Path) -> None:
    """As when CI ends a job: its stack is not in a directory in which a command would find it."""
    campaign = subprocess.Popen([sys.executable, "-m", "tests.chaos", "--jobs", "1", "--folder", str(tmp_path)])
    try:
        while (running := RunningProcesses.read(tmp_path)) is None:
            assert campaign.poll() is None
            time.sleep(0.05)
        campaign.terminate()
        assert campaign.wait() == 128 + signal.SIGTERM
        assert running.emulator is not None
        assert running.emulator.find() is None
    finally:
        campaign.kill()
        campaign.wait()
        runtime.down(tmp_path, save=False)
