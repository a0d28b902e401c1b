"""Table rows of 0.1.0: today's code reads them, and gives their owners the same answers."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.recorded import files, today
from tests.recorded.fake_deployment import ADMIN, ASSETS, JOBS, LEDGER, FakeDeployment, Item, OutcomeOf

JOB_ROWS = [(name, part) for name in files.names("rows/jobs") for part in files.read(name)]
# After 0.2.0, recordings have no link, as they keep their metadata.
WITHHELD = re.compile(r"uploads\.(music|voice_track)\.url: null, recorded was .*")
# After 0.2.0, rows lack what every version reads as empty, zero or false.
LEFT_OUT = re.compile(r"(allow_preview|cached|copied_from|timeline|use_cache) is gone \(was (false|\[\]|\{\})\)")
LISTED = ("cost_usd", "cached", "engines")


@pytest.fixture
def deployment(make_deployment: Callable[[OutcomeOf], FakeDeployment]) -> FakeDeployment:
    """Empty tables."""
    return make_deployment(lambda _name, _invocation: {})


def put(table: str, item: Item) -> None:
    """Put an item into a table as it was recorded."""
    client: Any = today.clients.dynamodb()
    client.put_item(TableName=table, Item=item)


def unsigned(value: Any) -> Any:
    """A value whose links say what they read, and not until when."""
    match value:
        case str() if "X-Amz-Signature" in value:
            return urlsplit(value).path
        case dict():
            return {name: unsigned(member) for name, member in value.items()}
        case list():
            return [unsigned(member) for member in value]
        case _:
            return value


@pytest.mark.parametrize(("name", "part"), JOB_ROWS)
def test_a_job_row_is_read_and_written_as_recorded(name: str, part: str) -> None:
    item = files.read(name)[part]
    written = today.JobRecord.from_item(item).to_item()
    absent = {attribute: value for attribute, value in item.items() if value != {"NULL": True}}
    found = [each for each in files.differences(plain(absent), plain(written)) if not LEFT_OUT.fullmatch(each)]
    assert not found, "\n".join(found)


def plain(item: Item) -> Item:
    """Names and JSON values of an item, without those that are null: whether 1 or 1.0 was written does not matter."""
    values: Item = _without_null(today.from_item(item))
    return values


def _without_null(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_null(member) for name, member in value.items() if member is not None}
        case list():
            return [_without_null(member) for member in value]
        case _:
            return value


def test_stored_jobs_are_returned_as_recorded(deployment: FakeDeployment) -> None:
    found = []
    for name in files.names("api/jobs"):
        rows = files.read(name.replace("api/", "rows/")) if name.replace("api/", "rows/") in files.names("rows") else {}
        for part, exchange in files.read(name).items():
            if part in rows and exchange["request"]["method"] == "GET":
                put(JOBS, rows[part])
                now = deployment.call("GET", exchange["request"]["path"])
                recorded = exchange["answer"]["body"]
                differences = files.differences(unsigned(recorded), unsigned(now))
                found += [f"{name} {part}: {each}" for each in differences if not WITHHELD.fullmatch(each)]
    assert not found, "\n".join(found)


def test_stored_assets_are_returned_as_recorded(deployment: FakeDeployment) -> None:
    rows = files.read("rows/assets")
    for item in rows.values():
        put(ASSETS, item)
        now = deployment.call("GET", f"/assets/{item['asset_id']['S']}")
        assert (now["asset_id"], now["state"]) == (item["asset_id"]["S"], item["state"]["S"])
    exchange = files.read("api/assets/assets")["get"]
    now = deployment.call("GET", exchange["request"]["path"])
    found = files.differences(unsigned(exchange["answer"]["body"]), unsigned(now))
    assert not found, "\n".join(found)


def test_ledger_rows_give_the_recorded_counts(deployment: FakeDeployment) -> None:
    for name in files.names("rows/ledger"):
        for item in files.read(name)["rows"]:
            put(LEDGER, item)
    recorded = files.read("api/service/stats")["get"]
    now = deployment.call("GET", "/stats", query=recorded["request"]["query"], scope=ADMIN)
    for kind, numbers in recorded["answer"]["body"]["kinds"].items():
        before = {name: numbers[name] for name in LISTED}
        found = files.differences(before, now["kinds"][kind])
        assert not found, "\n".join(found)
    cache = files.read("api/service/cache")["stats"]["answer"]["body"]
    after = deployment.call("GET", "/cache/stats", scope=ADMIN)
    assert [after["hits"], after["misses"], after["stores"]] == [cache["hits"], cache["misses"], cache["stores"]]
    spending = deployment.call("GET", "/limits")["budget"]
    assert spending["spent_usd"] > 0


def test_sockets_rows_are_read() -> None:
    # Subscriptions are not: clients notice the silence and subscribe again (docs/upgrading.md).
    rows = files.read("rows/sockets")
    assert today.ColdStarts.model_validate(today.from_item(rows["waking:measured"])).seconds == (242.0,)
    assert today.ColdStarts.model_validate(today.from_item(rows["waking:claimed"])).since is not None
    assert today.GpuSpend.model_validate(today.from_item(rows["guard:stopped"])).stopped
