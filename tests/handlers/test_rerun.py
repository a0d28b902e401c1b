"""Reruns of a job with changes, and jobs that start from assets."""

import time
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client

from cloud.dynamodb.job_record import JobRecord
from darkroom.contract.jobs import State
from handlers.jobs.service import CANCELLED_ERROR
from handlers.jobs.sweeper import UPLOAD_EXPIRED_ERROR
from tests.handlers.studio import Studio
from tests.handlers.uploads import picture, sha256

PHOTO = picture(colour="teal")
OPTIONS = {"format": "png", "scale": 3.0}


def again(studio: Studio, job: JobRecord, body: Any = None, **options: Any) -> Any:
    return studio.call("POST", f"/jobs/{job.job_id}/rerun", body, **options)


def read(bucket: S3Client, key: str) -> bytes:
    return bucket.get_object(Bucket="bucket", Key=key)["Body"].read()


def test_a_job_is_made_again_with_what_shall_be_different(studio: Studio, bucket: S3Client, queues: Any) -> None:
    old = studio.done(PHOTO, params=OPTIONS, allow_preview=True)
    queues.sent()
    answer = again(studio, old, {"params": {"scale": 4}})
    new = studio.now(answer.body["job"]["job_id"])
    assert (answer.status, answer.headers["location"]) == (201, f"/jobs/{new.job_id}")
    assert (answer.body["uploads"], new.state, new.allow_preview) == ({}, State.AWAITING_UPLOAD, True)
    assert (new.params["scale"], new.params["format"], new.kind, new.engine) == (4, "png", old.kind, old.engine)
    photo = new.uploads["photo"]
    assert (photo.size, photo.sha256, photo.received) == (len(PHOTO), sha256(PHOTO), False)
    assert read(bucket, f"uploads/{new.job_id}/photo") == PHOTO
    assert studio.upload(new, None).state is State.QUEUED
    assert queues.sent() == [(new.job_id, 1)]


def test_the_same_again_is_what_it_was(studio: Studio) -> None:
    old = studio.done(PHOTO)
    shown = again(studio, old).body["job"]
    assert (shown["state"], shown["cached"], shown["params"]) == ("completed", True, old.params)
    fresh = again(studio, old, {"cache": False}).body["job"]
    assert (fresh["state"], fresh["params"]) == ("awaiting_upload", old.params)


def test_a_seed_that_nobody_chose_is_the_same_seed(studio: Studio) -> None:
    wish = {"kind": "generate", "uploads": {}, "params": {"prompt": "a tree"}}
    old = studio.work(studio.job(**wish))
    new = again(studio, old, {"cache": False, "params": {"prompt": "two trees"}}).body["job"]
    assert (new["params"]["seed"], new["state"]) == (old.params["seed"], "queued")


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_any_job_that_ended_with_its_pictures_is_made_again(studio: Studio, end: str) -> None:
    job = studio.upload(studio.job(), PHOTO)
    if end == "completed":
        studio.work(job)
    elif end == "failed":
        studio.store.fail(job.job_id, UPLOAD_EXPIRED_ERROR, allowed={State.QUEUED})
    else:
        studio.call("DELETE", f"/jobs/{job.job_id}")
    assert again(studio, job, {"cache": False}).status == 201


def test_a_job_done_at_once_is_made_again_from_the_pictures_of_the_first(studio: Studio, bucket: S3Client) -> None:
    studio.done(PHOTO)
    recalled = studio.job(PHOTO)
    assert recalled.cached
    new = again(studio, recalled, {"params": {"scale": 4}}).body["job"]
    assert read(bucket, f"uploads/{new['job_id']}/photo") == PHOTO


def test_what_never_had_its_pictures_is_not_made_again(studio: Studio) -> None:
    cancelled, expired = studio.job(), studio.job()
    studio.store.cancel(cancelled.job_id, "owner-1", CANCELLED_ERROR)
    studio.store.expire(expired.job_id, UPLOAD_EXPIRED_ERROR, now=time.time() + 10_000)
    for job in (cancelled, expired):
        assert "never came" in again(studio, job).problem(409, "conflict")["detail"]


def test_what_has_not_ended_is_not_made_again(studio: Studio) -> None:
    waiting = studio.job()
    queued = studio.upload(studio.job(), PHOTO)
    for job in (waiting, queued):
        assert job.state in again(studio, job).problem(409, "conflict")["detail"]


def test_pictures_that_are_gone_are_told_before_anything_is_counted(studio: Studio, bucket: S3Client) -> None:
    old = studio.done(PHOTO)
    bucket.delete_object(Bucket="bucket", Key=f"uploads/{old.job_id}/photo")
    again(studio, old, {"cache": False}).problem(410, "upload_expired")
    assert len(studio.call("GET", "/jobs").body["jobs"]) == 1
    assert studio.ask().headers["ratelimit-remaining"] == "3"


def test_somebody_elses_job_is_not_made_again(studio: Studio) -> None:
    old = studio.done(PHOTO)
    again(studio, old, owner="owner-2").problem(404, "not_found")
    studio.call("POST", "/jobs/nonsense/rerun").problem(404, "not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"params": {"scale": 9}}, "params.scale"),
        ({"params": {"colour": 1}}, "params.colour"),
        ({"params": {"format": None}}, "params.format"),
        ({"params": 3}, "params"),
        ({"engine": "steam"}, "engine"),
        ({"surprise": 1}, "surprise"),
        ([], "body"),
        ("{", "body"),
    ],
    ids=str,
)
def test_what_shall_be_different_is_checked(studio: Studio, body: Any, field: str) -> None:
    old = studio.done(PHOTO)
    problem = again(studio, old, body).problem(422, "invalid_request")
    assert field in [error["field"] for error in problem["errors"]]


