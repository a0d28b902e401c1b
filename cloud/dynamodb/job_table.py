"""Jobs table, read access: one job, an owner's jobs, and due jobs."""

import logging
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cloud import clients
from cloud.dynamodb.attributes import to_attribute, to_item
from cloud.dynamodb.batch_read import ItemKey, read_items
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.lenient_item import UnreadableItem
from darkroom.contract.jobs import State

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

logger = logging.getLogger(__name__)

# Bounds of what one listing reads when it filters by state or kind.
FILTERED_ROWS = 500
FILTERED_PAGES = 4


class JobTable:
    """Client of the jobs table named ``table``. Thread-safe."""

    def __init__(self, table: str, client: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._client = client or clients.dynamodb()

    def get(self, job_id: str) -> JobRecord | None:
        """Return the job (a consistent read), or None. Raises ``UnreadableItem``."""
        response = self._client.get_item(TableName=self._table, Key=self._key(job_id), ConsistentRead=True)
        return JobRecord.from_item(response["Item"]) if "Item" in response else None

    def page(
        self,
        owner: str,
        *,
        limit: int,
        state: State | None = None,
        kind: str | None = None,
        after: tuple[str, str] | None = None,
    ) -> tuple[list[JobRecord], tuple[str, str] | None]:
        """Return jobs of ``owner``, newest first, at most ``limit``, and the position of the next page (``after``).

        The position is None at the end. A page may have fewer jobs, or none, before the end, because the search for a
        rare ``state`` or ``kind`` is bounded. Unreadable rows are logged and left out. ``after`` is (created_at as
        stored, job_id) of the last job seen.
        """
        names = {"#owner": "owner"}
        values: dict[str, Any] = {":owner": owner}
        filters = []
        for name, requested in (("state", state), ("kind", kind)):
            if requested is not None:
                names[f"#{name}"] = name
                values[f":{name}"] = requested
                filters.append(f"#{name} = :{name}")
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": "by_owner",
            "KeyConditionExpression": "#owner = :owner",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_item(values),
            "ScanIndexForward": False,
            "Limit": FILTERED_ROWS if filters else limit,
        }
        if filters:
            query["FilterExpression"] = " AND ".join(filters)
        start = after
        found: list[tuple[str, str]] = []
        for _ in range(FILTERED_PAGES if filters else 1):
            if start is not None:
                created_at, job_id = start
                query["ExclusiveStartKey"] = to_item({"owner": owner, "created_at": created_at, "job_id": job_id})
            page = self._client.query(**query)
            found += [(row["created_at"]["S"], row["job_id"]["S"]) for row in page["Items"]]
            last = page.get("LastEvaluatedKey")
            start = (last["created_at"]["S"], last["job_id"]["S"]) if last else None
            if len(found) >= limit or start is None:
                break
        position = found[limit - 1] if len(found) > limit else start
        records = self._get_all([job_id for _, job_id in found[:limit]])
        # The index is eventually consistent, so the state is checked again.
        return [record for record in records if state is None or record.state is state], position

    def due(self, shard: str, now: float, *, limit: int) -> list[str]:
        """Return ids of unfinished jobs of one of ``SHARDS`` that are due at ``now`` (epoch seconds), longest overdue
        first.
        """
        response = self._client.query(
            TableName=self._table,
            IndexName="due",
            KeyConditionExpression="due_shard = :shard AND due_at <= :now",
            ExpressionAttributeValues={":shard": to_attribute(shard), ":now": to_attribute(now)},
            Limit=limit,
        )
        return [row["job_id"]["S"] for row in response["Items"]]

    def open_ids(self, shard: str, states: Collection[State]) -> Iterator[str]:
        """Yield ids of the unfinished jobs of one of ``SHARDS`` that are in ``states``. The index may be late."""
        names = {f":{state}": to_attribute(state) for state in states}
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": "due",
            "KeyConditionExpression": "due_shard = :shard",
            "FilterExpression": f"#state IN ({', '.join(names)})",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {":shard": to_attribute(shard), **names},
        }
        while True:
            page = self._client.query(**query)
            yield from (row["job_id"]["S"] for row in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def item_key(self, job_id: str) -> ItemKey:
        """Return the key of the job, for a batch read."""
        return ItemKey(self._table, self._key(job_id))

    def _get_all(self, job_ids: Sequence[str]) -> list[JobRecord]:
        records: list[JobRecord] = []
        for item in read_items(self._client, [self.item_key(job_id) for job_id in job_ids]):
            if item is None:
                continue
            try:
                records.append(JobRecord.from_item(item))
            except UnreadableItem as error:
                logger.warning("job cannot be read: %s", error, extra={"job_id": item["job_id"]["S"]})
        return records

    @staticmethod
    def _key(job_id: str) -> dict[str, Any]:
        return {"job_id": {"S": job_id}}
