"""Fault campaign: runs a workload on a local stack, injects faults, and checks the invariants at the end."""

import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from handlers.limits.rates import SUBJECTS
from infra.local.stack import LocalStack
from tests.chaos.caller_session import CallerSession
from tests.chaos.event_replay import EventReplay
from tests.chaos.fault_injection import FaultGroup, FaultInjector, PlannedFault, planned_faults, stack_processes
from tests.chaos.invariants import USD_PER_HOUR, violations
from tests.chaos.job_watch import JobWatch
from tests.chaos.light_function import use_light_function
from tests.chaos.service import Service
from tests.chaos.snapshot import Snapshot, scan, take_snapshot
from tests.chaos.workload import OWNERS, job_requests, small
from tests.e2e.caller import declaration, upload

IDLE_SECONDS = 60.0
CONTEXT: dict[str, object] = {
    "container_module": "tests.chaos.light_container",
    "stages": "noop",  # the container's own plans are not used
    "instances": 2,
    "retry_delay_seconds": 0,
    "look_seconds": 0,
    "queue_seconds": 5,
    "invocation_ttl_seconds": 60,
    "invocation_seconds": 30,
    "video_seconds": 40,
    "rate_limits": dict.fromkeys(SUBJECTS, "100000/60"),
    "requests_per_second": 10_000,
    "owner_daily_usd": 1_000_000,
    "instance_usd_per_hour": USD_PER_HOUR,
    "cpu_memory_mb": 1024,
    "cpu_usd_per_gb_second": USD_PER_HOUR / 3600,
}
# The stand-in's own switches: each notice comes twice.
EVENT_FAULTS = {"duplicate": True}

# A message that a function had received when the stack was stopped comes again after 90 s; sweep runs each minute.
SECONDS_TO_END = 180.0
# Faults at which the endpoint, or all of the stack, starts again.
FORGETTING = {FaultGroup.STAND_IN, FaultGroup.RESTARTS, FaultGroup.EMULATOR}


@dataclass(frozen=True)
class Options:
    """Options of a campaign.

    ``seconds`` is the time after the last fault in which every job must end. ``callers`` is the number of jobs at once.
    """

    jobs: int
    seed: int
    faults: Collection[FaultGroup]
    seconds: float = SECONDS_TO_END
    callers: int = 8
    port: int | None = None


@dataclass
class Progress:
    """Numbers of a running campaign."""

    jobs: int
    accepted: int = 0
    ended: int = 0
    phase: str = ""
    faults: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    phase_seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)

    def enter(self, phase: str) -> None:
        """Begin the next phase, and measure the last one."""
        now = time.monotonic()
        if self.phase:
            self.phase_seconds[self.phase] = now - self._since
        self.phase, self._since = phase, now


@dataclass(frozen=True)
class Report:
    """Result of a campaign."""

    options: Options
    snapshot: Snapshot
    violations: dict[str, list[str]]
    progress: Progress
    seconds: float

    @property
    def passed(self) -> bool:
        """True if no invariant is violated."""
        return not any(self.violations.values())


