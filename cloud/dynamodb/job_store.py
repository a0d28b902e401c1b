"""Job store: writes to the jobs table, one conditional write per change.

Events may arrive twice, late or out of order; the first valid one wins. ``seq`` grows by one with each change. Terminal
states never change.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.job_record import SHARDS, JobRecord, timestamp
from cloud.dynamodb.job_table import JobTable
from darkroom.contract.errors import ErrorDetail
from darkroom.contract.jobs import State, states_before
from darkroom.contract.results import PreviewPicture, Result, StageTime
from darkroom.contract.uploads import MediaType

__all__ = [
    "ATTEMPT_STATES",
    "SHARDS",
    "UNFINISHED",
    "AlreadyExists",
    "InspectedUpload",
    "JobRecord",
    "JobStore",
    "StaleAttempt",
]

UNFINISHED = frozenset(state for state in State if not state.terminal)
# The states in which an attempt may update its job.
ATTEMPT_STATES = frozenset({State.DISPATCHED, State.RUNNING})

# Message of a dispatched job without a wait estimate.
WAITING_MESSAGE = "Waiting for a machine"
QUEUED_MESSAGE = "In the queue"
CACHED_MESSAGE = "Done: the same job was made before"


class AlreadyExists(Exception):
    """Raised when a job with this id exists."""


class StaleAttempt(Exception):
    """Raised when the job has ended, or another attempt has it."""


@dataclass(frozen=True)
class InspectedUpload:
    """Result of an upload's inspection. ``sha256`` (hex) is None unless it had to be computed.

    ``width`` and ``height`` are pixels as stored; None for audio.
    """

    content_type: MediaType
    width: int | None
    height: int | None
    size: int
    sha256: str | None = None


class JobStore(JobTable):
    """The jobs table with write access.

    Transitions return the new record, or None if the job does not exist or its state does not allow them. That is
    normal for events that are duplicate, late or overtaken.
    """

    def create(self, record: JobRecord) -> JobRecord:
        """Put a new job. Raises ``AlreadyExists`` when its id is taken."""
        try:
            self._client.put_item(
                TableName=self._table, Item=record.to_item(), ConditionExpression="attribute_not_exists(job_id)"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                raise AlreadyExists(record.job_id) from error
            raise
        return record

    # Called by the container.

    def start(self, job_id: str, attempt: int, *, message: str) -> JobRecord:
        """``dispatched → running``; return the job. Idempotent. Raises ``StaleAttempt``."""
        update = self._conditional_update(ATTEMPT_STATES, attempt)
        update.set({"state": State.RUNNING, "message": message})
        update.set_if_absent("started_at", time.time())
        record = self._apply(job_id, update)
        if record is None:
            raise StaleAttempt(job_id)
        return record

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
            update.set({"state": State.RUNNING, "stage": stage, "message": message, "timeline": _times(timeline)})
            if preview is not None:
                update.set({"preview": preview.model_dump(mode="json", exclude={"url"})})
            if with_progress:
                update.set({"progress": progress})
                update.require("progress", "<=", progress)
            if self._apply(job_id, update) is not None:
                return
        raise StaleAttempt(job_id)

    # Called by the functions.

    def receive_single_upload(
        self, job_id: str, role: str, received: InspectedUpload, *, due_at: float
    ) -> JobRecord | None:
        """``awaiting_upload → queued`` in one write, for a job with a single upload that is as declared.

        Returns None also if the job needs more uploads, declared something else, or uses the result cache: read it with
        ``get`` to find out.
        """
        update = self._conditional_update({State.AWAITING_UPLOAD})
        update.set(_received(role, received) | _queued(due_at))
        update.require_equal_if_present("use_cache", False)
        update.require_size("uploads", 1)
        update.require(f"uploads.{role}.content_type", "=", received.content_type)
        update.require_equal_if_present(f"uploads.{role}.size", received.size)
        if received.sha256 is None:
            update.require_absent(f"uploads.{role}.sha256")
        else:
            update.require_equal_if_present(f"uploads.{role}.sha256", received.sha256)
        return self._apply(job_id, update)

    def receive_upload(self, job_id: str, role: str, received: InspectedUpload) -> JobRecord | None:
        """Mark one of several uploads as received."""
        update = self._conditional_update({State.AWAITING_UPLOAD})
        update.set(_received(role, received))
        update.require(f"uploads.{role}.received", "=", False)
        return self._apply(job_id, update)

    def complete_from_cache(self, job_id: str, result: Result, *, expires_at: int) -> JobRecord | None:
        """``awaiting_upload → completed`` with a cached result, once every upload is received."""
        update = self._conditional_update({State.AWAITING_UPLOAD})
        update.set(
            {"state": State.COMPLETED, "progress": 1.0, "message": CACHED_MESSAGE, "cached": True, "cost_usd": 0.0}
        )
        update.set({"result": result.model_dump(mode="json", exclude_none=True), "expires_at": expires_at})
        return self._end(job_id, update)

    def queue(self, job_id: str, *, due_at: float) -> JobRecord | None:
        """``awaiting_upload → queued``, once every upload is received."""
        update = self._conditional_update({State.AWAITING_UPLOAD})
        update.set(_queued(due_at))
        return self._apply(job_id, update)

    def dispatch(
        self,
        job_id: str,
        attempt: int,
        *,
        due_at: float,
        message: str = WAITING_MESSAGE,
        waking_since: float | None = None,
    ) -> JobRecord | None:
        """``queued → dispatched``, starting ``attempt`` (the first is 1)."""
        update = self._conditional_update({State.QUEUED}, attempt - 1)
        update.set({"state": State.DISPATCHED, "attempt": attempt, "due_at": due_at, "message": message})
        update.remove(["started_at"])
        if waking_since is None:
            update.remove(["waking_since"])
        else:
            update.set({"waking_since": waking_since})
        return self._apply(job_id, update)

    def requeue(
        self, job_id: str, attempt: int, *, due_at: float, message: str, cost_usd: float | None = None
    ) -> JobRecord | None:
        """``dispatched or running → queued``, after ``attempt`` failed (at this cost, if known)."""
        update = self._conditional_update(ATTEMPT_STATES, attempt)
        update.set(_queued(due_at) | {"message": message})
        update.remove(["stage", "preview"])
        _charge(update, cost_usd)
        return self._apply(job_id, update)

    def complete(
        self, job_id: str, attempt: int, *, result: Result, timeline: Sequence[StageTime], cost_usd: float
    ) -> JobRecord | None:
        """``dispatched or running → completed``. The job's cost includes earlier attempts."""
        update = self._conditional_update(ATTEMPT_STATES, attempt)
        update.set({"state": State.COMPLETED, "progress": 1.0, "message": "Done"})
        _charge(update, cost_usd)
        update.set({"result": result.model_dump(mode="json", exclude_none=True), "timeline": _times(timeline)})
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
        update.set(_ended(State.FAILED, error))
        if timeline:
            update.set({"timeline": _times(timeline)})
        _charge(update, cost_usd)
        return self._end(job_id, update)

    def cancel(self, job_id: str, owner: str, error: ErrorDetail) -> JobRecord | None:
        """Any unfinished state of a job of ``owner`` → ``cancelled``."""
        update = self._conditional_update(states_before(State.CANCELLED))
        update.set(_ended(State.CANCELLED, error))
        update.require("owner", "=", owner)
        return self._end(job_id, update)

    def expire(self, job_id: str, error: ErrorDetail, *, now: float) -> JobRecord | None:
        """``awaiting_upload → expired``, unless the deadline has been extended beyond ``now`` (epoch seconds)."""
        update = self._conditional_update({State.AWAITING_UPLOAD})
        update.set(_ended(State.EXPIRED, error))
        update.require("due_at", "<=", now)
        return self._end(job_id, update)

    def postpone(self, job_id: str, state: State, *, due_at: float) -> JobRecord | None:
        """Postpone sweep's check of a job still in ``state``. The public job does not change, so ``seq`` stays."""
        update = self._conditional_update({state})
        update.set({"due_at": due_at})
        return self._write(job_id, update)

    @staticmethod
    def _conditional_update(states: Collection[State], attempt: int | None = None) -> ConditionalUpdate:
        """Return an update conditional on ``states`` and, if given, ``attempt``."""
        update = ConditionalUpdate()
        update.require_one_of("state", states)
        if attempt is not None:
            update.require("attempt", "=", attempt)
        return update

    def _apply(self, job_id: str, update: ConditionalUpdate) -> JobRecord | None:
        """Write a change of the public job."""
        update.set({"updated_at": timestamp(datetime.now(UTC))})
        update.add("seq", 1)
        return self._write(job_id, update)

    def _end(self, job_id: str, update: ConditionalUpdate) -> JobRecord | None:
        """Write the last change, and remove the job from the index of due jobs."""
        update.remove(["due_shard", "due_at", "preview"])
        return self._apply(job_id, update)

    def _write(self, job_id: str, update: ConditionalUpdate) -> JobRecord | None:
        try:
            response = self._client.update_item(
                TableName=self._table, Key=self._key(job_id), ReturnValues="ALL_NEW", **update.arguments()
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise
        return JobRecord.from_item(response["Attributes"])


def _received(role: str, received: InspectedUpload) -> dict[str, Any]:
    status: dict[str, Any] = {"received": True, "size": received.size}
    status |= {"width": received.width, "height": received.height, "sha256": received.sha256}
    return {f"uploads.{role}.{name}": value for name, value in status.items() if value is not None}


def _charge(update: ConditionalUpdate, cost_usd: float | None) -> None:
    """Add an attempt's cost to that of earlier ones."""
    if cost_usd is not None:
        update.add("cost_usd", cost_usd)


def _queued(due_at: float) -> dict[str, Any]:
    return {"state": State.QUEUED, "message": QUEUED_MESSAGE, "due_at": due_at}


def _ended(state: State, error: ErrorDetail) -> dict[str, Any]:
    return {"state": state, "message": error.message, "error": error.model_dump(mode="json")}


def _times(timeline: Sequence[StageTime]) -> list[dict[str, Any]]:
    return [entry.model_dump(mode="json") for entry in timeline]
