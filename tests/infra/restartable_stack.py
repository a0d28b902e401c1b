"""Local stack that tests stop, kill and start again."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from infra.local.stack import LocalStack
from infra.local.state import RunningProcesses
from tests.e2e.caller import Caller
from tests.unlimited import UNLIMITED, WEB_ORIGIN

SECONDS = 60
CONTEXT: dict[str, object] = {**UNLIMITED, "stages": "noop", "origins": WEB_ORIGIN, "preview_on": "endpoint"}


class RestartableStack:
    """A stack, what its commands said, and its caller."""

    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        self.stack = LocalStack(folder, context=CONTEXT, say=self.said.append)

    def start(self) -> None:
        self.said.clear()
        self.stack.start()

    def ensure_started(self) -> None:
        """Start what an earlier test has stopped or killed."""
        processes = self._processes()
        if processes is None or not all(
            each is not None and each.find() is not None for each in (processes.emulator, processes.stand_in)
        ):
            self.start()

    def kill(self) -> None:
        """Kill the emulator as ``kill -9`` does."""
        running = self._processes()
        assert running is not None
        emulator = running.emulator
        assert emulator is not None
        os.kill(emulator.pid, signal.SIGKILL)
        until(lambda: emulator.find() is None)

    def wait_until_saved(self) -> None:
        until(lambda: not (self.stack.folder / "unsaved.json").exists())

    @property
    def caller(self) -> Caller:
        return Caller(self.stack.endpoint, self.stack.socket, self.stack.token_for("caller"))

    def owners(self) -> set[str]:
        """Ids of the jobs that own an object. The names of outcomes begin with them."""
        listed = self.stack.client("s3").list_objects_v2(Bucket=self.stack.bucket).get("Contents", [])
        return {each["Key"].split("/")[1][:32] for each in listed}

    def _processes(self) -> RunningProcesses | None:
        return RunningProcesses.read(self.stack.folder)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
