"""Job store: writes to the jobs table, one conditional write per change.

Events may arrive twice, late or out of order; the first valid one wins. ``seq`` grows by one with each change. Terminal
states never change.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from cloud.dynamodb import job_changes
from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.job_changes import CACHED_MESSAGE, WAITING_MESSAGE, InspectedUpload
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_writer import JobWriter
from cloud.dynamodb.lenient_item import UnreadableItem
from cloud.dynamodb.transaction import ConditionFailed, TransactionItem, put_together
from cloud.lane import Lane
from darkroom.contract.errors import ErrorDetail
from darkroom.contract.jobs import State, states_before
from darkroom.contract.results import PreviewPicture, Result, StageTime

__all__ = [
    "ATTEMPT_STATES",
    "UNFINISHED",
    "WAITING_MESSAGE",
    "AlreadyExists",
    "InspectedUpload",
    "JobRecord",
    "JobStore",
    "StaleAttempt",
]

UNFINISHED = frozenset(state for state in State if not state.terminal)
# The states in which an attempt may update its job.
ATTEMPT_STATES = frozenset({State.DISPATCHED, State.RUNNING})
IS_NEW = "attribute_not_exists(job_id)"


class AlreadyExists(Exception):
    """Raised when a job with this id exists."""


class StaleAttempt(Exception):
    """Raised when the job has ended, or another attempt has it."""


class JobStore(JobWriter):
    """The jobs table with write access.

    Transitions return the new record, or None if the job does not exist or its state does not allow them. That is
    normal for events that are duplicate, late or overtaken.
    """

    def create(self, record: JobRecord, *, together_with: Sequence[TransactionItem] = ()) -> JobRecord:
        """Put a new job in one transaction with other writes. Raises ``AlreadyExists`` or their ``ConditionFailed``."""
        put = {"TableName": self._table, "Item": record.to_item(), "ConditionExpression": IS_NEW}
        try:
            put_together(self._client, put, together_with)
        except ConditionFailed as error:
            if 0 in error.positions:
                raise AlreadyExists(record.job_id) from error
            raise
        return record

    # Called by the container.

    def start(
        self, job_id: str, attempt: int, *, message: str, stage: str | None = None, due_at: float | None = None
    ) -> JobRecord:
        """``dispatched → running``; return it. An earlier ``due_at`` stays. Idempotent. Raises ``StaleAttempt``."""
        for with_due_at in (True, False) if due_at is not None else (False,):
            update = self._conditional_update(ATTEMPT_STATES, attempt)
            update.set({"state": State.RUNNING, "message": message} | ({"stage": stage} if stage else {}))
            update.set_if_absent("started_at", time.time())
            if with_due_at:
                update.set({"due_at": due_at})
                update.require("due_at", ">", due_at)
            record = self._apply(job_id, update)
            if record is not None:
                return record
        raise StaleAttempt(job_id)

    def report(
        self,
        job_id: str,
        attempt: int,
        *,
        progress: float,
        stage: str | None,
        message: str,
        timeline: Sequence[StageTime],
        preview: PreviewPicture | None = None,
    ) -> None:
        """Report the progress of a running attempt; without a ``preview``, the last one stays. Raises ``StaleAttempt``.

        A ``progress`` below an earlier one is ignored.
        """
        for with_progress in (True, False):
            update = self._conditional_update(ATTEMPT_STATES, attempt)
            update.set({"state": State.RUNNING, "stage": stage, "message": message})
            update.set({"timeline": job_changes.times(timeline)})
            if preview is not None:
                update.set({"preview": preview.model_dump(mode="json", exclude={"url"}, exclude_defaults=True)})
            if with_progress:
                update.set({"progress": progress})
                update.require("progress", "<=", progress)
            if self._apply(job_id, update) is not None:
                return
        raise StaleAttempt(job_id)

    # Called by the functions.

    def receive_single_upload(
        self, job_id: str, role: str, received: InspectedUpload, *, due_at: float
    ) -> tuple[JobRecord | None, bool]:
        """``awaiting_upload → queued`` in one write, for a job with a single upload that is as declared.

        Return the job, and True if it was written. It is not if it needs more uploads, declared something else, uses
        the result cache or has another state. The job is None if it does not exist.
        """
        update = self._conditional_update({State.AWAITING_UPLOAD})
        update.set(job_changes.received(role, received) | job_changes.queued(due_at))
        update.require_equal_if_present("use_cache", False)
        update.require_size("uploads", 1)
        update.require(f"uploads.{role}.content_type", "=", received.content_type)
        update.require_equal_if_present(f"uploads.{role}.size", received.size)
        if received.sha256 is None:
            update.require_absent(f"uploads.{role}.sha256")
        else:
            update.require_equal_if_present(f"uploads.{role}.sha256", received.sha256)
        return self._apply_or_read(job_id, update)

    def receive_upload(self, job_id: str, role: str, received: InspectedUpload) -> JobRecord | None:
        """Mark one of several uploads as received."""
        return self._apply(job_id, self._receiving({role: received}))

    def complete_from_cache(
        self, job_id: str, result: Result, *, expires_at: int, received: Mapping[str, InspectedUpload] | None = None
    ) -> JobRecord | None:
        """``awaiting_upload → completed`` with a cached result. ``received`` are the last of its uploads, by role."""
        update = self._receiving(received or {})
        update.set(job_changes.completed(result, CACHED_MESSAGE))
        update.set({"cached": True, "cost_usd": 0.0, "expires_at": expires_at})
        return self._end(job_id, update)

    def queue(
        self, job_id: str, *, due_at: float, received: Mapping[str, InspectedUpload] | None = None
    ) -> JobRecord | None:
        """``awaiting_upload → queued``. ``received`` are the last of its uploads, by role."""
        update = self._receiving(received or {})
        update.set(job_changes.queued(due_at))
        return self._apply(job_id, update)

    def dispatch(
        self,
        job_id: str,
        attempt: int,
        *,
        due_at: float,
        message: str = WAITING_MESSAGE,
        waking_since: float | None = None,
        endpoint: str | None = None,
        lane: Lane | None = None,
    ) -> JobRecord | None:
        """``queued → dispatched``, starting ``attempt`` (the first is 1) at the endpoint of a name, or on a lane."""
        update = self._conditional_update({State.QUEUED}, attempt - 1)
        update.set({"state": State.DISPATCHED, "attempt": attempt, "due_at": due_at, "message": message})
        update.set_or_remove({"started_at": None, "waking_since": waking_since, "endpoint": endpoint, "lane": lane})
        return self._apply(job_id, update)

    def report_wait(self, job_id: str, attempt: int, message: str) -> JobRecord | None:
        """Change the message of a job that is still ``dispatched``."""
        update = self._conditional_update({State.DISPATCHED}, attempt)
        update.set({"message": message})
        return self._apply(job_id, update)

    def requeue(
        self, job_id: str, attempt: int, *, due_at: float, message: str, cost_usd: float | None = None
    ) -> JobRecord | None:
        """``dispatched or running → queued``, after ``attempt`` failed; without a cost, it never ran."""
        update = self._conditional_update(ATTEMPT_STATES, attempt)
        update.set(job_changes.queued(due_at) | {"message": message})
        update.remove(["stage", "preview", "started_at", *([] if cost_usd is not None else ["waking_since"])])
        job_changes.charge(update, cost_usd)
        return self._apply(job_id, update)

    def defer(
        self, job_id: str, attempt: int, refusals: int, *, due_at: float, now: float, message: str
    ) -> JobRecord | None:
        """``dispatched or running → queued``: ``attempt`` was refused before it ran, and does not count.

        ``refusals`` is the number of earlier refusals that the invocation was sent with. It tells a late duplicate.
        """
        update = self._conditional_update(ATTEMPT_STATES, attempt)
        if refusals:
            update.require("refusals", "=", refusals)
        else:
            update.require_equal_if_present("refusals", 0)
        update.set(job_changes.queued(due_at) | {"message": message, "attempt": attempt - 1, "refusals": refusals + 1})
        update.set_if_absent("refused_since", now)
        update.remove(["stage", "preview", "started_at", "waking_since"])
        return self._apply(job_id, update)

    def complete(
        self, job_id: str, attempt: int, *, result: Result, timeline: Sequence[StageTime], cost_usd: float
    ) -> JobRecord | None:
        """``dispatched or running → completed``. The job's cost includes earlier attempts."""
        update = self._conditional_update(ATTEMPT_STATES, attempt)
        update.set(job_changes.completed(result, "Done") | {"timeline": job_changes.times(timeline)})
        job_changes.charge(update, cost_usd)
        update.remove(["stage"])
        return self._end(job_id, update)

    def fail(
        self,
        job_id: str,
        error: ErrorDetail,
        *,
        allowed: Collection[State],
        attempt: int | None = None,
        timeline: Sequence[StageTime] = (),
        cost_usd: float | None = None,
    ) -> JobRecord | None:
        """``allowed → failed``, only for ``attempt``, if given. The job's cost includes earlier attempts."""
        update = self._conditional_update(states_before(State.FAILED) & set(allowed), attempt)
        update.set(job_changes.ended(State.FAILED, error))
        update.remove([] if ATTEMPT_STATES & set(allowed) else ["started_at"])  # no attempt of it is running
        if timeline:
            update.set({"timeline": job_changes.times(timeline)})
        job_changes.charge(update, cost_usd)
        return self._end(job_id, update)

    def cancel(self, job_id: str, owner: str, error: ErrorDetail) -> JobRecord | None:
        """Any unfinished state of a job of ``owner`` → ``cancelled``, also a state of a newer version."""
        cancelled = self._cancel(job_id, owner, error, states_before(State.CANCELLED))
        if cancelled is not None:
            return cancelled
        record = self.get(job_id)
        if record is None or record.owner != owner or record.state.known or record.ended:
            return None
        return self._cancel(job_id, owner, error, {record.state})

    def _cancel(self, job_id: str, owner: str, error: ErrorDetail, states: Collection[State]) -> JobRecord | None:
        update = self._conditional_update(states)
        update.set(job_changes.ended(State.CANCELLED, error))
        update.require("owner", "=", owner)
        return self._end(job_id, update)

    def expire(self, job_id: str, error: ErrorDetail, *, now: float) -> JobRecord | None:
        """``awaiting_upload → expired``, unless the deadline has been extended beyond ``now`` (epoch seconds)."""
        update = self._conditional_update({State.AWAITING_UPLOAD})
        update.set(job_changes.ended(State.EXPIRED, error))
        update.require("due_at", "<=", now)
        return self._end(job_id, update)

    def postpone(self, job_id: str, state: State, *, due_at: float) -> JobRecord | None:
        """Postpone sweep's check of a job still in ``state``. The public job does not change, so ``seq`` stays."""
        update = self._conditional_update({state})
        update.set({"due_at": due_at})
        return self._write(job_id, update)

    def postpone_unreadable(self, job_id: str, *, now: float, due_at: float) -> None:
        """Postpone sweep's check of a job that cannot be read, if it is due at ``now`` (epoch seconds)."""
        update = ConditionalUpdate()
        update.set({"due_at": due_at})
        update.require("due_at", "<=", now)
        with suppress(UnreadableItem):
            self._write(job_id, update)

    def _receiving(self, received: Mapping[str, InspectedUpload]) -> ConditionalUpdate:
        """Return an update that marks uploads as received, on the condition that they are awaited."""
        update = self._conditional_update({State.AWAITING_UPLOAD})
        for role, upload in received.items():
            update.set(job_changes.received(role, upload))
            update.require(f"uploads.{role}.received", "=", False)
        return update
