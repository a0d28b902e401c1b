"""The jobs table: every change of a job is one conditional write, so that any event may come twice, late or out of
order and the first one to be right wins. ``seq`` grows by one with each change; terminal states never change.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from handlers import clients
from handlers.attributes import to_attribute, to_item
from handlers.record import SHARDS, JobRecord, timestamp
from handlers.update import Update
from pipeline.errors import ErrorDetail
from pipeline.jobs import ContentType, PreviewPicture, Result, StageTime, State, sources

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["OWN", "SHARDS", "UNFINISHED", "AlreadyExists", "JobRecord", "JobStore", "Lost", "Received"]

UNFINISHED = frozenset(state for state in State if not state.terminal)
# The states in which an attempt may speak for the job.
OWN = frozenset({State.DISPATCHED, State.RUNNING})

# How far one listing reads through an owner's jobs in search of those that match.
FILTERED_ROWS = 500
FILTERED_PAGES = 4

# What a dispatched job waits for when nothing more is known.
WAITING = "Waiting for a machine"


class AlreadyExists(Exception):
    """A job with this id is there already."""


class Lost(Exception):
    """The job is no longer this attempt's: it has ended, or another attempt has it."""


@dataclass(frozen=True)
class Received:
    """What an upload turned out to be. ``sha256`` (hex) is None as long as nobody had to compute it."""

    content_type: ContentType
    width: int
    height: int
    size: int
    sha256: str | None = None


