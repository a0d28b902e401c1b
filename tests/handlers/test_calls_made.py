"""Calls of AWS that a request and an upload make: each one is paid for, and waits for the one before."""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from botocore.client import BaseClient
from mypy_boto3_s3 import S3Client
from PIL import Image

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.s3.keys import upload_key
from darkroom.contract.jobs import State
from handlers.jobs.upload_inspection import START_BYTES
from handlers.limits.rate_limiter import RateLimiter
from tests.handlers.job_driver import JobDriver
from tests.handlers.uploads import picture, sha256

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]
CallsMade = Callable[[], AbstractContextManager[list[str]]]


def noise() -> bytes:
    """Return a picture that is larger than what is read first."""
    file = io.BytesIO()
    Image.effect_noise((640, 480), 90).save(file, "JPEG", quality=95)
    assert file.tell() > START_BYTES
    return file.getvalue()


LARGE, SMALL = noise(), picture()
KEY = {"Idempotency-Key": "key"}
LONG_RECORDING = b"RIFF\x24\0\0\0WAVEfmt " + bytes(100_000)


@pytest.fixture
def calls_made(monkeypatch: pytest.MonkeyPatch) -> CallsMade:
    """Lists the operations that are called in a block, in order."""
    call = BaseClient._make_api_call  # type: ignore[attr-defined] # what every method of a client is made of

    @contextmanager
    def recorded() -> Iterator[list[str]]:
        made: list[str] = []

        def record(client: BaseClient, operation: str, arguments: Any) -> Any:
            made.append(operation)
            return call(client, operation, arguments)

        with monkeypatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", record)
            yield made

    return recorded


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        ({"headers": KEY}, ["BatchGetItem", "GetItem", "UpdateItem", "TransactWriteItems"]),
        ({}, ["BatchGetItem", "GetItem", "UpdateItem", "TransactWriteItems"]),
        ({"headers": KEY, "cache": False}, ["BatchGetItem", "UpdateItem", "TransactWriteItems"]),
    ],
    ids=["key and cache", "cache", "key"],
)
def test_a_request_reads_in_one_call_what_decides_about_its_job(
    driver: JobDriver, calls_made: CallsMade, options: Any, calls: list[str]
) -> None:
    """The second request finds the window of the rate limit open, the first one opens it."""
    driver.submit(SMALL, owner="owner-2")
    for number in range(2):
        with calls_made() as made:
            headers = {name: f"{key}{number}" for name, key in options.get("headers", {}).items()}
            assert driver.submit(LARGE, **options | {"headers": headers}).status == 201
        assert made == calls


def test_a_request_that_only_counts_reads_nothing(driver: JobDriver, calls_made: CallsMade) -> None:
    driver.submit(SMALL, cache=False)
    with calls_made() as made:
        driver.submit(LARGE, cache=False)
    assert made == ["UpdateItem", "TransactWriteItems"]


def test_a_repeated_request_is_found_in_the_first_read(driver: JobDriver, calls_made: CallsMade) -> None:
    first = driver.submit(SMALL, headers=KEY)
    with calls_made() as made:
        again = driver.submit(SMALL, headers=KEY)
    assert (again.status, again.body["job"]["job_id"]) == (200, first.body["job"]["job_id"])
    assert made == ["BatchGetItem", "UpdateItem", "GetItem"]


