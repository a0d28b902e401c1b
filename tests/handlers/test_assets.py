"""Asset library: pictures that outlive the jobs that made or used them."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from mypy_boto3_s3 import S3Client

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import InspectedUpload, JobStore
from cloud.s3.keys import asset_key, upload_key
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError
from darkroom.contract.jobs import State
from darkroom.contract.results import Picture, Result
from darkroom.contract.uploads import MAX_UPLOAD_BYTES
from handlers.assets.asset import Asset, AssetState, PublicAsset
from handlers.assets.table import AssetTable
from handlers.assets.upload_processor import AssetUploadProcessor
from handlers.http_api import dependencies
from tests.handlers.asset_requests import asset_request
from tests.handlers.calls import Call
from tests.handlers.uploads import object_exists, picture, policy_of, sha256

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]


@pytest.fixture
def table(assets_table: str) -> AssetTable:
    return AssetTable(assets_table)


@pytest.fixture
def done(store: JobStore, job_in: JobIn, bucket: S3Client) -> JobRecord:
    """A completed job whose photo and result lie in the bucket."""
    job = job_in(State.RUNNING)
    bucket.put_object(Bucket="bucket", Key=upload_key(job.job_id, "photo"), Body=picture(colour="red"))
    data = picture("PNG")
    key = f"results/{job.job_id}/result.png"
    bucket.put_object(Bucket="bucket", Key=key, Body=data, ContentType="image/png")
    made = Picture(
        name="result", key=key, content_type="image/png", width=320, height=200, size=len(data), sha256=sha256(data)
    )
    result = Result(pictures=[made], engine=Engine.PREVIEW)
    completed = store.complete(job.job_id, 1, result=result, timeline=[], cost_usd=0)
    assert completed is not None
    return completed


# Uploads.


def test_an_upload_becomes_an_asset(call: Call, upload: Any) -> None:
    made = call("POST", "/assets", asset_request())
    assert made.status == 201
    asset = PublicAsset.model_validate(made.body["asset"])
    assert (asset.state, asset.name, asset.url) == (AssetState.AWAITING_UPLOAD, "The hall", None)
    assert made.headers["location"] == f"/assets/{asset.asset_id}"
    assert made.body["upload"]["fields"]["key"] == asset_key(asset.asset_id)
    assert "owner" not in made.body["asset"]

    upload(asset_key(asset.asset_id), picture(), times=2)
    now = call("GET", f"/assets/{asset.asset_id}").body
    data = picture()
    assert (now["state"], now["size"], now["sha256"]) == ("ready", len(data), sha256(data))
    assert (now["width"], now["height"], now["source"]["type"]) == (320, 200, "upload")
    assert urlsplit(now["url"]).path == "/" + asset_key(asset.asset_id)
    assert (
        dependencies.asset_service().presigned_post(dependencies.asset_service().get("owner-1", asset.asset_id)) is None
    )


def test_an_upload_form_accepts_only_the_declared_file(call: Call) -> None:
    body = call("POST", "/assets", asset_request(size=1234, sha256="ab" * 32)).body
    _, exact = policy_of(body["upload"])
    assert exact["range"] == [1234, 1234]
    assert exact["key"] == asset_key(body["asset"]["asset_id"])
    assert exact["x-amz-checksum-sha256"]


def test_a_large_upload_has_its_digest(call: Call, upload: Any) -> None:
    data = picture() + bytes(100_000)
    asset_id = call("POST", "/assets", asset_request()).body["asset"]["asset_id"]
    upload(asset_key(asset_id), data)
    assert call("GET", f"/assets/{asset_id}").body["sha256"] == sha256(data)


@pytest.mark.parametrize(
    ("data", "declared", "code"),
    [
        (b"", {}, "empty_file"),
        (b"this is no photo", {}, "unsupported_media"),
        (picture("PNG"), {}, "unsupported_media"),
        (picture()[:100], {}, "invalid_image"),
        (picture() + bytes(MAX_UPLOAD_BYTES), {}, "too_large"),
        (picture(), {"size": 5}, "checksum_mismatch"),
        (picture(), {"sha256": "0" * 64}, "checksum_mismatch"),
    ],
)
def test_an_unusable_upload_fails_its_asset_and_is_deleted(
    call: Call, upload: Any, bucket: S3Client, data: bytes, declared: dict[str, Any], code: str
) -> None:
    asset_id = call("POST", "/assets", asset_request(**declared)).body["asset"]["asset_id"]
    upload(asset_key(asset_id), data, times=2)
    now = call("GET", f"/assets/{asset_id}").body
    assert (now["state"], now["error"]["code"], now["url"]) == ("failed", code, None)
    assert now["error"]["message"]
    assert not object_exists(bucket, asset_key(asset_id))
    upload(asset_key(asset_id), picture())
    assert call("GET", f"/assets/{asset_id}").body == now
    assert not object_exists(bucket, asset_key(asset_id))


def test_an_unusable_upload_is_rejected_even_if_its_deletion_fails(
    call: Call, table: AssetTable, bucket: S3Client, upload: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset_id = call("POST", "/assets", asset_request()).body["asset"]["asset_id"]
    key = asset_key(asset_id)
    bucket.put_object(Bucket="bucket", Key=key, Body=b"GIF89a")
    intake = AssetUploadProcessor("bucket", table, bucket)
    delete = AssetUploadProcessor._delete

    def died(self: AssetUploadProcessor, key: str, reason: str) -> None:
        delete(self, key, reason)
        raise RuntimeError("the function died")

    with monkeypatch.context() as patch:
        patch.setattr(AssetUploadProcessor, "_delete", died)
        with pytest.raises(RuntimeError):
            intake.process(key)
    upload(key, None)
    assert call("GET", f"/assets/{asset_id}").body["state"] == "failed"
    assert not object_exists(bucket, key)


def test_the_last_upload_counts_while_the_form_is_valid(call: Call, upload: Any, bucket: S3Client) -> None:
    asset_id = call("POST", "/assets", asset_request()).body["asset"]["asset_id"]
    upload(asset_key(asset_id), picture())
    upload(asset_key(asset_id), picture(colour="red"))
    assert call("GET", f"/assets/{asset_id}").body["sha256"] == sha256(picture(colour="red"))


@pytest.mark.parametrize("key", [asset_key("0" * 32), "assets/not an asset", "assets/" + "0" * 32 + "/photo"])
def test_uploads_without_an_asset_are_deleted(upload: Any, bucket: S3Client, key: str) -> None:
    upload(key, picture())
    assert not object_exists(bucket, key)


def test_an_event_of_a_missing_upload_does_nothing(call: Call, upload: Any) -> None:
    asset_id = call("POST", "/assets", asset_request()).body["asset"]["asset_id"]
    upload(asset_key(asset_id), None)
    assert call("GET", f"/assets/{asset_id}").body["state"] == "awaiting_upload"


def test_an_asset_without_an_upload_expires(call: Call, table: AssetTable, upload: Any) -> None:
    asset_id = call("POST", "/assets", asset_request()).body["asset"]["asset_id"]
    kept = table.get(asset_id)
    assert kept is not None
    assert kept.expires_at is not None
    assert 900 < kept.expires_at - time.time() < 1000
    table.extend_upload_until(asset_id, int(time.time()) - 1)
    call("GET", f"/assets/{asset_id}").problem(404, "not_found")
    assert call("GET", "/assets").body == {"assets": [], "cursor": None}
    upload(asset_key(asset_id), picture())
    ready = table.get(asset_id)
    assert ready is not None
    assert (ready.state, ready.expires_at) == (AssetState.READY, None)


# Pictures of jobs.


def test_an_asset_of_a_result_is_a_copy(call: Call, done: JobRecord, bucket: S3Client, upload: Any) -> None:
    answer = call("POST", "/assets", {"job_id": done.job_id, "picture": "result"})
    assert (answer.status, answer.body["upload"]) == (201, None)
    asset = answer.body["asset"]
    assert (asset["state"], asset["content_type"], asset["width"]) == ("ready", "image/png", 320)
    assert (asset["size"], asset["sha256"]) == (len(picture("PNG")), sha256(picture("PNG")))
    assert (asset["source"]["job_id"], asset["source"]["picture"]) == (done.job_id, "result")
    bucket.delete_object(Bucket="bucket", Key=f"results/{done.job_id}/result.png")
    key = asset_key(asset["asset_id"])
    upload(key, None, times=2)  # the copy's own event
    assert bucket.get_object(Bucket="bucket", Key=key)["Body"].read() == picture("PNG")
    assert call("GET", f"/assets/{asset['asset_id']}").body["state"] == "ready"


def test_an_asset_of_an_input_is_a_copy(call: Call, done: JobRecord) -> None:
    asset = call("POST", "/assets", {"job_id": done.job_id, "role": "photo"}).body["asset"]
    assert (asset["state"], asset["sha256"]) == ("ready", sha256(picture(colour="red")))
    assert asset["source"]["role"] == "photo"


def test_an_asset_of_a_cached_jobs_input_is_a_copy_of_the_first_jobs_input(
    call: Call, done: JobRecord, store: JobStore, record: Callable[..., JobRecord]
) -> None:
    copied_from = {"photo": upload_key(done.job_id, "photo")}
    cached = store.create(record(state="completed", cached=True, copied_from=copied_from, due_at=None))
    asset = call("POST", "/assets", {"job_id": cached.job_id, "role": "photo"}).body["asset"]
    assert (asset["state"], asset["sha256"]) == ("ready", sha256(picture(colour="red")))
    assert (asset["source"]["job_id"], asset["width"]) == (cached.job_id, 320)


def test_an_interrupted_copy_is_completed_by_its_upload_event(
    call: Call, done: JobRecord, upload: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any) -> None:
        raise RuntimeError("the function died")

    with monkeypatch.context() as patch:
        patch.setattr(AssetTable, "receive", broken)
        call("POST", "/assets", {"job_id": done.job_id}).problem(500, "internal")
    (asset,) = call("GET", "/assets").body["assets"]
    assert asset["state"] == "awaiting_upload"
    upload(asset_key(asset["asset_id"]), None)
    now = call("GET", f"/assets/{asset['asset_id']}").body
    assert (now["state"], now["sha256"]) == ("ready", sha256(picture("PNG")))


def test_an_asset_of_a_missing_picture_is_rejected(
    call: Call, done: JobRecord, job_in: JobIn, bucket: S3Client
) -> None:
    call("POST", "/assets", {"job_id": "0" * 32}).problem(404, "not_found")
    call("POST", "/assets", {"job_id": done.job_id}, owner="owner-2").problem(404, "not_found")
    problem = call("POST", "/assets", {"job_id": done.job_id, "picture": "sketch"}).problem(409, "conflict")
    assert "result" in problem["detail"]
    call("POST", "/assets", {"job_id": done.job_id, "role": "mask"}).problem(409, "conflict")
    waiting = job_in(State.AWAITING_UPLOAD)
    for what in ({"role": "photo"}, {"picture": "result"}):
        call("POST", "/assets", {"job_id": waiting.job_id, **what}).problem(409, "conflict")
    bucket.delete_object(Bucket="bucket", Key=f"results/{done.job_id}/result.png")
    call("POST", "/assets", {"job_id": done.job_id}).problem(404, "not_found")
    assert call("GET", "/assets").body["assets"] == []


def test_the_same_idempotency_key_and_request_create_one_asset(call: Call, upload: Any, done: JobRecord) -> None:
    mine = {"headers": {"Idempotency-Key": "mine"}}
    first, again = (call("POST", "/assets", asset_request(), **mine) for _ in range(2))
    assert (first.status, again.status) == (201, 200)
    assert again.body["asset"]["asset_id"] == first.body["asset"]["asset_id"]
    assert again.body["upload"]["fields"]["key"] == first.body["upload"]["fields"]["key"]
    call("POST", "/assets", asset_request(size=7), **mine).problem(422, "idempotency_mismatch")
    assert call("POST", "/assets", asset_request(), owner="owner-2", **mine).status == 201
    upload(first.body["upload"]["fields"]["key"], picture())
    assert call("POST", "/assets", asset_request(), **mine).body["upload"] is None
    copy = {"headers": {"Idempotency-Key": "copy"}}
    copies = [call("POST", "/assets", {"job_id": done.job_id}, **copy) for _ in range(2)]
    assert [answer.status for answer in copies] == [201, 200]
    assert copies[0].body["asset"]["asset_id"] == copies[1].body["asset"]["asset_id"]


def test_only_ready_assets_are_usable_as_input(call: Call, upload: Any, table: AssetTable) -> None:
    library = dependencies.asset_service()
    asset_id = call("POST", "/assets", asset_request()).body["asset"]["asset_id"]
    for owner, code in (("owner-1", "conflict"), ("owner-2", "not_found")):
        with pytest.raises(DarkroomError) as told:
            library.get_ready_asset(owner, asset_id)
        assert told.value.detail.code == code
    upload(asset_key(asset_id), picture())
    found = library.get_ready_asset("owner-1", asset_id)
    assert isinstance(found, Asset)
    assert (found.content_type, found.sha256, found.key) == ("image/jpeg", sha256(picture()), asset_key(asset_id))


def test_an_asset_over_the_limits_of_an_input_is_rejected(call: Call, done: JobRecord, table: AssetTable) -> None:
    asset_id = call("POST", "/assets", {"job_id": done.job_id}).body["asset"]["asset_id"]
    table.receive(asset_id, InspectedUpload("image/png", 16_000, 12_000, 1000, "0" * 64))
    with pytest.raises(DarkroomError, match="megapixels"):
        dependencies.asset_service().get_ready_asset("owner-1", asset_id)
