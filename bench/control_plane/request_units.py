"""Request units of DynamoDB that calls take: from their bodies, and from the images of the table's stream."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

_TRANSACTION = 2
# Projections of the jobs table's indexes; a change of the key is a deletion and a new row.
_INDEXES = ((("due_shard", "due_at"), ("state", "kind")), (("owner", "created_at"), ("state", "kind")))
_SWEEP_INDEX = "due"

Call = dict[str, Any]
Image = dict[str, Any]


def read_units(calls: Iterable[Call]) -> float:
    """Return the read request units of logged calls, of rows below 4 KB. Sweep's queries do not count."""
    total = 0.0
    for operation, content in _dynamodb(calls):
        match operation:
            case "Query" if content.get("IndexName") == _SWEEP_INDEX:
                pass
            case "GetItem" | "Query":
                total += 1 if content.get("ConsistentRead") else 0.5
            case "BatchGetItem":
                total += sum(
                    len(each["Keys"]) * (1 if each.get("ConsistentRead") else 0.5)
                    for each in content["RequestItems"].values()
                )
            case "TransactGetItems":
                total += _TRANSACTION * len(content["TransactItems"])
    return total


def write_units(calls: Iterable[Call], images: Iterable[Image], *, jobs_table: str) -> float:
    """Return the write request units of logged calls; ``images`` are the job's row after each change.

    A write to the jobs table takes the mean size of these images, a refused write as much as one that is done. Rows of
    other tables are below 1 KB.
    """
    history = list(images)
    size = sum(map(kilobytes, history)) / len(history) if history else 1
    total = 0.0
    for table, factor in _writes(calls):
        total += factor * (size if table == jobs_table else 1)
    return total + sum(_index_writes(history))


def _writes(calls: Iterable[Call]) -> Iterator[tuple[str, int]]:
    """Yield the table and the factor of each row that is written, or compared in a transaction."""
    for operation, content in _dynamodb(calls):
        match operation:
            case "PutItem" | "UpdateItem" | "DeleteItem":
                yield content["TableName"], 1
            case "BatchWriteItem":
                for table, requests in content["RequestItems"].items():
                    for _ in requests:
                        yield table, 1
            case "TransactWriteItems":
                for item in content["TransactItems"]:
                    (action,) = item.values()
                    yield action["TableName"], _TRANSACTION


def _index_writes(history: list[Image]) -> Iterator[int]:
    before: Image = {}
    for image in history:
        for keys, others in _INDEXES:
            old, new = (_values(each, keys) for each in (before, image))
            if old != new:
                yield (None not in old) + (None not in new)
            elif None not in new and _values(before, others) != _values(image, others):
                yield 1
        before = image


def _values(image: Image, names: tuple[str, ...]) -> list[str | None]:
    return [json.dumps(image[name]) if name in image else None for name in names]


def kilobytes(image: Image) -> int:
    """Return the started kilobytes of a row: its names and values, without JSON's marks and types."""
    marks = sum(json.dumps(image).count(mark) for mark in '{}[]":, ')
    return -(-(len(json.dumps(image)) - marks) // 1024)


def _dynamodb(calls: Iterable[Call]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((call["operation"], call["content"]) for call in calls if call["service"] == "DynamoDB")