def test_requests_that_open_a_window_at_once_are_both_counted(
    driver: JobDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read that none is open before either has opened it."""
    acquire = RateLimiter.acquire

    def overtaken(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(RateLimiter, "acquire", acquire)
        assert driver.submit(SMALL).status == 201
        return acquire(*arguments, **options)

    monkeypatch.setattr(RateLimiter, "acquire", overtaken)
    assert driver.submit(LARGE).headers["ratelimit-remaining"] == "3"


@pytest.mark.parametrize("data", [LARGE, SMALL], ids=["large", "small"])
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "undeclared"])
def test_a_picture_is_read_once_and_its_job_written_once(
    store: JobStore, job_in: JobIn, upload: Any, calls_made: CallsMade, data: bytes, declared: bool
) -> None:
    photo = {"content_type": "image/jpeg"} | ({"sha256": sha256(data)} if declared else {})
    job = job_in(State.AWAITING_UPLOAD, uploads={"photo": photo})
    with calls_made() as calls:
        upload(upload_key(job.job_id, "photo"), data)
    assert calls == ["PutObject", "GetObject", "UpdateItem", "SendMessage"]
    now = store.get(job.job_id)
    assert now is not None
    assert (now.state, now.uploads["photo"].sha256) == (State.QUEUED, sha256(data))


def test_the_last_of_several_uploads_queues_its_job_in_the_same_write(
    job_in: JobIn, upload: Any, calls_made: CallsMade
) -> None:
    uploads = {role: {"content_type": "image/jpeg", "sha256": sha256(LARGE)} for role in ("source", "target")}
    job = job_in(State.AWAITING_UPLOAD, uploads=uploads)
    upload(upload_key(job.job_id, "target"), LARGE)
    with calls_made() as calls:
        upload(upload_key(job.job_id, "source"), LARGE)
    # The first write is refused, and answers with the job.
    assert calls == ["PutObject", "GetObject", "UpdateItem", "UpdateItem", "SendMessage"]


def test_an_undeclared_picture_is_read_once_to_look_for_a_cached_result(
    driver: JobDriver, calls_made: CallsMade
) -> None:
    driver.run_to_completion(LARGE)
    job = driver.create()
    with calls_made() as calls:
        completed = driver.upload(job, LARGE)
    assert completed.cached
    assert calls.count("GetObject") == 1
    # A refused one, the end of the job, the hit, and the rate limit that is given back.
    assert calls.count("UpdateItem") == 4


def test_a_long_recording_is_not_read_for_a_digest_that_s3_has_verified(
    job_in: JobIn, bucket: S3Client, upload: Any, calls_made: CallsMade
) -> None:
    voice = {"content_type": "audio/wav", "sha256": sha256(LONG_RECORDING)}
    job = job_in(State.AWAITING_UPLOAD, uploads={"voice_track": voice})
    key = upload_key(job.job_id, "voice_track")
    bucket.put_object(Bucket="bucket", Key=key, Body=LONG_RECORDING, ChecksumAlgorithm="SHA256")
    with calls_made() as calls:
        upload(key, None)
    assert calls == ["GetObject", "UpdateItem", "SendMessage"]


def test_a_long_recording_is_hashed_if_s3_has_not_verified_its_digest(
    store: JobStore, job_in: JobIn, upload: Any
) -> None:
    voice = {"content_type": "audio/wav", "sha256": sha256(LONG_RECORDING)}
    job = job_in(State.AWAITING_UPLOAD, uploads={"voice_track": voice})
    upload(upload_key(job.job_id, "voice_track"), LONG_RECORDING)
    now = store.get(job.job_id)
    assert now is not None
    assert (now.state, now.uploads["voice_track"].sha256) == (State.QUEUED, sha256(LONG_RECORDING))


def test_an_event_that_comes_twice_at_once_queues_its_job_once(
    store: JobStore, job_in: JobIn, upload: Any, queues: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read the job before either has written."""
    uploads = {role: {"content_type": "image/jpeg"} for role in ("source", "target")}
    job = job_in(State.AWAITING_UPLOAD, uploads=uploads)
    upload(upload_key(job.job_id, "target"), SMALL)
    key, queue = upload_key(job.job_id, "source"), JobStore.queue

    def overtaken(*arguments: Any, **options: Any) -> JobRecord | None:
        monkeypatch.setattr(JobStore, "queue", queue)
        upload(key, None)
        return queue(*arguments, **options)

    monkeypatch.setattr(JobStore, "queue", overtaken)
    upload(key, LARGE)
    now = store.get(job.job_id)
    assert now is not None
    assert (now.state, now.seq) == (State.QUEUED, job.seq + 2)
    assert queues.sent() == [(job.job_id, 1)]


def test_two_uploads_that_come_at_once_queue_their_job(
    store: JobStore, job_in: JobIn, upload: Any, queues: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each was read as the first one; the later write finds the other received."""
    uploads = {role: {"content_type": "image/jpeg"} for role in ("source", "target")}
    job = job_in(State.AWAITING_UPLOAD, uploads=uploads)
    receive = JobStore.receive_upload

    def overtaken(*arguments: Any) -> JobRecord | None:
        monkeypatch.setattr(JobStore, "receive_upload", receive)
        upload(upload_key(job.job_id, "target"), SMALL)
        return receive(*arguments)

    monkeypatch.setattr(JobStore, "receive_upload", overtaken)
    upload(upload_key(job.job_id, "source"), LARGE)
    now = store.get(job.job_id)
    assert now is not None
    assert now.state is State.QUEUED
    assert queues.sent() == [(job.job_id, 1)]
