"""Running videos: the attempts at an endpoint that make a video, and whether scaling in is suspended for them.

They are in the sockets table, as what else belongs to an endpoint: an item for each attempt, which ends by itself.
"""

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cloud.dynamodb.attributes import to_item
from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Sort key of the item that says whether scaling in is suspended. Inference ids begin with a digit or a letter.
_SUSPENSION = "#suspension"


def partition(endpoint_name: str) -> str:
    """Return the partition key of an endpoint's running videos in the sockets table.

    >>> partition("darkroom-main")
    'videos#darkroom-main'
    """
    return f"videos#{endpoint_name}"


@dataclass(frozen=True)
class RunningVideos:
    """Running videos of an endpoint.

    ``running`` is True if an attempt has neither ended nor passed its deadline. ``suspended`` is True if scaling in was
    suspended for them.
    """

    running: bool
    suspended: bool


class RunningVideoStore:
    """Store of an endpoint's running videos. Attempts are named by their inference ids; every write is idempotent.

    An attempt that cannot be added or removed is only logged: no job fails for that.
    """

    def __init__(self, table: str, endpoint_name: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._partition = partition(endpoint_name)
        self._client = client

    def add(self, attempt: str, deadline: float) -> None:
        """Add an attempt. It counts until its ``deadline`` (epoch seconds), should the notice of its end be lost."""
        try:
            self._set(attempt, "expires_at", ceil(deadline))
        except (ClientError, BotoCoreError) as error:
            logger.warning("video not protected", attempt=attempt, reason=str(error))

    def remove(self, attempt: str) -> None:
        """Remove an attempt that has ended."""
        try:
            self._client.delete_item(TableName=self._table, Key=self._key(attempt))
        except (ClientError, BotoCoreError) as error:
            logger.warning("ended video not removed", attempt=attempt, reason=str(error))

    def get(self, now: float) -> RunningVideos:
        """Return what is known at ``now`` (epoch seconds; a consistent read)."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            FilterExpression="expires_at > :now OR suspended = :true",
            ExpressionAttributeValues=to_item({":pk": self._partition, ":now": now, ":true": True}),
            ProjectionExpression="sk",
        )
        found = {item["sk"]["S"] for page in pages for item in page["Items"]}
        return RunningVideos(running=bool(found - {_SUSPENSION}), suspended=_SUSPENSION in found)

    def mark_suspended(self, *, suspended: bool) -> None:
        """Record whether scaling in is suspended."""
        self._set(_SUSPENSION, "suspended", suspended)

    def _set(self, sort: str, name: str, value: float | bool) -> None:
        update = ConditionalUpdate()
        update.set({name: value})
        self._client.update_item(TableName=self._table, Key=self._key(sort), **update.arguments())

    def _key(self, sort: str) -> Any:
        return to_item({"pk": self._partition, "sk": sort})
