"""Invariants of a campaign: each notices what it is there for, and none complains about a sound snapshot."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from cloud.dynamodb.job_record import JobRecord
from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from darkroom.contract.kinds import Kind
from darkroom.contract.results import Picture, Result
from tests.chaos.fault_injection import FaultGroup, planned_faults
from tests.chaos.invariants import violations
from tests.chaos.job_watch import JobWatch
from tests.chaos.snapshot import Snapshot
from tests.chaos.workload import Course, JobRequest, job_requests

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
DONE, CANCELLED, OPEN = "a" * 32, "b" * 32, "c" * 32
ASSET = "d" * 32
RESULT = f"results/{DONE}/result.jpg"


def row(job_id: str, state: State, **changed: Any) -> JobRecord:
    """An item of the jobs table."""
    values = {
        "job_id": job_id,
        "kind": Kind.UPSCALE,
        "state": state,
        "seq": 5,
        "engine": Engine.PREVIEW,
        "params": {},
        "uploads": {},
        "created_at": NOW,
        "updated_at": NOW + timedelta(seconds=2),
        "owner": "id-of-ada",
        "request_digest": "",
        "expires_at": 0,
        "reserved_usd": 1.0,
    }
    return JobRecord(**{**values, **changed})


def result() -> Result:
    """A result with one picture."""
    picture = Picture(name="result", key=RESULT, content_type="image/jpeg", size=1, sha256="0" * 64, width=1, height=1)
    return Result(pictures=[picture], engine=Engine.PREVIEW, notes=[])


def watch(job_id: str, course: Course, state: State) -> JobWatch:
    """A caller's watch, up to a state."""
    request = JobRequest(0, Kind.UPSCALE, "ada", "key", {}, {}, course, repeated=False, by_socket=False, cancel_after=0)
    watch = JobWatch(request)
    watch.accept(answer(job_id, state))
    return watch


def answer(job_id: str, state: State) -> dict[str, Any]:
    """GET of a job."""
    message = "Waiting for the pictures" if state is State.AWAITING_UPLOAD else ""
    return {"job_id": job_id, "state": state, "seq": 5, "progress": 0, "attempt": 1, "error": None, "message": message}


@pytest.fixture
def sound() -> Snapshot:
    """One job completed, one cancelled a second after its start, and one that waits for its upload."""
    ended_at = NOW + timedelta(seconds=2)
    rows = [
        row(DONE, State.COMPLETED, cost_usd=0.123456, result=result()),
        row(CANCELLED, State.CANCELLED, cost_usd=0.5, started_at=ended_at.timestamp() - 8),
        row(OPEN, State.AWAITING_UPLOAD),
    ]
    courses = {DONE: Course.FINISH, CANCELLED: Course.CANCEL, OPEN: Course.ABANDON}
    return Snapshot(
        watches=[watch(each.job_id, courses[each.job_id], each.state) for each in rows],
        answers={each.job_id: answer(each.job_id, each.state) for each in rows},
        listed={"ada": [each.job_id for each in rows]},
        rows={each.job_id: each for each in rows},
        counted={"upscale": {"completed": 1, "cancelled": 1}},
        cost_micro_usd={"upscale": 623_456},
        # What the first job cost; the second one's earlier attempt and 8 s at $0.1; the third one's estimate.
        budget_micro_usd={"ada": 123_456 + 500_000 + 800_000 + 1_000_000},
        objects=[RESULT, f"uploads/{CANCELLED}/photo", f"outcomes/{DONE}-1.out", f"assets/{ASSET}"],
        assets=[ASSET],
        dead_letters=[],
    )


def changed_row(job_id: str, **changed: Any) -> Callable[[Snapshot], Snapshot]:
    """Change a row."""
    return lambda sound: replace(sound, rows={**sound.rows, job_id: sound.rows[job_id].model_copy(update=changed)})


def failed(sound: Snapshot) -> Snapshot:
    """Let a job fail with an error that another attempt might have mended."""
    error = ErrorDetail(code=ErrorCode.CONTAINER_FAILED, message="", retryable=True)
    return changed_row(OPEN, state=State.FAILED, error=error)(sound)


