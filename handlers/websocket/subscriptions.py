"""WebSocket subscriptions: the table of connections and their jobs, and sending to connections."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import BaseModel

from cloud.dynamodb.attributes import from_item, to_attribute, to_item
from cloud.dynamodb.job_record import due_shard

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_dynamodb import DynamoDBClient

# API Gateway closes every WebSocket after two hours; an older item has missed its $disconnect.
CONNECTION_SECONDS = 2 * 60 * 60
GRACE_SECONDS = 10 * 60
_BATCH = 25


class ConnectionGone(Exception):
    """Raised when the connection has been closed."""


class Subscription(BaseModel):
    """Subscription of a connection to a job. The client already has states up to ``after_seq``."""

    job_id: str
    connection_id: str
    owner: str
    after_seq: int = 0


class Subscriptions:
    """Subscriptions in the sockets table named ``table``. Thread-safe."""

    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client

    def add(self, subscription: Subscription) -> None:
        """Add or renew a subscription."""
        expires_at = time.time() + CONNECTION_SECONDS + GRACE_SECONDS
        row = {
            **self._key(subscription.job_id, subscription.connection_id),
            **subscription.model_dump(),
            "due_shard": due_shard(subscription.job_id),
            "due_at": expires_at,
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
            ExpressionAttributeValues={":pk": to_attribute(f"job#{job_id}")},
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

    def remove_expired(self, shard: str, now: float) -> int:
        """Remove the subscriptions of a shard that expired by ``now`` (epoch seconds); return their number."""
        rows = self._query(
            IndexName="due",
            KeyConditionExpression="due_shard = :shard AND due_at <= :now",
            ExpressionAttributeValues={":shard": to_attribute(shard), ":now": to_attribute(now)},
        )
        return self._delete(rows)

    def _query(self, **query: Any) -> Iterable[dict[str, Any]]:
        while True:
            page = self._client.query(TableName=self._table, **query)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _delete(self, rows: Iterable[dict[str, Any]]) -> int:
        keys = [{"pk": row["pk"], "sk": row["sk"]} for row in rows]
        for start in range(0, len(keys), _BATCH):
            requests: Any = {self._table: [{"DeleteRequest": {"Key": key}} for key in keys[start : start + _BATCH]]}
            while requests:
                requests = self._client.batch_write_item(RequestItems=requests).get("UnprocessedItems")
        return len(keys)

    @staticmethod
    def _key(job_id: str, connection_id: str) -> dict[str, str]:
        return {"pk": f"job#{job_id}", "sk": f"socket#{connection_id}"}


def send_to_connection(client: "ApiGatewayManagementApiClient", connection_id: str, message: BaseModel) -> None:
    """Send a message to a connection. Raises ``ConnectionGone``, or botocore's errors for transient failures."""
    try:
        client.post_to_connection(ConnectionId=connection_id, Data=message.model_dump_json().encode())
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 410:
            raise ConnectionGone(connection_id) from error
        raise
