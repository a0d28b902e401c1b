"""Container as a process, run as SageMaker runs it."""

import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
import urllib3

from tests.paths import ROOT


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")
@pytest.mark.parametrize("stages", ["noop", "default"])
def test_the_container_becomes_ready_and_exits_on_sigterm(stages: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "JOBS_TABLE": "jobs",
        "LEDGER_TABLE": "ledger",
        "BUCKET": "pictures",
        "STAGES": stages,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "containers.gpu", "serve"], env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        pause = threading.Event()
        while True:
            assert process.poll() is None, process.stderr
            try:
                if urllib3.request("GET", f"http://127.0.0.1:{port}/ping", retries=False, timeout=2).status == 200:
                    break
            except urllib3.exceptions.HTTPError:
                pause.wait(0.05)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    # Every line is JSON, and no engine failed to load.
    assert all(line.startswith("{") for line in log.splitlines())
    assert "cannot be done here" not in log
