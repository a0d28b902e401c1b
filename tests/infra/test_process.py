"""Background processes of a local stack: found and stopped, whatever has become of their ids and the clock."""

import sys
from pathlib import Path

import psutil
import pytest

from tests.infra.python_process import SLEEP, started, wait_for

IGNORES_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(300)"
)


def test_a_process_is_stopped_with_its_children(tmp_path: Path) -> None:
    process = started(
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); "
        f"print('up', flush=True); {SLEEP}",
        tmp_path,
    )
    wait_for(tmp_path / "log", "up")
    found = process.find()
    assert found is not None
    children = found.children()
    assert process.stop(5)
    assert process.find() is None
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    process = started(IGNORES_SIGTERM, tmp_path)
    wait_for(tmp_path / "log", "deaf")
    assert not process.stop(0.2)
    assert process.find() is None


def test_another_process_with_the_same_id_is_not_stopped(tmp_path: Path) -> None:
    process = started(SLEEP, tmp_path)
    earlier = {"created": process.created - 3600, "since_boot": (process.since_boot or 0) - 3600}
    for other in (earlier, {**earlier, "boot_id": None}, {"boot_id": "of an earlier boot"}):
        changed = process.model_copy(update=other)
        assert changed.find() is None
        assert changed.stop(1)
        assert process.find() is not None
    process.stop(5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux computes start times from the time of day")
def test_a_process_is_found_after_the_clock_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = started(SLEEP, tmp_path)
    boot = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 3600)
    assert process.find() is not None
    assert process.stop(5)
    assert process.find() is None
