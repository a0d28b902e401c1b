"""WebSocket subscriptions: the table of connections and their jobs."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from cloud.dynamodb.attributes import from_item, to_attribute, to_item
from cloud.dynamodb.job_record import due_shard

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# API Gateway closes every WebSocket after two hours; an older item has missed its $disconnect.
CONNECTION_SECONDS = 2 * 60 * 60
GRACE_SECONDS = 10 * 60
_BATCH = 25
_JOB, _CONNECTION = "job#", "socket#"


class Subscription(BaseModel):
    """Subscription of a connection to a job. The client already has states up to ``after_seq``.

    ``token_expires_at`` is the end of the connection's token, in epoch seconds. Connections of version 0.2 have none.
    """

    job_id: str
    connection_id: str
    owner: str
    after_seq: int = 0
    token_expires_at: int | None = None

    def is_expired(self, now: float) -> bool:
        """Return True if the connection's token has expired by ``now`` (epoch seconds)."""
        return self.token_expires_at is not None and self.token_expires_at <= now


class Subscriptions:
    """Subscriptions in the sockets table named ``table``. Thread-safe."""

    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client

    def add(self, subscription: Subscription) -> None:
        """Add or renew a subscription. It is due for ``sweep`` when its token or its connection has ended."""
        expires_at = time.time() + CONNECTION_SECONDS + GRACE_SECONDS
        token_expires_at = subscription.token_expires_at
        row = {
            **self._key(subscription.job_id, subscription.connection_id),
            **subscription.model_dump(exclude_none=True),
            "due_shard": due_shard(subscription.job_id),
            "due_at": expires_at if token_expires_at is None else min(expires_at, token_expires_at),
            "expires_at": int(expires_at),
        }
        self._client.put_item(TableName=self._table, Item=to_item(row))

    def remove(self, job_id: str, connection_id: str) -> None:
        """Remove a subscription."""
        self._client.delete_item(TableName=self._table, Key=to_item(self._key(job_id, connection_id)))

    def of_job(self, job_id: str) -> list[Subscription]:
        """Return the subscriptions of a job (a consistent read)."""
        rows = self._query(
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": to_attribute(f"{_JOB}{job_id}")},
            ConsistentRead=True,
        )
        return [Subscription.model_validate(from_item(row)) for row in rows]

    def remove_connection(self, connection_id: str) -> None:
        """Remove all subscriptions of a closed connection."""
        rows = self._query(
            IndexName="by_connection",
            KeyConditionExpression="connection_id = :connection_id",
            ExpressionAttributeValues={":connection_id": to_attribute(connection_id)},
        )
        self._delete(rows)

    def remove_all(self, connection_id: str, job_ids: Iterable[str]) -> None:
        """Remove the subscriptions of a connection to some jobs."""
        self._delete(to_item(self._key(job_id, connection_id)) for job_id in job_ids)

    def due(self, shard: str, now: float) -> dict[str, list[str]]:
        """Return what expired by ``now`` (epoch seconds) in a shard: the jobs of each connection, by their ids."""
        rows = self._query(
            IndexName="due",
            KeyConditionExpression="due_shard = :shard AND due_at <= :now",
            ExpressionAttributeValues={":shard": to_attribute(shard), ":now": to_attribute(now)},
        )
        found: dict[str, list[str]] = {}
        for row in map(from_item, rows):
            found.setdefault(row["sk"].removeprefix(_CONNECTION), []).append(row["pk"].removeprefix(_JOB))
        return found

    def _query(self, **query: Any) -> Iterable[dict[str, Any]]:
        while True:
            page = self._client.query(TableName=self._table, **query)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _delete(self, rows: Iterable[dict[str, Any]]) -> None:
        keys = [{"pk": row["pk"], "sk": row["sk"]} for row in rows]
        for start in range(0, len(keys), _BATCH):
            requests: Any = {self._table: [{"DeleteRequest": {"Key": key}} for key in keys[start : start + _BATCH]]}
            while requests:
                requests = self._client.batch_write_item(RequestItems=requests).get("UnprocessedItems")

    @staticmethod
    def _key(job_id: str, connection_id: str) -> dict[str, str]:
        return {"pk": f"{_JOB}{job_id}", "sk": f"{_CONNECTION}{connection_id}"}
