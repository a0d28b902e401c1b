"""Asset routes: rejected requests, listing and deletion."""

from typing import Any

import pytest
from mypy_boto3_s3 import S3Client

from cloud.s3.keys import asset_key
from darkroom.contract.uploads import MAX_UPLOAD_BYTES
from handlers.assets import service as library_module
from tests.handlers.asset_requests import asset_request
from tests.handlers.calls import Call
from tests.handlers.uploads import object_exists, picture

pytestmark = pytest.mark.usefixtures("environment")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"name": "x"}, "body"),
        ({**asset_request(), "job_id": "0" * 32}, "body"),
        ({**asset_request(), "picture": "result"}, "body"),
        ({"job_id": "0" * 32, "picture": "result", "role": "photo"}, "body"),
        ({"job_id": "short"}, "job_id"),
        ({"job_id": "0" * 32, "picture": "../x"}, "picture"),
        (asset_request(size=0), "upload.size"),
        (asset_request(sha256="short"), "upload.sha256"),
        ({**asset_request(), "name": ""}, "name"),
        ({**asset_request(), "surprise": 1}, "surprise"),
        *(({**asset_request(), "name": f"a{bad}b"}, "name") for bad in "\0\n\r\t\x1b\x7f\x9b\u2028\u202e\u2066\u2069"),
        (None, "body"),
        ([], "body"),
    ],
)
def test_an_invalid_request_names_the_field(call: Call, body: Any, field: str) -> None:
    problem = call("POST", "/assets", body).problem(422, "invalid_request")
    assert [error["field"] for error in problem["errors"]] == [field]


def test_unsupported_types_and_sizes_are_rejected(call: Call) -> None:
    call("POST", "/assets", asset_request(content_type="image/gif")).problem(415, "unsupported_media")
    call("POST", "/assets", asset_request(size=MAX_UPLOAD_BYTES + 1)).problem(413, "too_large")


def test_creating_an_asset_in_a_full_library_is_a_conflict(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_module, "MAX_ASSETS", 2)
    first = call("POST", "/assets", asset_request()).body["asset"]["asset_id"]
    assert call("POST", "/assets", asset_request()).status == 201
    assert "delete" in call("POST", "/assets", asset_request()).problem(409, "conflict")["detail"]
    assert call("POST", "/assets", asset_request(), owner="owner-2").status == 201
    call("DELETE", f"/assets/{first}")
    assert call("POST", "/assets", asset_request()).status == 201


# Listing and deletion.


def test_assets_are_listed_page_by_page(call: Call, upload: Any) -> None:
    made = [call("POST", "/assets", asset_request()).body["asset"]["asset_id"] for _ in range(5)]
    call("POST", "/assets", asset_request(), owner="owner-2")
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


def test_deleting_an_asset_removes_its_picture_and_is_idempotent(call: Call, upload: Any, bucket: S3Client) -> None:
    asset_id = call("POST", "/assets", asset_request()).body["asset"]["asset_id"]
    upload(asset_key(asset_id), picture())
    first, again = (call("DELETE", f"/assets/{asset_id}") for _ in range(2))
    assert (first.status, again.status) == (200, 200)
    assert not object_exists(bucket, asset_key(asset_id))
    call("GET", f"/assets/{asset_id}").problem(404, "not_found")
    upload(asset_key(asset_id), picture())  # what was still on its way
    assert not object_exists(bucket, asset_key(asset_id))


def test_an_asset_of_another_owner_is_not_found(call: Call, upload: Any, bucket: S3Client) -> None:
    asset_id = call("POST", "/assets", asset_request()).body["asset"]["asset_id"]
    upload(asset_key(asset_id), picture())
    foreign = call("GET", f"/assets/{asset_id}", owner="owner-2").problem(404, "not_found")
    for unknown in ("0" * 32, "short", "..%2F.."):
        assert call("GET", f"/assets/{unknown}").problem(404, "not_found")["detail"] == foreign["detail"]
    unknown_delete = call("DELETE", f"/assets/{'0' * 32}", owner="owner-2")
    assert call("DELETE", f"/assets/{asset_id}", owner="owner-2").status == unknown_delete.status
    assert call("GET", f"/assets/{asset_id}").body["state"] == "ready"
    assert object_exists(bucket, asset_key(asset_id))
    assert call("GET", "/assets", owner="owner-2").body["assets"] == []


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/assets"), ("POST", "/assets"), ("DELETE", f"/assets/{'0' * 32}")]
)
def test_a_request_without_a_token_is_unauthorized(call: Call, method: str, path: str) -> None:
    call(method, path, asset_request() if method == "POST" else None, owner=None).problem(401, "unauthorized")


@pytest.mark.parametrize("name", ["Zoë's room 😀", "غرفة الجلوس", "חדר\u200f", "[bold]x[/bold]", "नमस्ते\u200d"])
def test_names_in_every_script_are_accepted(call: Call, name: str) -> None:
    assert call("POST", "/assets", {**asset_request(), "name": name}).body["asset"]["name"] == name


def test_new_assets_have_a_rate_limit_of_their_own(call: Call) -> None:
    first = call("POST", "/assets", asset_request())
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("30", "29")
    for _ in range(29):
        assert call("POST", "/assets", asset_request()).status == 201
    refused = call("POST", "/assets", asset_request())
    assert "30 requests for assets in 60 seconds" in refused.problem(429, "rate_limited")["detail"]
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert call("GET", "/limits").body["rates"]["assets"]["remaining"] == 0
    assert call("GET", "/limits").body["rates"]["upscale"]["remaining"] > 0
    assert call("POST", "/assets", asset_request(), owner="owner-2").status == 201
    assert call("GET", "/assets").status == 200
