"""Hops of a trial: what a job passes on its way, the seconds that each took, and its budget."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from darkroom.contract.jobs import Job, State

COLD_START_SECONDS = 900.0  # over twice the longest cold start that was published for such an image
WARM_SECONDS = 30.0


@dataclass(frozen=True)
class Hop:
    """One hop. Without a budget, its time is only shown."""

    name: str
    seconds: float
    budget: float | None = None

    @property
    def late(self) -> bool:
        """True if it took longer than its budget."""
        return self.budget is not None and self.seconds > self.budget


@dataclass
class HopClock:
    """Clock of one trial, from its construction. Each ``reach`` ends a hop."""

    hops: list[Hop] = field(default_factory=list)
    _started: float = field(default_factory=time.monotonic)
    _last: float = field(default_factory=time.monotonic)

    def reach(self, name: str, budget: float | None = None) -> None:
        """End the hop that began when the last one ended."""
        now = time.monotonic()
        self.hops.append(Hop(name, now - self._last, budget))
        self._last = now

    @property
    def seconds(self) -> float:
        """Seconds from the start to the end of the last hop."""
        return self._last - self._started


class JobHops:
    """Hops of a job's states. The service may skip states of a burst: their budgets are the next hop's, too."""

    def __init__(self, clock: HopClock, budgets: Mapping[State, float]) -> None:
        self._clock = clock
        self._expected = dict(budgets)

    def observe(self, job: Job) -> None:
        """End a hop if the job has reached a state for the first time."""
        name = NAMES.get(job.state)
        if job.ended:
            name = "done" if job.state is State.COMPLETED else str(job.state)
        elif job.state not in self._expected:
            return
        budget = 0.0
        for state in list(self._expected):
            if not job.ended and ORDER.index(state) > ORDER.index(job.state):
                break
            budget += self._expected.pop(state)
        self._clock.reach(name or str(job.state), budget)


ORDER = (State.AWAITING_UPLOAD, State.QUEUED, State.DISPATCHED, State.RUNNING, State.COMPLETED)
NAMES = {
    State.QUEUED: "uploads inspected, queued",
    State.DISPATCHED: "dispatched to the endpoint",
    State.RUNNING: "taken by an instance",
}


def state_budgets(run_seconds: float, *, cold: bool) -> dict[State, float]:
    """Return the budgets of a job's states in seconds. ``run_seconds`` is that of its work."""
    return {
        State.QUEUED: 10.0,
        State.DISPATCHED: 10.0,
        State.RUNNING: COLD_START_SECONDS if cold else WARM_SECONDS,
        State.COMPLETED: run_seconds + 10.0,
    }
