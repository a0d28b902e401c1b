"""Invariants: what Darkroom promises about every job, whatever was killed, repeated or restarted.

Each function compares parts of a snapshot, and yields a sentence for each violation.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cloud.dynamodb.job_record import JobRecord
from darkroom.contract.errors import ErrorCode
from darkroom.contract.jobs import MAX_ATTEMPTS, State
from tests.chaos.snapshot import Snapshot
from tests.chaos.workload import Course

MICROS = 1_000_000
# Price of an instance in a campaign: large, so that every job's cost has many micro-dollars.
USD_PER_HOUR = 360.0
MAX_ATTEMPT_SECONDS = 3600
JOB_OF_KEY = re.compile(r"(?:uploads|results|previews|intermediates|invocations)/([0-9a-f]{32})/.+")
JOB_OF_OUTCOME = re.compile(r"outcomes/(?:failures/)?([0-9a-f]{32})-[0-9.]+(?:-error)?\.out")
ASSET_OF_KEY = re.compile(r"assets/([0-9a-f]{32})")
# An attempt that ended so has taken time that nobody reported.
LOST = frozenset({ErrorCode.TIMED_OUT, ErrorCode.CONTAINER_FAILED})
# What a killed machine or endpoint makes of an attempt.
ATTEMPT_FAILED = LOST | {ErrorCode.ENDPOINT_UNAVAILABLE}

Violations = Callable[[Snapshot], Iterator[str]]


@dataclass(frozen=True)
class Invariant:
    """A promise in one sentence, and the function that finds its violations."""

    promise: str
    violations: Violations


INVARIANTS: dict[str, Invariant] = {}


def invariant(name: str, promise: str) -> Callable[[Violations], Violations]:
    """Register the function that finds the violations of a promise."""

    def register(violations: Violations) -> Violations:
        INVARIANTS[name] = Invariant(promise, violations)
        return violations

    return register


@invariant("known", "Every accepted job is found by GET.")
def known(snapshot: Snapshot) -> Iterator[str]:
    """Find accepted jobs that the service does not know."""
    for watch in snapshot.watches:
        if not watch.job_id:
            yield f"job {watch.request.number} was never accepted"
        elif watch.unknown or snapshot.answers[watch.job_id] is None:
            yield f"{watch.job_id} was accepted and is not found"


@invariant("made once", "A request makes one job, however often it is sent under its key.")
def made_once(snapshot: Snapshot) -> Iterator[str]:
    """Find requests that made two jobs, and jobs that nobody requested."""
    for owner, listed in snapshot.listed.items():
        wanted = Counter(watch.job_id for watch in snapshot.watches if watch.request.owner == owner and watch.job_id)
        for job_id, count in (Counter(listed) - wanted).items():
            yield f"{owner} has {job_id} {count} times too often"
        for job_id in wanted - Counter(listed):
            yield f"{job_id} is missing in the list of {owner}"


@invariant("ended", "Every job ends in time and its caller sees it, or GET says that it waits for its caller.")
def ended(snapshot: Snapshot) -> Iterator[str]:
    """Find jobs whose caller has not seen an end, except those that say that they wait for their caller."""
    for watch in snapshot.watches:
        answer = snapshot.answers.get(watch.job_id)
        if answer is None or watch.ended:
            continue
        waits = answer["state"] == State.AWAITING_UPLOAD and answer["message"]
        # Nobody watches an abandoned job: it may have expired by now.
        told = waits or State(answer["state"]).terminal
        if not (told and watch.request.course is Course.ABANDON):
            late = f"{answer['state']}: {answer['message']!r}"
            uploads = [key for key in snapshot.objects if key.startswith(f"uploads/{watch.job_id}/")]
            yield (
                f"{watch.job_id} was {watch.last.get('state')} when the time was over; later it is {late}. "
                f"It was submitted again {watch.resubmitted} times and its files were uploaded again "
                f"{watch.uploaded_again} times; its stored uploads are {sorted(uploads)}. "
                f"Its caller's course is {watch.request.course}"
            )


@invariant("expected end", "A job ends as its caller made it end, or because its three attempts failed.")
def ended_as_expected(snapshot: Snapshot) -> Iterator[str]:
    """Find jobs whose end does not follow from what their caller did, or from attempts that failed."""
    for watch in snapshot.watches:
        answer = snapshot.answers.get(watch.job_id)
        if answer is None or not State(answer["state"]).terminal:
            continue
        state, code = State(answer["state"]), (answer["error"] or {}).get("code")
        attempts_failed = state is State.FAILED and code in ATTEMPT_FAILED and answer["attempt"] == MAX_ATTEMPTS
        match watch.request.course:
            case Course.FINISH | Course.ASSET:
                fits = state is State.COMPLETED or attempts_failed
            case Course.CANCEL:
                fits = state in (State.COMPLETED, State.CANCELLED) or attempts_failed
            case Course.BROKEN_FILE:
                fits = state is State.FAILED and code == ErrorCode.UNSUPPORTED_MEDIA
            case Course.ABANDON:
                fits = state in (State.CANCELLED, State.EXPIRED)
        if not fits:
            yield f"{watch.job_id} ({watch.request.course}) ended as {state}, {code} in attempt {answer['attempt']}"


@invariant("results", "A completed job has one stored result; others have none; no intermediates are left.")
def results_stored(snapshot: Snapshot) -> Iterator[str]:
    """Find completed jobs without exactly one stored result, and ended jobs whose intermediates are left."""
    stored = set(snapshot.objects)
    for job_id, row in snapshot.rows.items():
        files = {file.key for file in row.result.files} if row.result is not None else set()
        results = {key for key in stored if key.startswith(f"results/{job_id}/")}
        if row.state is State.COMPLETED and not files:
            yield f"{job_id} is completed without a result"
        if row.ended and results != files:
            yield f"{job_id} is {row.state} with the results {sorted(files)}; stored are {sorted(results)}"
        if row.ended and (left := [key for key in stored if key.startswith(f"intermediates/{job_id}/")]):
            yield f"{job_id} is {row.state} and {len(left)} intermediates are left"


@invariant("statistics", "Every ended job is counted once, with its cost to the micro-dollar.")
def counted_once(snapshot: Snapshot) -> Iterator[str]:
    """Find kinds whose statistics do not have each ended job once, with its cost to the micro-dollar."""
    states: dict[str, Counter[str]] = {}
    costs: Counter[str] = Counter()
    for row in snapshot.rows.values():
        if row.ended:
            states.setdefault(row.kind, Counter())[row.state] += 1
            costs[row.kind] += round((row.cost_usd or 0) * MICROS)
    for kind in {*states, *snapshot.counted}:
        jobs, counted = states.get(kind, Counter()), Counter(snapshot.counted.get(kind, {}))
        if jobs != counted:
            yield f"{kind}: the jobs are {dict(jobs)}, counted are {dict(counted)}"
        if costs[kind] != snapshot.cost_micro_usd.get(kind, 0):
            yield f"{kind}: the jobs cost {costs[kind]} µ$, the statistics say {snapshot.cost_micro_usd.get(kind, 0)}"


@invariant("budgets", "A budget holds what its jobs cost to the micro-dollar; no reservation stays open.")
def settled(snapshot: Snapshot) -> Iterator[str]:
    """Find owners whose budget does not hold what their jobs cost: nothing reserved is left over."""
    charged: Counter[str] = Counter()
    owner_of = {watch.job_id: watch.request.owner for watch in snapshot.watches}
    for job_id, row in snapshot.rows.items():
        charged[owner_of.get(job_id, row.owner)] += charge(row)
    for owner in {*charged, *snapshot.budget_micro_usd}:
        held = snapshot.budget_micro_usd.get(owner, 0)
        if charged[owner] != held:
            yield f"{owner}: the jobs are charged {charged[owner]} µ$, the budget holds {held}"


def charge(row: JobRecord) -> int:
    """Return what a job takes of its owner's budget, in micro-dollars.

    That is its cost, and at least its estimate if nobody reported what it took: it was cancelled after its start, or
    its last attempt was lost. A cancelled attempt also costs the time that it had run. An open job holds its estimate.
    """
    estimate = row.reserved_usd or 0
    if not row.ended:
        return round(estimate * MICROS)
    cost = row.cost_usd or 0
    started = row.started_at is not None
    if row.state is State.CANCELLED and row.started_at is not None:
        seconds = min(max(row.updated_at.timestamp() - row.started_at, 0), MAX_ATTEMPT_SECONDS)
        cost += seconds * USD_PER_HOUR / 3600
    unreported = (
        started or row.waking_since is not None
        if row.state is State.CANCELLED
        else started and row.error is not None and row.error.code in LOST
    )
    return round(max(cost, estimate if unreported else 0) * MICROS)


@invariant("objects", "Every stored object belongs to a job or to an asset.")
def owned_objects(snapshot: Snapshot) -> Iterator[str]:
    """Find objects that belong to no job and no asset."""
    for key in snapshot.objects:
        job = JOB_OF_KEY.fullmatch(key) or JOB_OF_OUTCOME.fullmatch(key)
        asset = ASSET_OF_KEY.fullmatch(key)
        if not (job and job[1] in snapshot.rows) and not (asset and asset[1] in snapshot.assets):
            yield f"{key} belongs to nobody"


@invariant("answers", "What a caller was told stays true: seq and progress never fall, and an end is final.")
def consistent_answers(snapshot: Snapshot) -> Iterator[str]:
    """Find callers who were told something that was taken back later."""
    for watch in snapshot.watches:
        yield from (f"{watch.job_id}: {contradiction}" for contradiction in watch.contradictions)
        answer = snapshot.answers.get(watch.job_id)
        if answer is not None and watch.ended and answer["state"] != watch.last["state"]:
            yield f"{watch.job_id} is {answer['state']}, and its caller was told {watch.last['state']}"


@invariant("dead letters", "A job that failed after its last attempt has a dead letter, and no other has one.")
def deserved_dead_letters(snapshot: Snapshot) -> Iterator[str]:
    """Find dead letters without a job that failed after its last attempt, and such jobs without a dead letter."""
    failed = {
        job_id
        for job_id, row in snapshot.rows.items()
        if row.state is State.FAILED and row.error is not None and row.error.retryable
    }
    letters = {str(letter.get("job_id")) for letter in snapshot.dead_letters}
    yield from (f"a dead letter of {job_id}, which did not fail for it" for job_id in letters - failed)
    yield from (f"{job_id} failed after its last attempt without a dead letter" for job_id in failed - letters)


@invariant("events", "Every function takes each of its events twice more, late and in any order.")
def repeatable_events(snapshot: Snapshot) -> Iterator[str]:
    """Find events that a function did not take once more."""
    yield from snapshot.refused


@invariant("processes", "After `down`, no process of the stack is left.")
def no_processes(snapshot: Snapshot) -> Iterator[str]:
    """Find processes that run on although the stack was stopped."""
    yield from (f"{process} still runs" for process in snapshot.processes)


def violations(snapshot: Snapshot) -> dict[str, list[str]]:
    """Return the violations of each invariant, in the order of ``INVARIANTS``."""
    return {name: list(invariant.violations(snapshot)) for name, invariant in INVARIANTS.items()}
