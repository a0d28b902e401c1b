"""A caller's library: requests that are refused, and the listing and deletion of assets."""

from typing import Any

import pytest
from mypy_boto3_s3 import S3Client

from cloud.s3.keys import asset_key
from darkroom.contract.uploads import MAX_UPLOAD_BYTES
from handlers.assets import service as library_module
from tests.handlers.assets import wish
from tests.handlers.calls import Call
from tests.handlers.uploads import picture, there

pytestmark = pytest.mark.usefixtures("environment")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"name": "x"}, "body"),
        ({**wish(), "job_id": "0" * 32}, "body"),
        ({**wish(), "picture": "result"}, "body"),
        ({"job_id": "0" * 32, "picture": "result", "role": "photo"}, "body"),
        ({"job_id": "short"}, "job_id"),
        ({"job_id": "0" * 32, "picture": "../x"}, "picture"),
        (wish(size=0), "upload.size"),
        (wish(sha256="short"), "upload.sha256"),
        ({**wish(), "name": ""}, "name"),
        ({**wish(), "surprise": 1}, "surprise"),
        (None, "body"),
        ([], "body"),
    ],
)
def test_a_request_that_is_wrong_is_told_where(call: Call, body: Any, field: str) -> None:
    problem = call("POST", "/assets", body).problem(422, "invalid_request")
    assert [error["field"] for error in problem["errors"]] == [field]


def test_types_and_sizes_that_are_not_accepted(call: Call) -> None:
    call("POST", "/assets", wish(content_type="image/gif")).problem(415, "unsupported_media")
    call("POST", "/assets", wish(size=MAX_UPLOAD_BYTES + 1)).problem(413, "too_large")


def test_a_library_that_is_full_says_so(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_module, "MAX_ASSETS", 2)
    first = call("POST", "/assets", wish()).body["asset"]["asset_id"]
    assert call("POST", "/assets", wish()).status == 201
    assert "delete" in call("POST", "/assets", wish()).problem(409, "conflict")["detail"]
    assert call("POST", "/assets", wish(), owner="owner-2").status == 201
    call("DELETE", f"/assets/{first}")
    assert call("POST", "/assets", wish()).status == 201


# Looking and deleting.


def test_assets_are_listed_page_by_page(call: Call, upload: Any) -> None:
    made = [call("POST", "/assets", wish()).body["asset"]["asset_id"] for _ in range(5)]
    call("POST", "/assets", wish(), owner="owner-2")
    upload(asset_key(made[1]), picture())
    upload(asset_key(made[2]), b"junk")

    def pages(**query: Any) -> list[str]:
        seen: list[str] = []
        while True:
            page = call("GET", "/assets", query=query).body
            seen += [asset["asset_id"] for asset in page["assets"]]
            if page["cursor"] is None:
                return seen
            query["cursor"] = page["cursor"]

    assert pages() == pages(limit=2) == made[::-1]
    assert pages(state="ready") == [made[1]]
    assert pages(state="failed", limit=1) == [made[2]]
    assert pages(state="awaiting_upload", limit=2) == [made[4], made[3], made[0]]
    for query in ({"state": "asleep"}, {"cursor": "nonsense"}, {"limit": 101}):
        call("GET", "/assets", query=query).problem(422, "invalid_request")


def test_deleting_removes_the_picture_and_may_be_said_again(call: Call, upload: Any, bucket: S3Client) -> None:
    asset_id = call("POST", "/assets", wish()).body["asset"]["asset_id"]
    upload(asset_key(asset_id), picture())
    first, again = (call("DELETE", f"/assets/{asset_id}") for _ in range(2))
    assert (first.status, again.status) == (200, 200)
    assert not there(bucket, asset_key(asset_id))
    call("GET", f"/assets/{asset_id}").problem(404, "not_found")
    upload(asset_key(asset_id), picture())  # what was still on its way
    assert not there(bucket, asset_key(asset_id))


def test_somebody_elses_asset_is_not_there(call: Call, upload: Any, bucket: S3Client) -> None:
    asset_id = call("POST", "/assets", wish()).body["asset"]["asset_id"]
    upload(asset_key(asset_id), picture())
    foreign = call("GET", f"/assets/{asset_id}", owner="owner-2").problem(404, "not_found")
    for unknown in ("0" * 32, "short", "..%2F.."):
        assert call("GET", f"/assets/{unknown}").problem(404, "not_found")["detail"] == foreign["detail"]
    unknown_delete = call("DELETE", f"/assets/{'0' * 32}", owner="owner-2")
    assert call("DELETE", f"/assets/{asset_id}", owner="owner-2").status == unknown_delete.status
    assert call("GET", f"/assets/{asset_id}").body["state"] == "ready"
    assert there(bucket, asset_key(asset_id))
    assert call("GET", "/assets", owner="owner-2").body["assets"] == []


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/assets"), ("POST", "/assets"), ("DELETE", f"/assets/{'0' * 32}")]
)
def test_nobody_gets_nothing(call: Call, method: str, path: str) -> None:
    call(method, path, wish() if method == "POST" else None, owner=None).problem(401, "unauthorized")
