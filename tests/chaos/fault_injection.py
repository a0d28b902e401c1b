"""Fault injection: what is killed, stopped or delayed while the jobs run, and when."""

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random

import psutil

from infra.local.process import Process
from infra.local.state import RunningProcesses
from infra.names import CPU_FUNCTION
from tests.chaos.job_watch import JobWatch
from tests.chaos.service import Service

DELAYED_FUNCTIONS = ("uploaded", "dispatch", "push", "ended")
GONE_SECONDS = 30.0
LANE_SECONDS = 10.0  # in which a lane has a job, if one comes at all
ANSWER_SECONDS = 1.0


class StackLost(Exception):
    """Raised when the stack does not start again after a fault."""


class FaultGroup(StrEnum):
    """Faults that are switched on together."""

    CONTAINERS = "containers"  # kill -9 of an instance of the endpoint
    FUNCTIONS = "functions"  # kill -9 of a process of the cpu lane's function
    EVENTS = "events"  # events delivered twice, late and out of order
    STAND_IN = "stand_in"  # kill -9 of the endpoint, then `up`
    RESTARTS = "restarts"  # `down`, then `up`
    EMULATOR = "emulator"  # kill -9 of the emulator, then `up`


# One fault of the group for so many jobs, and at least one.
JOBS_PER_FAULT = {
    FaultGroup.CONTAINERS: 8,
    FaultGroup.FUNCTIONS: 15,
    FaultGroup.EVENTS: 15,
    FaultGroup.STAND_IN: 60,
    FaultGroup.RESTARTS: 60,
    FaultGroup.EMULATOR: 80,
}


@dataclass(frozen=True)
class PlannedFault:
    """A fault, and the number of accepted jobs at which it happens."""

    after_jobs: int
    group: FaultGroup


def planned_faults(random: Random, jobs: int, groups: Collection[FaultGroup]) -> list[PlannedFault]:
    """Return the faults of a campaign, in order: spread over its jobs by chance."""
    planned = [
        PlannedFault(random.randint(jobs // 2 if group is FaultGroup.EMULATOR else min(2, jobs), jobs), group)
        for group in FaultGroup
        if group in groups
        for _ in range(max(1, jobs // JOBS_PER_FAULT[group]))
    ]
    return sorted(planned, key=lambda fault: fault.after_jobs)


class FaultInjector:
    """Injects faults into the stack of ``service``, whose jobs are in ``watches``. ``injected`` counts them by name."""

    def __init__(self, service: Service, watches: Sequence[JobWatch], random: Random) -> None:
        self._service = service
        self._watches = watches
        self._random = random
        self.injected: Counter[str] = Counter()
        self._faults: dict[FaultGroup, Callable[[], None]] = {
            FaultGroup.CONTAINERS: self.kill_container,
            FaultGroup.FUNCTIONS: self.kill_function,
            FaultGroup.EVENTS: self.delay_events,
            FaultGroup.STAND_IN: self.kill_stand_in,
            FaultGroup.RESTARTS: self.restart,
            FaultGroup.EMULATOR: self.kill_emulator,
        }

    def inject(self, group: FaultGroup) -> None:
        """Inject one fault of a group; return when the stack runs again. Raises ``StackLost`` if it does not."""
        try:
            self._faults[group]()
        except Exception as error:
            raise StackLost(f"after a fault of {group}, the stack does not start again: {error!r}") from error

    def kill_container(self) -> None:
        """Kill an instance of the endpoint. The endpoint starts another one."""
        stand_in = self._process(lambda running: running.stand_in)
        assert stand_in is not None, "the endpoint does not run"
        self._kill_one(stand_in.children, "containers killed")

    def kill_function(self) -> None:
        """Kill a process of the cpu lane's function. The emulator starts another one for the next invocation."""
        function, folder = self._service.stack.state.functions[CPU_FUNCTION], self._service.stack.folder
        self._kill_one(lambda: [each for each in stack_processes(folder) if runs(each, function)], "functions killed")

    def _kill_one(self, find: Callable[[], list[psutil.Process]], name: str) -> None:
        """Kill one of the processes that ``find`` finds, as soon as there is one; none if no job comes to its lane."""
        deadline = time.monotonic() + LANE_SECONDS
        while time.monotonic() < deadline:
            # Another one starts in place of one that has just ended.
            if any(kill(process) for process in self._shuffled(find())):
                self.injected[name] += 1
                return
            time.sleep(0.05)

    def delay_events(self) -> None:
        """Hold back the events of one function for a moment."""
        function = self._random.choice(DELAYED_FUNCTIONS)
        with self._service.stack.paused(function):
            time.sleep(self._random.uniform(0.2, 1))
        self.injected["functions held back"] += 1

    def kill_stand_in(self) -> None:
        """Kill the endpoint with its instances, and start it again by ``up``."""
        kill(self._process(lambda running: running.stand_in))
        self.injected["endpoints killed"] += 1
        self._service.stack.start()

    def restart(self) -> None:
        """Stop the stack, and start it again."""
        self._service.stack.stop()
        self.injected["restarts"] += 1
        self._service.stack.start()
        self._service.restarted()

    def kill_emulator(self) -> None:
        """Kill the emulator, and start it again by ``up``: it goes back to the state that it saved last.

        What was told or recorded since then has not happened.
        """
        with self._service.repetitions:
            kill(self._process(lambda running: running.emulator))
            self._service.killed_at.append(time.time())
            self.injected["emulators killed"] += 1
            time.sleep(ANSWER_SECONDS)  # the last answers are on their way
            for watch in self._watches:
                watch.forget()
            self._service.stack.start()
            self._service.restarted()

    def _shuffled(self, processes: list[psutil.Process]) -> list[psutil.Process]:
        return self._random.sample(processes, len(processes))

    def _process(self, which: Callable[[RunningProcesses], Process | None]) -> psutil.Process | None:
        running = RunningProcesses.read(self._service.stack.folder)
        process = which(running) if running is not None else None
        return process.find() if process is not None else None


def kill(process: psutil.Process | None) -> bool:
    """Kill a process, and return when it has ended: True, or False if it had ended before."""
    assert process is not None, "there is nothing to kill"
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    deadline = time.monotonic() + GONE_SECONDS
    with suppress(psutil.NoSuchProcess):  # it has ended between two looks
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, f"{process} survives its kill"
            time.sleep(0.02)
    return True


def runs(process: psutil.Process, function: str) -> bool:
    """Return True if a process runs a function, by the function's deployed name."""
    try:
        return process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == function
    except (psutil.Error, OSError):  # it has just ended
        return False


def stack_processes(folder: Path) -> list[psutil.Process]:
    """Return the running processes of the stack in a folder: all whose environment names it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it has just ended, or is another user's
            values = process.environ().values()
            if process.pid != os.getpid() and any(
                value == str(folder) or f"{folder}{os.sep}" in value for value in values
            ):
                found.append(process)
    return found
