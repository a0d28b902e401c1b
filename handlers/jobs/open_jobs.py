"""Counts of open jobs by kind and state, from the sparse index of due jobs, which holds only open ones."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloud.dynamodb.attributes import to_item
from cloud.dynamodb.job_record import SHARDS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Bounds of one count per shard: enough for tens of thousands of open jobs.
PAGE_ROWS = 2000
PAGES = 4


@dataclass(frozen=True)
class OpenCount:
    """Open jobs by (kind, state). ``cut_off`` is True if not all were counted."""

    jobs: Counter[tuple[str, str]]
    cut_off: bool

    def in_state(self, state: str) -> int:
        """Return the number of jobs in a state, of all kinds."""
        return sum(count for (_, job_state), count in self.jobs.items() if job_state == state)


class OpenJobs:
    """Counts open jobs. The index is eventually consistent."""

    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client
        self._threads = ThreadPoolExecutor(len(SHARDS), thread_name_prefix="open")

    def count(self) -> OpenCount:
        """Count the open jobs of all shards in parallel, up to ``PAGES`` pages each."""
        total: Counter[tuple[str, str]] = Counter()
        cut_off = False
        for jobs, incomplete in self._threads.map(self._count_shard, SHARDS):
            total.update(jobs)
            cut_off = cut_off or incomplete
        return OpenCount(total, cut_off)

    def _count_shard(self, shard: str) -> tuple[Counter[tuple[str, str]], bool]:
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": "due",
            "KeyConditionExpression": "due_shard = :shard",
            "ExpressionAttributeNames": {"#kind": "kind", "#state": "state"},
            "ExpressionAttributeValues": to_item({":shard": shard}),
            "ProjectionExpression": "#kind, #state",
            "Limit": PAGE_ROWS,
        }
        jobs: Counter[tuple[str, str]] = Counter()
        for _ in range(PAGES):
            page = self._client.query(**query)
            jobs.update((row["kind"]["S"], row["state"]["S"]) for row in page["Items"])
            if "LastEvaluatedKey" not in page:
                return jobs, False
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        return jobs, True