def test_the_same_key_makes_one_job(studio: Studio) -> None:
    old = studio.done(PHOTO)
    key = {"headers": {"Idempotency-Key": "mine"}}
    first, second = (again(studio, old, {"cache": False}, **key) for _ in range(2))
    assert (first.status, second.status) == (201, 200)
    assert first.body["job"]["job_id"] == second.body["job"]["job_id"]
    again(studio, old, {"cache": True}, **key).problem(422, "idempotency_mismatch")
    studio.ask(**key).problem(422, "idempotency_mismatch")


def test_it_counts_like_any_job(studio: Studio) -> None:
    old = studio.done(PHOTO)
    left = [again(studio, old, {"cache": False}).headers["ratelimit-remaining"] for _ in range(4)]
    assert left == ["3", "2", "1", "0"]
    again(studio, old, {"cache": False}).problem(429, "rate_limited")


def test_an_engine_that_cannot_is_refused_before_anything_is_queued(studio: Studio, queues: Any) -> None:
    wish = {"kind": "generate", "uploads": {}, "params": {"prompt": "a tree"}}
    problem = studio.ask(**wish, engine="preview").problem(422, "engine_unavailable")
    assert "nothing was queued" in problem["detail"]
    assert (queues.sent(), studio.call("GET", "/jobs").body["jobs"]) == ([], [])
    old = studio.work(studio.job(**wish))
    again(studio, old, {"engine": "preview"}).problem(422, "engine_unavailable")


def test_a_queue_that_does_not_answer_loses_no_job(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/nowhere")
    job = studio.job(kind="generate", uploads={}, params={"prompt": "a tree"})
    assert job.state is State.QUEUED
    assert job.due_at is not None, "sweep sends it again"


# Assets in place of uploads.


@pytest.fixture
def asset(studio: Studio) -> dict[str, Any]:
    """One that is there, kept from a job."""
    old = studio.done(PHOTO)
    answer = studio.call("POST", "/assets", {"job_id": old.job_id, "role": "photo"})
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.body["asset"]
    return found


def of(asset: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"uploads": {"photo": {"asset_id": asset["asset_id"]}}, "cache": False, **more}


def test_an_asset_takes_the_place_of_an_upload(
    studio: Studio, asset: dict[str, Any], bucket: S3Client, queues: Any
) -> None:
    queues.sent()
    answer = studio.ask(**of(asset))
    job = studio.now(answer.body["job"]["job_id"])
    assert (answer.status, answer.body["uploads"]) == (201, {})
    photo = answer.body["job"]["uploads"]["photo"]
    assert (photo["asset_id"], photo["sha256"], photo["size"]) == (asset["asset_id"], sha256(PHOTO), len(PHOTO))
    assert read(bucket, f"uploads/{job.job_id}/photo") == PHOTO
    assert studio.upload(job, None, times=2).state is State.QUEUED
    assert set(queues.sent()) == {(job.job_id, 1)}


def test_an_asset_is_known_before_anything_is_copied(studio: Studio, asset: dict[str, Any]) -> None:
    assert studio.job(**of(asset, cache=True)).cached


def test_a_replay_of_a_job_that_waits_for_its_asset_copies_again(
    studio: Studio, asset: dict[str, Any], bucket: S3Client
) -> None:
    options = of(asset, headers={"Idempotency-Key": "mine"})
    job = studio.job(**options)
    key = f"uploads/{job.job_id}/photo"
    bucket.delete_object(Bucket="bucket", Key=key)
    assert studio.ask(**options).status == 200
    assert read(bucket, key) == PHOTO
    bucket.delete_object(Bucket="bucket", Key=key)
    renewed = studio.call("POST", f"/jobs/{job.job_id}/uploads")
    assert (renewed.status, renewed.body["uploads"]) == (200, {})
    assert read(bucket, key) == PHOTO


def test_somebody_elses_asset_is_not_there(studio: Studio, asset: dict[str, Any]) -> None:
    studio.ask(**of(asset), owner="owner-2").problem(404, "not_found")
    studio.ask(**of({"asset_id": "0" * 32})).problem(404, "not_found")


def test_one_role_may_be_uploaded_and_the_other_an_asset(studio: Studio, asset: dict[str, Any], queues: Any) -> None:
    queues.sent()
    uploads = {"photo": {"asset_id": asset["asset_id"]}, "mask": {"content_type": "image/jpeg"}}
    answer = studio.ask(kind="inpaint", uploads=uploads)
    assert answer.body["uploads"].keys() == {"mask"}
    job = studio.now(answer.body["job"]["job_id"])
    studio.upload(job, None, "photo")
    assert studio.upload(job, PHOTO, "mask").state is State.QUEUED
    assert queues.sent() == [(job.job_id, 1)]


def test_a_picture_that_vanishes_meanwhile_fails_its_job(
    studio: Studio, asset: dict[str, Any], bucket: S3Client
) -> None:
    options = of(asset, headers={"Idempotency-Key": "mine"})
    job = studio.job(**options)
    bucket.delete_object(Bucket="bucket", Key=f"assets/{asset['asset_id']}")
    studio.ask(**options).problem(410, "upload_expired")
    end = studio.now(job.job_id)
    assert end.error is not None
    assert (end.state, end.error.code) == (State.FAILED, "upload_expired")
