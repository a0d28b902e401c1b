"""Batch reads: items that DynamoDB leaves unread are read again, with pauses, and not for ever."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud.dynamodb.batch_read import MAX_TRIES, ItemKey, read_items

KEY: Any = {"job_id": {"S": "a"}}
UNREAD: Any = {"jobs": {"Keys": [KEY], "ConsistentRead": True}}


class ThrottledTable:
    """Client of DynamoDB that leaves the key unread a number of times."""

    def __init__(self, times: int) -> None:
        self.calls = 0
        self._times = times

    def batch_get_item(self, **_request: Any) -> dict[str, Any]:
        self.calls += 1
        if self.calls > self._times:
            return {"Responses": {"jobs": [KEY]}}
        return {"Responses": {}, "UnprocessedKeys": UNREAD}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr("cloud.dynamodb.transaction.time.sleep", taken.append)
    return taken


def test_unread_items_are_read_again_after_a_pause(pauses: list[float]) -> None:
    table: Any = ThrottledTable(2)
    assert read_items(table, [ItemKey("jobs", KEY), ItemKey("jobs", {"job_id": {"S": "b"}})]) == [KEY, None]
    assert (table.calls, len(pauses)) == (3, 2)
    assert pauses[0] > 0


def test_a_table_that_stays_throttled_is_an_error(pauses: list[float]) -> None:
    table: Any = ThrottledTable(1000)
    with pytest.raises(ClientError, match="ThrottlingException"):
        read_items(table, [ItemKey("jobs", KEY)])
    assert (table.calls, len(pauses)) == (MAX_TRIES, MAX_TRIES - 1)
