"""Upload events: their effect on the job for any file, and under repeated delivery."""

from collections.abc import Callable
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.s3.keys import upload_key
from darkroom.contract.jobs import State
from darkroom.contract.uploads import MAX_UPLOAD_BYTES
from handlers import uploaded
from handlers.jobs.service import CANCELLED_ERROR
from handlers.jobs.upload_inspection import START_BYTES
from tests.handlers.uploads import object_exists, picture, sha256
from tests.pipeline.scan_bomb import scan_bomb

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]


def test_a_valid_upload_queues_its_job(
    store: JobStore, job_in: JobIn, upload: Any, queues: Any, bucket: S3Client
) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    key = upload_key(job.job_id, "photo")
    upload(key, picture())
    now = store.get(job.job_id)
    assert now is not None
    assert now.state is State.QUEUED
    photo = now.uploads["photo"]
    assert (photo.received, photo.width, photo.height, photo.size) == (True, 320, 200, len(picture()))
    assert queues.sent() == [(job.job_id, 1)]

    upload(key, None, times=2)
    assert store.get(job.job_id) == now
    assert object_exists(bucket, key)
    assert set(queues.sent()) <= {(job.job_id, 1)}


@pytest.mark.parametrize("state", [State.DISPATCHED, State.RUNNING])
def test_a_late_upload_event_changes_nothing(
    store: JobStore, job_in: JobIn, upload: Any, queues: Any, bucket: S3Client, state: State
) -> None:
    job = job_in(state)
    upload(upload_key(job.job_id, "photo"), picture(), times=2)
    assert store.get(job.job_id) == job
    assert object_exists(bucket, upload_key(job.job_id, "photo"))
    assert queues.sent() == []


def test_a_job_of_two_pictures_awaits_both(store: JobStore, job_in: JobIn, upload: Any, queues: Any) -> None:
    two = {"source": {"content_type": "image/jpeg"}, "target": {"content_type": "image/png"}}
    job = job_in(State.AWAITING_UPLOAD, uploads=two)
    upload(upload_key(job.job_id, "target"), picture("PNG"), times=2)
    assert queues.sent() == []
    upload(upload_key(job.job_id, "source"), picture(), times=1)
    assert queues.sent() == [(job.job_id, 1)]
    now = store.get(job.job_id)
    assert now is not None
    assert now.state is State.QUEUED


