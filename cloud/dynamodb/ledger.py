"""The ledger's rows: by partition and sort key, changed by one conditional write each, or several together."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cloud import clients
from cloud.dynamodb.attributes import from_item, to_item
from cloud.dynamodb.conditional_update import ConditionalUpdate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Dollars are kept as whole millionths, so that many additions lose nothing.
MICROS = 1_000_000
CONFLICT_TRIES = 8
CONFLICT_SECONDS = 0.02  # the first pause; it doubles
# Why a transaction was cancelled that would be again.
IMPOSSIBLE = frozenset({"ValidationError", "ItemCollectionSizeLimitExceeded"})


class ConditionFailed(Exception):
    """One of the conditions of several writes that go together did not hold; none of them was made."""


class PermanentWriteError(Exception):
    """The table will never take these writes as they are; none of them was made."""


@dataclass(frozen=True)
class LedgerUpdate:
    """One write of several that go together: ``update`` applied to the row of ``partition`` and ``sort``."""

    partition: str
    sort: str
    update: ConditionalUpdate


class Ledger:
    """The ledger's table. Values are JSON; ``expires_at`` (epoch seconds) is when the table forgets a row.

    Safe to share between threads.
    """

    def __init__(self, table: str, client: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._client = client or clients.dynamodb()

    def get(self, partition: str, sort: str) -> dict[str, Any] | None:
        """A row as it stands now (a consistent read), or None."""
        answer = self._client.get_item(TableName=self._table, Key=_key(partition, sort), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def put(self, partition: str, sort: str, values: Mapping[str, Any], *, expires_at: int) -> None:
        """Write a row, in place of whatever was there."""
        item = to_item({**values, "pk": partition, "sk": sort, "expires_at": expires_at})
        self._client.put_item(TableName=self._table, Item=item)

    def update_item(self, partition: str, sort: str, update: ConditionalUpdate) -> dict[str, Any] | None:
        """Apply an update; the row as it is now, or None when its condition did not hold.

        A writer that meets a transaction at its row tries again after a moment.
        """
        attempt = 0
        while True:
            try:
                answer = self._client.update_item(
                    TableName=self._table, Key=_key(partition, sort), ReturnValues="ALL_NEW", **update.arguments()
                )
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "ConditionalCheckFailedException":
                    return None
                if code != "TransactionConflictException" or attempt == CONFLICT_TRIES - 1:
                    raise
                _pause(attempt)
                attempt += 1
            else:
                return from_item(answer["Attributes"])

    def transact(self, changes: Sequence[LedgerUpdate]) -> None:
        """Apply all of them or none.

        Raises ``ConditionFailed`` when a condition did not hold, ``PermanentWriteError`` for what no other try can
        mend (a row that would grow beyond what a table holds). Writers that meet at one row try again after a moment.
        """
        items: Any = [
            {"Update": {"TableName": self._table, "Key": _key(each.partition, each.sort), **each.update.arguments()}}
            for each in changes
        ]
        for attempt in range(CONFLICT_TRIES):
            try:
                self._client.transact_write_items(TransactItems=items)
            except ClientError as error:
                reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
                if "ConditionalCheckFailed" in reasons:
                    raise ConditionFailed from error
                if reasons & IMPOSSIBLE or error.response["Error"]["Code"] == "ValidationException":
                    raise PermanentWriteError(str(error)) from error
                if "TransactionConflict" not in reasons or attempt == CONFLICT_TRIES - 1:
                    raise
                _pause(attempt)
            else:
                return

    def query_partition(self, partition: str) -> list[dict[str, Any]]:
        """Every row of a partition, in the order of their sort keys."""
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


def _pause(attempt: int) -> None:
    time.sleep(CONFLICT_SECONDS * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - not a secret


def _key(partition: str, sort: str) -> dict[str, Any]:
    return to_item({"pk": partition, "sk": sort})
