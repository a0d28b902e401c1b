"""Job store under any sequence of events against one job, by a state machine."""

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cloud.dynamodb.job_store import (
    ATTEMPT_STATES,
    UNFINISHED,
    JobRecord,
    JobStore,
    StaleAttempt,
)
from darkroom.contract.jobs import MAX_ATTEMPTS, TRANSITIONS
from tests.handlers.stored_jobs import ERROR, PHOTO, RESULT, is_due


class JobLifecycle(RuleBasedStateMachine):
    """State machine that applies events to one job in any order, and checks its transitions."""

    store: JobStore
    make: Callable[..., JobRecord]
    attempts = st.integers(1, MAX_ATTEMPTS)

    @initialize(roles=st.sampled_from([("photo",), ("source", "target")]))
    def create_job(self, roles: tuple[str, ...]) -> None:
        uploads = {role: {"content_type": "image/jpeg"} for role in roles}
        self.roles = roles
        self.before = self.now = self.store.create(self.make(uploads=uploads))

    def apply(self, event: Callable[[], object]) -> None:
        self.before = self.now
        try:
            answer = event()
        except StaleAttempt:
            answer = None
        now = self.store.get(self.now.job_id)
        assert now is not None
        self.now = now
        if isinstance(answer, JobRecord):
            assert answer == now

    @rule()
    def receive_all_at_once(self) -> None:
        self.apply(lambda: self.store.receive_single_upload(self.now.job_id, self.roles[0], PHOTO, due_at=1.0)[0])

    @rule(which=st.integers(0, 1))
    def receive(self, which: int) -> None:
        self.apply(lambda: self.store.receive_upload(self.now.job_id, self.roles[which % len(self.roles)], PHOTO))

    @rule()
    def queue(self) -> None:
        self.apply(lambda: self.store.queue(self.now.job_id, due_at=2.0))

    @rule(which=st.integers(0, 1))
    def receive_last(self, which: int) -> None:
        received = {self.roles[which % len(self.roles)]: PHOTO}
        self.apply(lambda: self.store.queue(self.now.job_id, due_at=2.0, received=received))

    @precondition(lambda self: self.now.seq > 1)
    @rule()
    def complete_from_cache(self) -> None:
        self.apply(lambda: self.store.complete_from_cache(self.now.job_id, RESULT, expires_at=self.now.expires_at))

    @rule(attempt=attempts)
    def dispatch(self, attempt: int) -> None:
        self.apply(lambda: self.store.dispatch(self.now.job_id, attempt, due_at=3.0))

    @rule(attempt=attempts)
    def start(self, attempt: int) -> None:
        self.apply(lambda: self.store.start(self.now.job_id, attempt, message="Loading"))

    @rule(attempt=attempts, progress=st.floats(0, 1))
    def report(self, attempt: int, progress: float) -> None:
        self.apply(
            lambda: self.store.report(
                self.now.job_id, attempt, progress=progress, stage="paint", message="Painting", timeline=[]
            )
        )

    @rule(attempt=attempts)
    def requeue(self, attempt: int) -> None:
        self.apply(lambda: self.store.requeue(self.now.job_id, attempt, due_at=4.0, message="Again"))

    @precondition(lambda self: self.now.attempt > 0)
    @rule(attempt=attempts)
    def complete(self, attempt: int) -> None:
        self.apply(lambda: self.store.complete(self.now.job_id, attempt, result=RESULT, timeline=[], cost_usd=0.1))

    @precondition(lambda self: self.now.attempt > 0)
    @rule(attempt=attempts)
    def fail(self, attempt: int) -> None:
        self.apply(lambda: self.store.fail(self.now.job_id, ERROR, allowed=ATTEMPT_STATES, attempt=attempt))

    @precondition(lambda self: self.now.seq > 6)
    @rule()
    def cancel(self) -> None:
        self.apply(lambda: self.store.cancel(self.now.job_id, "owner-1", ERROR))

    @precondition(lambda self: self.now.seq > 1)
    @rule()
    def expire(self) -> None:
        self.apply(lambda: self.store.expire(self.now.job_id, ERROR, now=9e9))

    @invariant()
    def only_allowed_transitions(self) -> None:
        before, now = self.before, self.now
        assert now.state is before.state or now.state in TRANSITIONS[before.state]
        assert before == now or not before.state.terminal

    @invariant()
    def nothing_decreases(self) -> None:
        before, now = self.before, self.now
        assert now.progress >= before.progress
        assert now.attempt >= before.attempt
        assert now.seq == before.seq + (now != before)

    @invariant()
    def it_is_due_until_its_end(self) -> None:
        assert (self.now.due_at is not None) == (self.now.state in UNFINISHED)
        assert is_due(self.store, self.now.job_id) == (self.now.state in UNFINISHED)


def test_any_sequence_of_events_keeps_the_invariants(store: JobStore, record: Callable[..., JobRecord]) -> None:
    machine = type("BoundJobLifecycle", (JobLifecycle,), {"store": store, "make": staticmethod(record)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
