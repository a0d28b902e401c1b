"""Versioned item: one item of the sockets table with optimistic locking.

Items of an endpoint are in that table for two reasons: it has no stream and its indexes ignore them; and it belongs to
the core stack, whose functions may read it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cloud.dynamodb.attributes import from_item, to_item
from cloud.dynamodb.conditional_update import ConditionalUpdate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class VersionedItem:
    """The item of a partition and a sort key. ``version`` names the attribute that each replacement changes."""

    def __init__(self, table: str, partition: str, sort: str, client: "DynamoDBClient", *, version: str) -> None:
        self._table = table
        self._key = to_item({"pk": partition, "sk": sort})
        self._client = client
        self._version = version

    def get(self) -> dict[str, Any] | None:
        """Return the item's JSON values (a consistent read), or None."""
        response = self._client.get_item(TableName=self._table, Key=self._key, ConsistentRead=True)
        return from_item(response["Item"]) if "Item" in response else None

    def replace(self, version: Any, values: Mapping[str, Any]) -> bool:
        """Write ``values`` if the item still has ``version`` (None: if it does not exist); return True if it was
        written.
        """
        update = ConditionalUpdate()
        update.set(values)
        if version is None:
            update.require_absent(self._version)
        else:
            update.require(self._version, "=", version)
        try:
            self._client.update_item(TableName=self._table, Key=self._key, **update.arguments())
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True