@pytest.mark.parametrize(
    ("data", "declared", "code"),
    [
        (b"", {}, "empty_file"),
        (b"this is no photo", {}, "unsupported_media"),
        (b"GIF89a" + bytes(50), {}, "unsupported_media"),
        (picture("PNG"), {}, "unsupported_media"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", {}, "invalid_image"),
        (picture()[:100], {}, "invalid_image"),
        (picture() + bytes(MAX_UPLOAD_BYTES), {}, "too_large"),
        (picture(), {"size": 5}, "checksum_mismatch"),
        (picture(), {"sha256": "0" * 64}, "checksum_mismatch"),
        (picture() + bytes(100_000), {"sha256": "0" * 64}, "checksum_mismatch"),
    ],
)
def test_an_unusable_upload_fails_its_job_and_is_deleted(
    store: JobStore,
    job_in: JobIn,
    upload: Any,
    queues: Any,
    bucket: S3Client,
    data: bytes,
    declared: dict[str, Any],
    code: str,
) -> None:
    job = job_in(State.AWAITING_UPLOAD, uploads={"photo": {"content_type": "image/jpeg", **declared}})
    key = upload_key(job.job_id, "photo")
    upload(key, data, times=2)
    now = store.get(job.job_id)
    assert now is not None
    assert now.state is State.FAILED
    assert now.error is not None
    assert now.error.code == code
    assert now.seq == job.seq + 1
    assert not object_exists(bucket, key)
    assert queues.sent() == []


@pytest.mark.parametrize("padding", [0, 100_000])
def test_an_upload_with_the_declared_digest_is_received(
    store: JobStore, job_in: JobIn, upload: Any, queues: Any, padding: int
) -> None:
    data = picture() + bytes(padding)
    declared = {"content_type": "image/jpeg", "size": len(data), "sha256": sha256(data)}
    job = job_in(State.AWAITING_UPLOAD, uploads={"photo": declared})
    upload(upload_key(job.job_id, "photo"), data)
    assert queues.sent() == [(job.job_id, 1)]


@pytest.mark.parametrize("copies", [60, 9000])
def test_a_progressive_jpeg_with_too_many_scans_fails_its_job(
    store: JobStore, job_in: JobIn, upload: Any, queues: Any, bucket: S3Client, copies: int
) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    key = upload_key(job.job_id, "photo")
    data = scan_bomb(320, copies)
    # The small one ends within the first read, the large one after it.
    assert (len(data) > START_BYTES) == (copies > 1000)
    upload(key, data, times=2)
    now = store.get(job.job_id)
    assert now is not None
    assert now.state is State.FAILED
    assert now.error is not None
    assert (now.error.code, now.error.retryable) == ("invalid_image", False)
    assert "more than 64 scans" in now.error.message
    assert not object_exists(bucket, key)
    assert queues.sent() == []


def test_an_ordinary_progressive_photo_is_received(job_in: JobIn, upload: Any, queues: Any) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    data = picture(progressive=True) + bytes(100_000)
    upload(upload_key(job.job_id, "photo"), data)
    assert queues.sent() == [(job.job_id, 1)]


def test_a_photo_with_its_header_after_long_metadata_is_received(job_in: JobIn, upload: Any, queues: Any) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    data = picture(icc_profile=bytes(2_000_000))
    assert data.rfind(b"\xff\xc0") > 1_900_000
    upload(upload_key(job.job_id, "photo"), data)
    assert queues.sent() == [(job.job_id, 1)]


@pytest.mark.parametrize(
    "key", [upload_key("0" * 32, "photo"), "uploads/not a job/pho+to%", "uploads/" + "0" * 32, "uploads/ü/photo"]
)
def test_uploads_without_a_job_are_deleted(upload: Any, bucket: S3Client, queues: Any, key: str) -> None:
    upload(key, picture())
    assert not object_exists(bucket, key)
    assert queues.sent() == []


def test_an_upload_for_an_unexpected_role_is_deleted(
    store: JobStore, job_in: JobIn, upload: Any, bucket: S3Client
) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    for data in (picture(), b"junk"):
        upload(upload_key(job.job_id, "mask"), data)
        assert not object_exists(bucket, upload_key(job.job_id, "mask"))
    assert store.get(job.job_id) == job


def test_an_upload_after_the_jobs_end_is_deleted(store: JobStore, job_in: JobIn, upload: Any, bucket: S3Client) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    cancelled = store.cancel(job.job_id, job.owner, CANCELLED_ERROR)
    for data in (picture(), b"junk"):
        upload(upload_key(job.job_id, "photo"), data)
        assert not object_exists(bucket, upload_key(job.job_id, "photo"))
    assert store.get(job.job_id) == cancelled


def test_an_event_of_a_missing_upload_does_nothing(store: JobStore, job_in: JobIn, upload: Any) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    upload(upload_key(job.job_id, "photo"), None)
    assert store.get(job.job_id) == job


def test_the_test_event_of_s3_is_ignored(context: Any, sqs_event: Any) -> None:
    event = sqs_event({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "bucket"})
    assert uploaded.handler(event, context) == {"batchItemFailures": []}


def test_a_malformed_upload_event_delays_no_other(
    job_in: JobIn, bucket: S3Client, context: Any, sqs_event: Any, queues: Any
) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    key = upload_key(job.job_id, "photo")
    bucket.put_object(Bucket="bucket", Key=key, Body=picture())
    event = sqs_event({"Records": [{"s3": "not what S3 sends"}]}, {"Records": [{"s3": {"object": {"key": key}}}]})
    assert uploaded.handler(event, context) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert queues.sent() == [(job.job_id, 1)]
