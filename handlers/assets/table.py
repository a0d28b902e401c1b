"""Assets table: one conditional write per change, so that events may arrive twice, late or out of order."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cloud import clients
from cloud.dynamodb.attributes import to_item
from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.job_store import AlreadyExists, InspectedUpload
from cloud.dynamodb.lenient_item import UnreadableItem
from cloud.observability import logger
from darkroom.contract.errors import ErrorDetail
from handlers.assets.asset import Asset, AssetState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Bounds of what one listing reads when it filters by state.
FILTERED_ROWS = 500
FILTERED_PAGES = 4


class AssetTable:
    """Client of the assets table named ``table``. Thread-safe."""

    def __init__(self, table: str, client: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._client = client or clients.dynamodb()

    def create(self, asset: Asset) -> None:
        """Put a new asset. Raises ``AlreadyExists`` when the id is taken."""
        try:
            self._client.put_item(
                TableName=self._table, Item=asset.to_item(), ConditionExpression="attribute_not_exists(asset_id)"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                raise AlreadyExists(asset.asset_id) from error
            raise

    def get(self, asset_id: str) -> Asset | None:
        """Return the asset (a consistent read), or None."""
        response = self._client.get_item(TableName=self._table, Key=_key(asset_id), ConsistentRead=True)
        return Asset.from_item(response["Item"]) if "Item" in response else None

    def receive(self, asset_id: str, received: InspectedUpload) -> Asset | None:
        """``awaiting_upload or ready → ready``: set the uploaded picture. None when the asset no longer exists."""
        update = ConditionalUpdate()
        update.require_one_of("state", {AssetState.AWAITING_UPLOAD, AssetState.READY})
        size = {"size": received.size, "width": received.width, "height": received.height}
        update.set(
            {"state": AssetState.READY, "content_type": received.content_type, "sha256": received.sha256, **size}
        )
        update.remove(["expires_at"])
        return self._write(asset_id, update)

    def refuse(self, asset_id: str, error: ErrorDetail) -> Asset | None:
        """``awaiting_upload or ready → failed``: reject the picture. None when the asset no longer exists."""
        update = ConditionalUpdate()
        update.require_one_of("state", {AssetState.AWAITING_UPLOAD, AssetState.READY})
        update.set({"state": AssetState.FAILED, "error": error.model_dump(mode="json")})
        update.remove(["expires_at"])
        return self._write(asset_id, update)

    def extend_upload_until(self, asset_id: str, expires_at: int) -> Asset | None:
        """Extend the upload deadline of an asset to ``expires_at`` (epoch seconds)."""
        update = ConditionalUpdate()
        update.require("state", "=", AssetState.AWAITING_UPLOAD)
        update.set({"expires_at": expires_at})
        return self._write(asset_id, update)

    def delete(self, asset_id: str) -> None:
        """Delete an asset, if it exists."""
        self._client.delete_item(TableName=self._table, Key=_key(asset_id))

    def page(
        self, owner: str, *, now: float, limit: int, state: AssetState | None, after: tuple[str, str] | None
    ) -> tuple[list[Asset], tuple[str, str] | None]:
        """Return assets of ``owner``, newest first, at most ``limit``, and the position of the next page (``after``).

        The position is None at the end. A page may have fewer assets, or none, before the end. Assets that have expired
        at ``now`` (epoch seconds) are left out. ``after`` is (created_at as stored, asset_id) of the last asset seen.
        """
        found: list[dict[str, Any]] = []
        start = after
        for _ in range(FILTERED_PAGES):
            page = self._client.query(**self._query(owner, now, state, start))
            found += page["Items"]
            last = page.get("LastEvaluatedKey")
            start = (last["created_at"]["S"], last["asset_id"]["S"]) if last else None
            if len(found) >= limit or start is None:
                break
        if len(found) > limit:
            start = (found[limit - 1]["created_at"]["S"], found[limit - 1]["asset_id"]["S"])
        return list(_readable(found[:limit])), start

    def count(self, owner: str, limit: int) -> int:
        """Count the assets of ``owner``, at most up to ``limit``. The newest may be missing (eventually consistent
        index).
        """
        counted = 0
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": "by_owner",
            "KeyConditionExpression": "#owner = :owner",
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": to_item({":owner": owner}),
            "Select": "COUNT",
        }
        while True:
            page = self._client.query(**query, Limit=limit - counted)
            counted += page["Count"]
            if counted >= limit or "LastEvaluatedKey" not in page:
                return counted
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _query(self, owner: str, now: float, state: AssetState | None, start: tuple[str, str] | None) -> dict[str, Any]:
        names = {"#owner": "owner", "#expires_at": "expires_at"}
        values: dict[str, Any] = {":owner": owner, ":now": now}
        filters = ["(attribute_not_exists(#expires_at) OR #expires_at > :now)"]
        if state is not None:
            names["#state"] = "state"
            values[":state"] = state
            filters.append("#state = :state")
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": "by_owner",
            "KeyConditionExpression": "#owner = :owner",
            "FilterExpression": " AND ".join(filters),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_item(values),
            "ScanIndexForward": False,
            "Limit": FILTERED_ROWS,
        }
        if start is not None:
            created_at, asset_id = start
            query["ExclusiveStartKey"] = to_item({"owner": owner, "created_at": created_at, "asset_id": asset_id})
        return query

    def _write(self, asset_id: str, update: ConditionalUpdate) -> Asset | None:
        try:
            response = self._client.update_item(
                TableName=self._table, Key=_key(asset_id), ReturnValues="ALL_NEW", **update.arguments()
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise
        return Asset.from_item(response["Attributes"])


def _readable(items: Iterable[dict[str, Any]]) -> Iterator[Asset]:
    """Yield the assets that can be read, and log the others."""
    for item in items:
        try:
            yield Asset.from_item(item)
        except UnreadableItem as error:
            logger.warning("asset cannot be read", asset_id=item["asset_id"]["S"], reason=str(error))


def _key(asset_id: str) -> dict[str, Any]:
    return to_item({"asset_id": asset_id})
