"""Hops of a job: their names and budgets, also when the service skips states of a burst."""

from darkroom.contract.jobs import State
from infra.commands.deploy.hops import Hop, HopClock, JobHops, state_budgets
from tests.darkroom.jobs import job


def observed(*states: State, cold: bool = False) -> list[tuple[str, float | None]]:
    clock = HopClock()
    hops = JobHops(clock, state_budgets(20, cold=cold))
    for seq, state in enumerate(states, start=2):
        hops.observe(job(seq, state))
    return [(hop.name, hop.budget) for hop in clock.hops]


def test_each_state_is_a_hop_with_its_budget() -> None:
    states = (State.QUEUED, State.DISPATCHED, State.RUNNING, State.RUNNING, State.COMPLETED)
    assert observed(*states) == [
        ("uploads inspected, queued", 10),
        ("dispatched to the endpoint", 10),
        ("taken by an instance", 30),
        ("done", 30),
    ]


def test_the_budget_of_a_skipped_state_belongs_to_the_next_hop() -> None:
    assert observed(State.RUNNING, State.COMPLETED) == [("taken by an instance", 50), ("done", 30)]
    assert observed(State.COMPLETED) == [("done", 80)]


def test_a_cold_start_has_a_budget_of_minutes() -> None:
    assert observed(State.DISPATCHED, State.RUNNING, cold=True)[-1] == ("taken by an instance", 900)


def test_a_job_that_is_queued_again_has_no_second_hop() -> None:
    states = (State.QUEUED, State.DISPATCHED, State.QUEUED, State.DISPATCHED, State.FAILED)
    assert [name for name, _ in observed(*states)] == [
        "uploads inspected, queued",
        "dispatched to the endpoint",
        "failed",
    ]


def test_a_hop_is_late_above_its_budget_only() -> None:
    assert [Hop("a", 5, 5).late, Hop("a", 5.1, 5).late, Hop("a", 500).late] == [False, True, False]