class Campaign:
    """One run. The seed decides the workload and the faults, and which events come again.

    Threads and processes run as the machine lets them: the same seed is the same plan, not the same interleaving.
    """

    def __init__(self, options: Options, folder: Path) -> None:
        self.progress = Progress(options.jobs)
        self._options = options
        self._folder = folder
        self._watches = [JobWatch(request) for request in job_requests(Random(f"{options.seed} jobs"), options.jobs)]
        self._planned = planned_faults(Random(f"{options.seed} faults"), options.jobs, options.faults)

    def run(self) -> Report:
        """Run the campaign; return its report. The stack is stopped at the end, whatever happens.

        Raises ``StackLost`` if it does not start again after a fault.
        """
        start = time.monotonic()
        self.progress.enter("starting the stack")
        repeat = FaultGroup.EVENTS in self._options.faults
        restarts = FORGETTING & set(self._options.faults)
        stack = LocalStack(
            self._folder,
            self._options.port,
            context=CONTEXT,
            faults=EVENT_FAULTS if repeat else {},
            keep=bool(restarts),
        )
        with stack:
            use_light_function(stack)
            service = Service(stack, self._options.seconds)
            replay = EventReplay(service, Random(f"{self._options.seed} events"), received_again=not restarts)
            self.progress.events = replay.delivered
            assets = self._upload_assets(service)
            with self._replaying(replay) if repeat else nullcontext():
                self._run_jobs(service, CallerSession(service, assets))
            self._settle(service, replay if repeat else None)
            self.progress.enter("checking the invariants")
            snapshot = take_snapshot(service, self._watches, list(assets.values()))
            self.progress.enter("stopping the stack")
        self.progress.enter("done")
        left = [str(process) for process in stack_processes(self._folder)]
        snapshot = replace(snapshot, refused=replay.refused, processes=left)
        return Report(self._options, snapshot, violations(snapshot), self.progress, time.monotonic() - start)

    def _upload_assets(self, service: Service) -> dict[str, str]:
        """Put a picture into each owner's library."""
        picture = small("living_room.jpg")
        assets = {}
        for owner in OWNERS:
            body = {"name": "room", "upload": declaration(picture, False)}
            created = service.ask(owner, "POST", "/assets", json=body).json()
            assert upload(created["upload"], picture).is_success
            assets[owner] = created["asset"]["asset_id"]
            while service.ask(owner, "GET", f"/assets/{assets[owner]}").json()["state"] != "ready":
                service.pause()
        return assets

    @contextmanager
    def _replaying(self, replay: EventReplay) -> Iterator[None]:
        thread = threading.Thread(target=replay.run, name="replay")
        thread.start()
        try:
            yield
        finally:
            replay.stop()
            thread.join()

    def _run_jobs(self, service: Service, session: CallerSession) -> None:
        """Run every job, and inject each fault once enough jobs were accepted."""
        self.progress.enter("running jobs")
        injector = FaultInjector(service, self._watches, Random(f"{self._options.seed} targets"))
        self.progress.faults = injector.injected
        with ThreadPoolExecutor(self._options.callers) as pool:
            running = [pool.submit(session.run, watch) for watch in self._watches]
            try:
                for fault in self._planned:
                    self._wait_for(fault, running)
                    injector.inject(fault.group)
            except BaseException:
                service.abort()
                raise
            service.finish()
            self.progress.enter("waiting for the last jobs")
            while not all(future.done() for future in running):
                self._count()
                time.sleep(0.1)
            # A killed emulator took back what these callers had seen.
            list(pool.map(session.resume, [watch for watch in self._watches if watch.job_id and not watch.last]))
        self._count()
        for future in running:
            future.result()

    def _wait_for(self, fault: PlannedFault, running: Sequence["Future[None]"]) -> None:
        """Return when it is time for a fault."""
        while self.progress.accepted < fault.after_jobs and not all(future.done() for future in running):
            self._count()
            time.sleep(0.05)

    def _count(self) -> None:
        self.progress.accepted = sum(bool(watch.job_id) for watch in self._watches)
        self.progress.ended = sum(watch.ended for watch in self._watches)

    def _settle(self, service: Service, replay: EventReplay | None) -> None:
        """Let everything that is under way arrive, then every event once more, in quiet."""
        self.progress.enter("letting events arrive")
        self._wait_until_counted(service)
        if replay is not None:
            self.progress.enter("repeating every event")
            replay.deliver_all()
        with suppress(TimeoutError):  # an invariant tells what is still there
            service.stack.wait_idle(IDLE_SECONDS)

    def _wait_until_counted(self, service: Service) -> None:
        """Return when the ledger has every ended job; it follows the jobs table by a stream."""
        deadline = time.monotonic() + IDLE_SECONDS
        ended = {f"ended#{watch.job_id}" for watch in self._watches if watch.ended}
        while time.monotonic() < deadline:
            if ended <= {item["pk"]["S"] for item in scan(service, service.stack.state.tables.ledger)}:
                return
            time.sleep(0.25)
