"""One row of the sockets table that a function keeps for itself, replaced only by those who know what is in it.

Rows of an endpoint lie in that table because its indexes do not see them and nobody is told of their changes, and
because it is the core stack's, whose functions can be let to read it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cloud.dynamodb.attributes import from_item, to_item
from cloud.dynamodb.conditional_update import ConditionalUpdate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class VersionedItem:
    """The row of a partition and a sort key. ``version`` names the attribute that each replacement changes."""

    def __init__(self, table: str, partition: str, sort: str, client: "DynamoDBClient", *, version: str) -> None:
        self._table = table
        self._key = to_item({"pk": partition, "sk": sort})
        self._client = client
        self._version = version

    def get(self) -> dict[str, Any] | None:
        """The row's JSON values as they stand now (a consistent read), or None."""
        answer = self._client.get_item(TableName=self._table, Key=self._key, ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def replace(self, version: Any, values: Mapping[str, Any]) -> bool:
        """Write ``values`` if the row still has ``version`` (None: if there is none); returns whether it had."""
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
