"""WebSocket subscriptions: the connections that are told of a job's changes, in the job's own row.

So subscribing is one write that returns the job, and a stream record has the subscribers of its job. A connection that
has closed stays until ``push`` fails to reach it. A job that has ended keeps its subscribers: it never changes again.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cloud.dynamodb.attributes import to_item
from cloud.dynamodb.job_record import JobRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Each subscription takes some 20 bytes of the row, and every kilobyte of it a write unit at each change of the job.
MAX_SUBSCRIPTIONS = 50
# All that these writes name, so that the functions' rights can be limited to it.
SUBSCRIPTION_ATTRIBUTES = ("job_id", "owner", "due_shard", "seq", "subscribers", "subscribed_seq")
_MARK_CHANGE = "subscribed_seq = seq"
# Only open jobs have a due_shard. Rows of ended ones stay as they are, as each change would be handled as an end.
_IS_OPEN = "attribute_exists(due_shard)"
_IS_OPEN_AND_OWN = f"#owner = :owner AND {_IS_OPEN}"  # owner is a reserved word


class JobNotFound(Exception):
    """Raised when the owner has no such job."""


class TooManySubscriptions(Exception):
    """Raised when a job has ``MAX_SUBSCRIPTIONS`` of other connections."""


@dataclass(frozen=True)
class Subscription:
    """Subscription of a connection to a job.

    ``token_expires_at`` is the end of the connection's token, in epoch seconds. Connections of version 0.2 have none.
    """

    connection_id: str
    token_expires_at: int | None = None

    def is_expired(self, now: float) -> bool:
        """Return True if the connection's token has expired by ``now`` (epoch seconds)."""
        return self.token_expires_at is not None and self.token_expires_at <= now


class Subscriptions:
    """Subscriptions in the jobs table named ``table``. Thread-safe."""

    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client

    def add(self, job_id: str, owner: str, subscription: Subscription) -> JobRecord:
        """Subscribe to a job of ``owner`` and return it as it is at that moment; one that has ended is only returned.

        Every later change is pushed. Raises ``JobNotFound``, ``TooManySubscriptions`` and ``UnreadableItem``.
        """
        for _ in range(2):
            try:
                return self._add(job_id, owner, subscription)
            except _ConditionFailed as refused:
                record = refused.record
                if record is None or record.owner != owner:
                    raise JobNotFound(job_id) from refused
                if record.ended:
                    return record
                if not self._has_room(record):
                    break
        raise TooManySubscriptions(job_id)

    def _has_room(self, record: JobRecord) -> bool:
        """Return True if there is room, after those connections are removed whose token has expired."""
        now = time.time()
        subscriptions = [Subscription(connection_id, end) for connection_id, end in record.subscribers.items()]
        expired = [each for each in subscriptions if each.is_expired(now)]
        for each in expired:
            self.remove(record.job_id, each.connection_id)
        return len(subscriptions) - len(expired) < MAX_SUBSCRIPTIONS

    def _add(self, job_id: str, owner: str, subscription: Subscription) -> JobRecord:
        update = partial(
            self._update,
            job_id,
            names={"#owner": "owner"},
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        connection, token_expires_at = subscription.connection_id, subscription.token_expires_at
        try:
            row = update(
                f"SET subscribers.#connection = :token_end, {_MARK_CHANGE}",
                f"{_IS_OPEN_AND_OWN} AND attribute_exists(subscribers)"
                " AND (size(subscribers) < :maximum OR attribute_exists(subscribers.#connection))",
                values={":owner": owner, ":token_end": token_expires_at, ":maximum": MAX_SUBSCRIPTIONS},
                names={"#owner": "owner", "#connection": connection},
            )
        except _ConditionFailed as refused:
            if refused.row is None or "subscribers" in refused.row:
                raise
            # A job of version 0.2 or earlier has no map yet.
            row = update(
                f"SET subscribers = :first, {_MARK_CHANGE}",
                f"{_IS_OPEN_AND_OWN} AND attribute_not_exists(subscribers)",
                values={":owner": owner, ":first": {connection: token_expires_at}},
            )
        return JobRecord.from_item(row)

    def remove(self, job_id: str, connection_id: str) -> None:
        """End a subscription. Nothing is written if there is none, or if the job has ended."""
        with suppress(_ConditionFailed):
            self._update(
                job_id,
                f"REMOVE subscribers.#connection SET {_MARK_CHANGE}",
                f"{_IS_OPEN} AND attribute_exists(subscribers.#connection)",
                names={"#connection": connection_id},
            )

    def _update(
        self,
        job_id: str,
        update: str,
        condition: str,
        *,
        names: dict[str, str],
        values: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Any:
        if values is not None:
            more["ExpressionAttributeValues"] = to_item(values)
        try:
            response = self._client.update_item(
                TableName=self._table,
                Key=to_item({"job_id": job_id}),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                **more,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                raise _ConditionFailed(error.response.get("Item")) from error
            raise
        return response.get("Attributes")


class _ConditionFailed(Exception):
    """Raised when a condition does not hold. ``row`` is the row, if it exists and was asked for."""

    def __init__(self, row: Any) -> None:
        super().__init__()
        self.row = row or None

    @property
    def record(self) -> JobRecord | None:
        """The job of the row. Raises ``UnreadableItem``."""
        return None if self.row is None else JobRecord.from_item(self.row)


def subscriptions_to_notify(record: JobRecord) -> list[Subscription]:
    """Return the subscriptions that a stream record's job has to be sent to: none if they alone have changed."""
    if record.subscribed_seq == record.seq:
        return []
    return [Subscription(connection_id, token_end) for connection_id, token_end in record.subscribers.items()]
