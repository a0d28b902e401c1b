"""Cleaned uploads: what is stored and linked has no position in it, under repeated, late and interrupted events."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from mypy_boto3_s3 import S3Client

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.s3 import metadata_removal
from cloud.s3.keys import asset_key, upload_key
from cloud.sqs_batch import BatchFailed
from darkroom.contract.jobs import State
from handlers import uploaded
from handlers.jobs import upload_inspection
from tests.handlers.asset_requests import asset_request
from tests.handlers.calls import Call
from tests.handlers.job_requests import job_request
from tests.handlers.stored_jobs import now
from tests.handlers.uploads import object_exists, picture, sha256

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]

SECRET = b"48 N 2 E"
PHOTO = picture(comment=SECRET)
LARGE = PHOTO + SECRET + bytes(100_000)
VOICE = b"RIFF\x24\0\0\0WAVEfmt " + bytes(28)


def stored(bucket: S3Client, key: str) -> bytes:
    return bucket.get_object(Bucket="bucket", Key=key)["Body"].read()


@pytest.mark.parametrize("data", [PHOTO, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("declared", [False, True])
def test_a_photo_is_stored_without_its_metadata(
    store: JobStore, job_in: JobIn, upload: Any, bucket: S3Client, queues: Any, data: bytes, declared: bool
) -> None:
    digest = {"size": len(data), "sha256": sha256(data)} if declared else {}
    job = job_in(State.AWAITING_UPLOAD, uploads={"photo": {"content_type": "image/jpeg", **digest}})
    key = upload_key(job.job_id, "photo")
    upload(key, data, times=3)
    assert stored(bucket, key) == picture()
    record = now(store, job)
    photo = record.uploads["photo"]
    # Of the file as it was sent: declarations and the result cache refer to it.
    assert (record.state, photo.size, photo.sha256) == (State.QUEUED, len(data), sha256(data))
    assert set(queues.sent()) == {(job.job_id, 1)}
    url = record.public(lambda key: f"https://bucket/{key}").uploads["photo"].url
    assert url == f"https://bucket/{key}"


def test_the_result_cache_knows_a_photo_by_the_file_that_was_sent(store: JobStore, job_in: JobIn, upload: Any) -> None:
    job = job_in(State.AWAITING_UPLOAD, use_cache=True)
    upload(upload_key(job.job_id, "photo"), LARGE, times=2)
    assert now(store, job).uploads["photo"].sha256 == sha256(LARGE)


def test_a_photo_without_metadata_is_not_written_again(job_in: JobIn, upload: Any, bucket: S3Client) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    key = upload_key(job.job_id, "photo")
    upload(key, picture())
    assert bucket.head_object(Bucket="bucket", Key=key)["Metadata"] == {}


def test_the_event_of_the_cleaned_copy_does_not_fail_a_job_that_awaits_another_upload(
    store: JobStore, job_in: JobIn, upload: Any, queues: Any
) -> None:
    declared = {"content_type": "image/jpeg", "size": len(LARGE), "sha256": sha256(LARGE)}
    job = job_in(State.AWAITING_UPLOAD, uploads={"source": declared, "target": declared})
    upload(upload_key(job.job_id, "source"), LARGE, times=3)
    assert now(store, job).state is State.AWAITING_UPLOAD
    upload(upload_key(job.job_id, "target"), LARGE, times=3)
    assert now(store, job).state is State.QUEUED


def test_a_function_that_dies_after_cleaning_is_made_up_for_by_the_next_event(
    store: JobStore,
    job_in: JobIn,
    upload: Any,
    bucket: S3Client,
    sqs_event: Any,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared = {"content_type": "image/jpeg", "size": len(PHOTO), "sha256": sha256(PHOTO)}
    job = job_in(State.AWAITING_UPLOAD, uploads={"photo": declared})
    key = upload_key(job.job_id, "photo")
    bucket.put_object(Bucket="bucket", Key=key, Body=PHOTO)

    def died(*_: object, **__: object) -> None:
        raise RuntimeError("the function died")

    with monkeypatch.context() as patch:
        patch.setattr(JobStore, "receive_single_upload", died)
        event = sqs_event({"Records": [{"s3": {"object": {"key": key}}}]})
        with pytest.raises(BatchFailed):
            uploaded.handler(event, context)
    assert stored(bucket, key) == picture()
    upload(key, None)
    assert now(store, job).state is State.QUEUED
    assert now(store, job).uploads["photo"].sha256 == sha256(PHOTO)


def test_an_upload_that_replaces_the_one_being_cleaned_is_kept(
    store: JobStore, job_in: JobIn, upload: Any, bucket: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    key = upload_key(job.job_id, "photo")
    newer = picture(colour="red", comment=SECRET)

    def clean_slowly(data: bytes) -> bytes:
        bucket.put_object(Bucket="bucket", Key=key, Body=newer)
        return metadata_removal.remove_metadata(data)

    with monkeypatch.context() as patch:
        patch.setattr(upload_inspection, "remove_metadata", clean_slowly)
        upload(key, PHOTO)
    assert stored(bucket, key) == newer
    assert now(store, job).state is State.AWAITING_UPLOAD
    upload(key, None)
    assert stored(bucket, key) == picture(colour="red")
    assert now(store, job).state is State.QUEUED


def test_an_asset_that_is_deleted_while_it_is_cleaned_does_not_come_back(
    call: Call, upload: Any, bucket: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset_id = call("POST", "/assets", asset_request()).body["asset"]["asset_id"]

    def clean_slowly(data: bytes) -> bytes:
        call("DELETE", f"/assets/{asset_id}")
        return metadata_removal.remove_metadata(data)

    monkeypatch.setattr(upload_inspection, "remove_metadata", clean_slowly)
    upload(asset_key(asset_id), PHOTO)
    assert not object_exists(bucket, asset_key(asset_id))


def test_a_photo_of_too_many_segments_fails_its_job_and_is_deleted(
    store: JobStore, job_in: JobIn, upload: Any, bucket: S3Client
) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    key = upload_key(job.job_id, "photo")
    data = picture()
    upload(key, data[:-2] + b"\xff\xfe\0\2" * (metadata_removal.MAX_PARTS + 1) + data[-2:])
    record = now(store, job)
    assert record.error is not None
    assert (record.state, record.error.code) == (State.FAILED, "invalid_image")
    assert not object_exists(bucket, key)


@pytest.mark.parametrize(
    "data", [b"\0\0\0\x18ftypheic" + SECRET, picture("PNG"), VOICE], ids=["HEIC", "another type", "sound"]
)
@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_what_replaces_a_received_photo_and_is_none_is_deleted(
    store: JobStore, job_in: JobIn, upload: Any, bucket: S3Client, data: bytes, state: State
) -> None:
    job = job_in(state)
    key = upload_key(job.job_id, "photo")
    upload(key, data)
    assert not object_exists(bucket, key)
    assert now(store, job) == job


def test_a_photo_that_replaces_a_received_one_is_cleaned(
    store: JobStore, job_in: JobIn, upload: Any, bucket: S3Client
) -> None:
    job = job_in(State.RUNNING)
    key = upload_key(job.job_id, "photo")
    upload(key, PHOTO)
    assert stored(bucket, key) == picture()
    assert now(store, job) == job


def test_recordings_have_no_link(store: JobStore, job_in: JobIn, upload: Any, bucket: S3Client) -> None:
    uploads = {"avatar": {"content_type": "image/jpeg"}, "voice_track": {"content_type": "audio/wav"}}
    job = job_in(State.AWAITING_UPLOAD, kind="render_video", params={}, uploads=uploads)
    for role, data in (("avatar", PHOTO), ("voice_track", VOICE)):
        upload(upload_key(job.job_id, role), data)
    assert now(store, job).state is State.QUEUED
    # Their metadata stay, as nobody is given them.
    assert stored(bucket, upload_key(job.job_id, "voice_track")) == VOICE
    linked = now(store, job).public(lambda key: key).uploads
    assert linked["avatar"].url == upload_key(job.job_id, "avatar")
    assert (linked["voice_track"].received, linked["voice_track"].url) == (True, None)


def test_an_asset_is_stored_without_its_metadata_and_keeps_its_digest_in_jobs(
    call: Call, store: JobStore, upload: Any, bucket: S3Client
) -> None:
    asset_id = call("POST", "/assets", asset_request(size=len(PHOTO), sha256=sha256(PHOTO))).body["asset"]["asset_id"]
    key = asset_key(asset_id)
    upload(key, PHOTO, times=3)
    asset = call("GET", f"/assets/{asset_id}").body
    assert (asset["state"], asset["size"], asset["sha256"]) == ("ready", len(PHOTO), sha256(PHOTO))
    assert urlsplit(asset["url"]).path == f"/{key}"
    assert stored(bucket, key) == picture()

    made = call("POST", "/jobs", {**job_request(), "uploads": {"photo": {"asset_id": asset_id}}}).body["job"]
    copied = upload_key(made["job_id"], "photo")
    upload(copied, None, times=2)
    assert stored(bucket, copied) == picture()
    job = call("GET", f"/jobs/{made['job_id']}").body
    assert (job["state"], job["uploads"]["photo"]["sha256"]) == ("queued", sha256(PHOTO))


@pytest.mark.parametrize("from_job", [False, True])
def test_copying_an_object_onto_itself_cleans_what_an_earlier_version_stored(
    call: Call, job_in: JobIn, upload: Any, bucket: S3Client, from_job: bool
) -> None:
    if from_job:
        job = job_in(State.RUNNING)
        bucket.put_object(Bucket="bucket", Key=upload_key(job.job_id, "photo"), Body=PHOTO)
        body: dict[str, Any] = {"job_id": job.job_id, "role": "photo"}
    else:
        body = asset_request()
    asset_id = call("POST", "/assets", body).body["asset"]["asset_id"]
    key = asset_key(asset_id)
    upload(key, None if from_job else picture())
    bucket.put_object(Bucket="bucket", Key=key, Body=PHOTO)  # as 0.2.0 has kept it
    upload(key, None, times=2)
    assert stored(bucket, key) == picture()
    assert call("GET", f"/assets/{asset_id}").body["state"] == "ready"