def backwards(sound: Snapshot) -> Snapshot:
    """Tell a caller an older state than before."""
    sound.watches[0].see({**answer(DONE, State.COMPLETED), "seq": 4})
    return sound


def stranded(sound: Snapshot) -> Snapshot:
    """Let a caller wait for a job that ends too late."""
    waiting = watch(DONE, Course.FINISH, State.DISPATCHED)
    return replace(sound, watches=[waiting, *sound.watches[1:]])


def doubled(sound: Snapshot) -> Snapshot:
    """Make a second job of one request."""
    return replace(sound, listed={"ada": [*sound.listed["ada"], "e" * 32]})


def added_object(key: str) -> Callable[[Snapshot], Snapshot]:
    """Store another object."""
    return lambda sound: replace(sound, objects=[*sound.objects, key])


def test_a_sound_snapshot_violates_nothing(sound: Snapshot) -> None:
    assert {name: found for name, found in violations(sound).items() if found} == {}


def test_an_abandoned_job_may_expire_while_nobody_watches_it(sound: Snapshot) -> None:
    late = replace(sound, answers={**sound.answers, OPEN: answer(OPEN, State.EXPIRED)})
    assert violations(late)["ended"] == []


@pytest.mark.parametrize(
    ("change", "violated"),
    [
        (lambda sound: replace(sound, answers={**sound.answers, DONE: None}), "known"),
        (doubled, "made once"),
        (stranded, "ended"),
        (lambda sound: replace(sound, answers={**sound.answers, DONE: answer(DONE, State.FAILED)}), "answers"),
        (lambda sound: replace(sound, answers={**sound.answers, DONE: answer(DONE, State.CANCELLED)}), "expected end"),
        (lambda sound: replace(sound, objects=sound.objects[1:]), "results"),
        (added_object(f"results/{DONE}/second.jpg"), "results"),
        (added_object(f"results/{CANCELLED}/result.jpg"), "results"),
        (added_object(f"intermediates/{CANCELLED}/part-1"), "results"),
        (lambda sound: replace(sound, counted={"upscale": {"completed": 2, "cancelled": 1}}), "statistics"),
        (lambda sound: replace(sound, cost_micro_usd={"upscale": 623_457}), "statistics"),
        (lambda sound: replace(sound, budget_micro_usd={"ada": 2_423_455}), "budgets"),
        (added_object(f"uploads/{'f' * 32}/photo"), "objects"),
        (added_object(f"assets/{'f' * 32}"), "objects"),
        (backwards, "answers"),
        (lambda sound: replace(sound, dead_letters=[{"job_id": DONE}]), "dead letters"),
        (failed, "dead letters"),
        (lambda sound: replace(sound, refused=["finished: error"]), "events"),
        (lambda sound: replace(sound, processes=["emulator"]), "processes"),
    ],
)
def test_a_violation_is_found(sound: Snapshot, change: Callable[[Snapshot], Snapshot], violated: str) -> None:
    assert violations(change(sound))[violated]


def test_a_cancelled_job_that_ran_is_charged_at_least_its_estimate(sound: Snapshot) -> None:
    # 0.2 s at $0.1 and nothing earlier, beside an estimate of a dollar.
    started_at = (NOW + timedelta(seconds=1.8)).timestamp()
    change = changed_row(CANCELLED, cost_usd=None, started_at=started_at)
    charged = replace(change(sound), budget_micro_usd={"ada": 123_456 + 1_000_000 + 1_000_000})
    assert violations(charged)["budgets"] == []


def test_the_same_seed_makes_the_same_jobs_and_faults() -> None:
    first, again, other = (list(job_requests(Random(seed), 30)) for seed in ("1", "1", "2"))
    assert first == again != other
    assert {request.kind for request in first} == set(Kind)
    assert {request.course for request in first} == set(Course)
    assert planned_faults(Random(1), 200, list(FaultGroup)) == planned_faults(Random(1), 200, list(FaultGroup))


def test_every_group_of_faults_happens_in_a_short_campaign() -> None:
    planned = planned_faults(Random(3), 5, list(FaultGroup))
    assert {fault.group for fault in planned} == set(FaultGroup)
    assert [fault.after_jobs for fault in planned] == sorted(fault.after_jobs for fault in planned)
