"""Python processes that tests start as parts of a local stack."""

import os
import sys
import time
from pathlib import Path

from infra.local.process import Process

SLEEP = "import time; time.sleep(300)"


def started(code: str, folder: Path) -> Process:
    return Process.spawn([sys.executable, "-c", code], environment=os.environ, log=folder / "log", folder=folder)


def wait_for(log: Path, text: str) -> None:
    deadline = time.monotonic() + 30
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)
