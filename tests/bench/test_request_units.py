"""Request units of DynamoDB, by AWS's rules, from the bodies of calls."""

from typing import Any

import pytest

from bench.control_plane.request_units import read_units, write_units

KEY = {"job_id": {"S": "1"}}
TABLES = {"jobs_table": "jobs"}


def call(operation: str, **content: Any) -> dict[str, Any]:
    return {"service": "DynamoDB", "operation": operation, "content": content}


@pytest.mark.parametrize(
    ("operation", "content", "units"),
    [
        ("GetItem", {"TableName": "jobs"}, 0.5),
        ("GetItem", {"TableName": "jobs", "ConsistentRead": True}, 1),
        ("Query", {"TableName": "sockets"}, 0.5),
        ("Query", {"TableName": "jobs", "IndexName": "due"}, 0),  # the scheduled sweep's
        ("BatchGetItem", {"RequestItems": {"jobs": {"Keys": [KEY, KEY]}}}, 1),
        ("TransactGetItems", {"TransactItems": [{"Get": {}}, {"Get": {}}]}, 4),
        ("PutItem", {"TableName": "jobs"}, 0),
    ],
)
def test_reads_take_half_a_unit_and_consistent_ones_a_whole(operation: str, content: Any, units: float) -> None:
    assert read_units([call(operation, **content), {"service": "S3", "operation": "GET"}]) == units


@pytest.mark.parametrize(
    ("operation", "content", "units"),
    [
        ("UpdateItem", {"TableName": "ledger"}, 1),
        ("PutItem", {"TableName": "sockets"}, 1),
        ("BatchWriteItem", {"RequestItems": {"ledger": [{}, {}]}}, 2),
        ("TransactWriteItems", {"TransactItems": [{"Update": {"TableName": "ledger"}}] * 3}, 6),
        ("GetItem", {"TableName": "ledger"}, 0),
    ],
)
def test_writes_take_a_unit_and_two_in_a_transaction(operation: str, content: Any, units: float) -> None:
    assert write_units([call(operation, **content)], [], **TABLES) == units


def test_a_large_row_takes_a_unit_for_each_kilobyte() -> None:
    row = {**KEY, "params": {"S": "x" * 1500}}
    assert write_units([call("UpdateItem", TableName="jobs")], [row], **TABLES) == 2


def test_an_index_is_written_when_what_it_holds_changes() -> None:
    row = {**KEY, "owner": {"S": "o"}, "created_at": {"S": "t"}, "state": {"S": "queued"}, "kind": {"S": "upscale"}}
    due = {**row, "due_shard": {"S": "1"}, "due_at": {"N": "5"}}
    later = {**due, "due_at": {"N": "9"}}
    progress = {**later, "progress": {"N": "0.5"}}
    ended = {**row, "state": {"S": "completed"}}
    written = [write_units([], history, **TABLES) for history in ([due], [due, later], [due, later, progress])]
    assert written == [2, 4, 4], "both indexes are put; a new due time is a deletion and a put; progress is in none"
    assert write_units([], [due, later, progress, ended], **TABLES) == 6
