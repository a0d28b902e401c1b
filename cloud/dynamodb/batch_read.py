"""Batch read: items of several tables in one call of DynamoDB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cloud.dynamodb.transaction import pause

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_TRIES = 8
Item = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class ItemKey:
    """Table and primary key of an item, in DynamoDB's form."""

    table: str
    key: Item


def read_items(client: "DynamoDBClient", keys: Sequence[ItemKey]) -> list[Item | None]:
    """Return the items of different keys (consistent reads), at most 100, with None for one that does not exist.

    Raises ``ClientError`` with ``ThrottlingException`` if DynamoDB leaves some unread again and again.
    """
    requested: Any = {}
    for each in keys:
        requested.setdefault(each.table, {"Keys": [], "ConsistentRead": True})["Keys"].append(each.key)
    found: list[tuple[str, Item]] = []
    tries = 0
    while requested:
        if tries == MAX_TRIES:
            throttled: Any = {"Error": {"Code": "ThrottlingException", "Message": "Some keys were left unread."}}
            raise ClientError(throttled, "BatchGetItem")
        if tries:
            pause(tries - 1)
        response = client.batch_get_item(RequestItems=requested)
        found += [(table, item) for table, items in response["Responses"].items() for item in items]
        requested = response.get("UnprocessedKeys")
        tries += 1
    return [_matching(found, each) for each in keys]


def _matching(found: Sequence[tuple[str, Item]], wanted: ItemKey) -> Item | None:
    for table, item in found:
        if table == wanted.table and all(item[name] == value for name, value in wanted.key.items()):
            return item
    return None