class JobStore:
    """The jobs table named ``table``. Safe to share between threads.

    Transitions return the new record, or None when the job is not there or not in a state that allows them: an
    event seen twice, too late, or overtaken by another.
    """

    def __init__(self, table: str, client: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._client = client or clients.dynamodb()

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

    def get(self, job_id: str) -> JobRecord | None:
        """The job as it stands now (a consistent read), or None."""
        answer = self._client.get_item(TableName=self._table, Key=self._key(job_id), ConsistentRead=True)
        return JobRecord.from_item(answer["Item"]) if "Item" in answer else None

    # What the container says.

    def start(self, job_id: str, attempt: int, *, message: str) -> JobRecord:
        """``dispatched → running``; the job as it is now. Being started again is nothing new. Raises ``Lost``."""
        update = self._by(OWN, attempt)
        update.set({"state": State.RUNNING, "message": message})
        update.set_if_absent("started_at", time.time())
        record = self._apply(job_id, update)
        if record is None:
            raise Lost(job_id)
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
        """How far a running attempt is; without a ``preview``, the last one stays. Raises ``Lost``.

        A ``progress`` below an earlier one is not taken over.
        """
        for ahead in (True, False):
            update = self._by(OWN, attempt)
            update.set({"state": State.RUNNING, "stage": stage, "message": message, "timeline": _times(timeline)})
            if preview is not None:
                update.set({"preview": preview.model_dump(mode="json", exclude={"url"})})
            if ahead:
                update.set({"progress": progress})
                update.require("progress", "<=", progress)
            if self._apply(job_id, update) is not None:
                return
        raise Lost(job_id)

    # What the functions decide.

    def receive_only(self, job_id: str, role: str, received: Received, *, due_at: float) -> JobRecord | None:
        """One write for a job that waits for this picture alone, as declared: received, ``awaiting_upload → queued``.

        None also when the job needs more pictures or declared something else: ask ``get`` what it is.
        """
        update = self._by({State.AWAITING_UPLOAD})
        update.set(_received(role, received) | _queued(due_at))
        update.require_size("uploads", 1)
        update.require(f"uploads.{role}.content_type", "=", received.content_type)
        update.require_equal_if_there(f"uploads.{role}.size", received.size)
        if received.sha256 is None:
            update.require_absent(f"uploads.{role}.sha256")
        else:
            update.require_equal_if_there(f"uploads.{role}.sha256", received.sha256)
        return self._apply(job_id, update)

    def receive(self, job_id: str, role: str, received: Received) -> JobRecord | None:
        """One of several pictures is there."""
        update = self._by({State.AWAITING_UPLOAD})
        update.set(_received(role, received))
        update.require(f"uploads.{role}.received", "=", False)
        return self._apply(job_id, update)

    def queue(self, job_id: str, *, due_at: float) -> JobRecord | None:
        """``awaiting_upload → queued``: every picture is there."""
        update = self._by({State.AWAITING_UPLOAD})
        update.set(_queued(due_at))
        return self._apply(job_id, update)

    def dispatch(
        self,
        job_id: str,
        attempt: int,
        *,
        due_at: float,
        message: str = WAITING,
        waking_since: float | None = None,
    ) -> JobRecord | None:
        """``queued → dispatched``, beginning ``attempt`` (1 is the first)."""
        update = self._by({State.QUEUED}, attempt - 1)
        update.set({"state": State.DISPATCHED, "attempt": attempt, "due_at": due_at, "message": message})
        update.remove(["started_at"])
        if waking_since is None:
            update.remove(["waking_since"])
        else:
            update.set({"waking_since": waking_since})
        return self._apply(job_id, update)

    def requeue(self, job_id: str, attempt: int, *, due_at: float, message: str) -> JobRecord | None:
        """``dispatched or running → queued``: ``attempt`` came to nothing, another follows."""
        update = self._by(OWN, attempt)
        update.set(_queued(due_at) | {"message": message})
        update.remove(["stage", "preview"])
        return self._apply(job_id, update)

    def complete(
        self, job_id: str, attempt: int, *, result: Result, timeline: Sequence[StageTime], cost_usd: float
    ) -> JobRecord | None:
        """``dispatched or running → completed``."""
        update = self._by(OWN, attempt)
        update.set({"state": State.COMPLETED, "progress": 1.0, "message": "Done", "cost_usd": cost_usd})
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
        """From one of ``allowed`` (and, when given, from ``attempt`` alone) to ``failed``."""
        update = self._by(sources(State.FAILED) & set(allowed), attempt)
        update.set(_ended(State.FAILED, error))
        if timeline:
            update.set({"timeline": _times(timeline)})
        if cost_usd is not None:
            update.set({"cost_usd": cost_usd})
        return self._end(job_id, update)

    def cancel(self, job_id: str, owner: str, error: ErrorDetail) -> JobRecord | None:
        """Any unfinished state of a job of ``owner`` to ``cancelled``."""
        update = self._by(sources(State.CANCELLED))
        update.set(_ended(State.CANCELLED, error))
        update.require("owner", "=", owner)
        return self._end(job_id, update)

    def expire(self, job_id: str, error: ErrorDetail, *, now: float) -> JobRecord | None:
        """``awaiting_upload → expired``, unless the uploads were given time beyond ``now`` (epoch seconds) since."""
        update = self._by({State.AWAITING_UPLOAD})
        update.set(_ended(State.EXPIRED, error))
        update.require("due_at", "<=", now)
        return self._end(job_id, update)

    def postpone(self, job_id: str, state: State, *, due_at: float) -> JobRecord | None:
        """Have sweep look later at a job still in ``state``. Nothing its owner sees changes, so ``seq`` stays."""
        update = self._by({state})
        update.set({"due_at": due_at})
        return self._write(job_id, update)

    # What is looked up.

    def page(
        self,
        owner: str,
        *,
        limit: int,
        state: State | None = None,
        kind: str | None = None,
        after: tuple[str, str] | None = None,
    ) -> tuple[list[JobRecord], tuple[str, str] | None]:
        """Jobs of ``owner``, newest first, at most ``limit``; and where to go on (``after``), None at the end.

        There may be fewer, or none, before the end: the search for a rare ``state`` or ``kind`` stops now and then.
        ``after`` is (created_at as stored, job_id) of the last job seen.
        """
        names = {"#owner": "owner"}
        values: dict[str, Any] = {":owner": owner}
        filters = []
        for name, wanted in (("state", state), ("kind", kind)):
            if wanted is not None:
                names[f"#{name}"] = name
                values[f":{name}"] = wanted
                filters.append(f"#{name} = :{name}")
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": "by_owner",
            "KeyConditionExpression": "#owner = :owner",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_item(values),
            "ScanIndexForward": False,
            "Limit": FILTERED_ROWS if filters else limit,
        }
        if filters:
            query["FilterExpression"] = " AND ".join(filters)
        start = after
        found: list[tuple[str, str]] = []
        for _ in range(FILTERED_PAGES if filters else 1):
            if start is not None:
                created_at, job_id = start
                query["ExclusiveStartKey"] = to_item({"owner": owner, "created_at": created_at, "job_id": job_id})
            page = self._client.query(**query)
            found += [(row["created_at"]["S"], row["job_id"]["S"]) for row in page["Items"]]
            last = page.get("LastEvaluatedKey")
            start = (last["created_at"]["S"], last["job_id"]["S"]) if last else None
            if len(found) >= limit or start is None:
                break
        more = found[limit - 1] if len(found) > limit else start
        records = self._get_all([job_id for _, job_id in found[:limit]])
        # The index is a moment behind the table.
        return [record for record in records if state is None or record.state is state], more

    def due(self, shard: str, now: float, *, limit: int) -> list[str]:
        """Ids of unfinished jobs of one of ``SHARDS`` that are due at ``now`` (epoch seconds), longest due first."""
        answer = self._client.query(
            TableName=self._table,
            IndexName="due",
            KeyConditionExpression="due_shard = :shard AND due_at <= :now",
            ExpressionAttributeValues={":shard": to_attribute(shard), ":now": to_attribute(now)},
            Limit=limit,
        )
        return [row["job_id"]["S"] for row in answer["Items"]]

    def _get_all(self, job_ids: Sequence[str]) -> list[JobRecord]:
        if not job_ids:
            return []
        records: dict[str, JobRecord] = {}
        wanted: Any = {self._table: {"Keys": [self._key(job_id) for job_id in job_ids], "ConsistentRead": True}}
        while wanted:
            answer = self._client.batch_get_item(RequestItems=wanted)
            for item in answer["Responses"].get(self._table, []):
                record = JobRecord.from_item(item)
                records[record.job_id] = record
            wanted = answer.get("UnprocessedKeys")
        return [records[job_id] for job_id in job_ids if job_id in records]

    @staticmethod
    def _key(job_id: str) -> dict[str, Any]:
        return {"job_id": {"S": job_id}}

    @staticmethod
    def _by(states: Collection[State], attempt: int | None = None) -> Update:
        """An update that happens only from ``states`` and, when given, within ``attempt``."""
        update = Update()
        update.require_one_of("state", states)
        if attempt is not None:
            update.require("attempt", "=", attempt)
        return update

    def _apply(self, job_id: str, update: Update) -> JobRecord | None:
        """A change that the owner sees."""
        update.set({"updated_at": timestamp(datetime.now(UTC))})
        update.add("seq", 1)
        return self._write(job_id, update)

    def _end(self, job_id: str, update: Update) -> JobRecord | None:
        """The last change: nobody needs to look after the job any more."""
        update.remove(["due_shard", "due_at", "preview"])
        return self._apply(job_id, update)

    def _write(self, job_id: str, update: Update) -> JobRecord | None:
        try:
            answer = self._client.update_item(
                TableName=self._table, Key=self._key(job_id), ReturnValues="ALL_NEW", **update.arguments()
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise
        return JobRecord.from_item(answer["Attributes"])


def _received(role: str, received: Received) -> dict[str, Any]:
    status = {"received": True, "size": received.size, "width": received.width, "height": received.height}
    return {f"uploads.{role}.{name}": value for name, value in status.items()}


def _queued(due_at: float) -> dict[str, Any]:
    return {"state": State.QUEUED, "message": "In the queue", "due_at": due_at}


def _ended(state: State, error: ErrorDetail) -> dict[str, Any]:
    return {"state": state, "message": error.message, "error": error.model_dump(mode="json")}


def _times(timeline: Sequence[StageTime]) -> list[dict[str, Any]]:
    return [entry.model_dump(mode="json") for entry in timeline]
