"""Ledger: items of counters and cached values, changed by conditional writes or transactions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cloud import clients
from cloud.dynamodb.attributes import from_item, to_item
from cloud.dynamodb.batch_read import ItemKey
from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.transaction import CONFLICT_TRIES, TransactionItem, pause, write_transaction

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Dollars are stored as integer millionths, so that sums are exact.
MICROS = 1_000_000


@dataclass(frozen=True)
class LedgerUpdate:
    """One write of a transaction: ``update`` applied to the item of ``partition`` and ``sort``."""

    partition: str
    sort: str
    update: ConditionalUpdate


class Ledger:
    """Client of the ledger table. Values are JSON; ``expires_at`` (epoch seconds) is the TTL. Thread-safe."""

    def __init__(self, table: str, client: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._client = client or clients.dynamodb()

    def item_key(self, partition: str, sort: str) -> ItemKey:
        """Return the key of an item, for a batch read."""
        return ItemKey(self._table, _key(partition, sort))

    def get(self, partition: str, sort: str) -> dict[str, Any] | None:
        """Return an item (a consistent read), or None."""
        response = self._client.get_item(TableName=self._table, Key=_key(partition, sort), ConsistentRead=True)
        return from_item(response["Item"]) if "Item" in response else None

    def put(self, partition: str, sort: str, values: Mapping[str, Any], *, expires_at: int) -> None:
        """Put an item, replacing an existing one."""
        item = to_item({**values, "pk": partition, "sk": sort, "expires_at": expires_at})
        self._client.put_item(TableName=self._table, Item=item)

    def update_item(self, partition: str, sort: str, update: ConditionalUpdate) -> dict[str, Any] | None:
        """Apply an update; return the new item, or None if its condition did not hold.

        Retries with backoff if a transaction is writing the same item.
        """
        attempt = 0
        while True:
            try:
                response = self._client.update_item(
                    TableName=self._table, Key=_key(partition, sort), ReturnValues="ALL_NEW", **update.arguments()
                )
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "ConditionalCheckFailedException":
                    return None
                if code != "TransactionConflictException" or attempt == CONFLICT_TRIES - 1:
                    raise
                pause(attempt)
                attempt += 1
            else:
                return from_item(response["Attributes"])

    def transact(self, changes: Sequence[LedgerUpdate]) -> None:
        """Apply all updates or none. Raises as ``write_transaction``."""
        write_transaction(self._client, self.transaction_items(changes))

    def transaction_items(self, changes: Sequence[LedgerUpdate]) -> list[TransactionItem]:
        """Return updates as writes of a transaction, which may have others."""
        return [
            {"Update": {"TableName": self._table, "Key": _key(each.partition, each.sort), **each.update.arguments()}}
            for each in changes
        ]

    def query_partition(self, partition: str) -> list[dict[str, Any]]:
        """Return all items of a partition, in the order of their sort keys."""
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :partition",
            "ExpressionAttributeValues": to_item({":partition": partition}),
        }
        found: list[dict[str, Any]] = []
        while True:
            page = self._client.query(**query)
            found += [from_item(item) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return found
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _key(partition: str, sort: str) -> dict[str, Any]:
    return to_item({"pk": partition, "sk": sort})
