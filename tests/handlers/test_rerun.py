"""Reruns of a job with changes, and jobs that start from assets."""

import time
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client

from cloud.dynamodb.job_record import JobRecord
from darkroom.contract.jobs import State
from handlers.jobs.service import CANCELLED_ERROR
from handlers.jobs.sweeper import UPLOAD_EXPIRED_ERROR
from tests.handlers.job_driver import JobDriver
from tests.handlers.uploads import picture, sha256

PHOTO = picture(colour="teal")
OPTIONS = {"format": "png", "scale": 3.0}


def again(driver: JobDriver, job: JobRecord, body: Any = None, **options: Any) -> Any:
    return driver.call("POST", f"/jobs/{job.job_id}/rerun", body, **options)


def read(bucket: S3Client, key: str) -> bytes:
    return bucket.get_object(Bucket="bucket", Key=key)["Body"].read()


def test_a_rerun_replaces_params_and_keeps_the_rest(driver: JobDriver, bucket: S3Client, queues: Any) -> None:
    old = driver.run_to_completion(PHOTO, params=OPTIONS, allow_preview=True)
    queues.sent()
    answer = again(driver, old, {"params": {"scale": 4}})
    new = driver.get(answer.body["job"]["job_id"])
    assert (answer.status, answer.headers["location"]) == (201, f"/jobs/{new.job_id}")
    assert (answer.body["uploads"], new.state, new.allow_preview) == ({}, State.AWAITING_UPLOAD, True)
    assert (new.params["scale"], new.params["format"], new.kind, new.engine) == (4, "png", old.kind, old.engine)
    photo = new.uploads["photo"]
    assert (photo.size, photo.sha256, photo.received) == (len(PHOTO), sha256(PHOTO), False)
    assert read(bucket, f"uploads/{new.job_id}/photo") == PHOTO
    assert driver.upload(new, None).state is State.QUEUED
    assert queues.sent() == [(new.job_id, 1)]


def test_a_rerun_without_changes_reuses_the_result(driver: JobDriver) -> None:
    old = driver.run_to_completion(PHOTO)
    shown = again(driver, old).body["job"]
    assert (shown["state"], shown["cached"], shown["params"]) == ("completed", True, old.params)
    fresh = again(driver, old, {"cache": False}).body["job"]
    assert (fresh["state"], fresh["params"]) == ("awaiting_upload", old.params)


def test_a_rerun_keeps_a_random_seed(driver: JobDriver) -> None:
    job_request = {"kind": "generate", "uploads": {}, "params": {"prompt": "a tree"}}
    old = driver.run(driver.create(**job_request))
    new = again(driver, old, {"cache": False, "params": {"prompt": "two trees"}}).body["job"]
    assert (new["params"]["seed"], new["state"]) == (old.params["seed"], "queued")


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_a_job_in_any_terminal_state_with_uploads_is_rerun(driver: JobDriver, end: str) -> None:
    job = driver.upload(driver.create(), PHOTO)
    if end == "completed":
        driver.run(job)
    elif end == "failed":
        driver.store.fail(job.job_id, UPLOAD_EXPIRED_ERROR, allowed={State.QUEUED})
    else:
        driver.call("DELETE", f"/jobs/{job.job_id}")
    assert again(driver, job, {"cache": False}).status == 201


def test_a_rerun_of_a_cached_job_uses_the_inputs_of_the_first_job(driver: JobDriver, bucket: S3Client) -> None:
    driver.run_to_completion(PHOTO)
    cached_job = driver.create(PHOTO)
    assert cached_job.cached
    new = again(driver, cached_job, {"params": {"scale": 4}}).body["job"]
    assert read(bucket, f"uploads/{new['job_id']}/photo") == PHOTO


def test_rerunning_a_job_without_uploads_is_a_conflict(driver: JobDriver) -> None:
    cancelled, expired = driver.create(), driver.create()
    driver.store.cancel(cancelled.job_id, "owner-1", CANCELLED_ERROR)
    driver.store.expire(expired.job_id, UPLOAD_EXPIRED_ERROR, now=time.time() + 10_000)
    for job in (cancelled, expired):
        assert "never came" in again(driver, job).problem(409, "conflict")["detail"]


def test_rerunning_an_unfinished_job_is_a_conflict(driver: JobDriver) -> None:
    waiting = driver.create()
    queued = driver.upload(driver.create(), PHOTO)
    for job in (waiting, queued):
        assert job.state in again(driver, job).problem(409, "conflict")["detail"]


def test_a_rerun_without_its_inputs_is_rejected_and_not_counted(driver: JobDriver, bucket: S3Client) -> None:
    old = driver.run_to_completion(PHOTO)
    bucket.delete_object(Bucket="bucket", Key=f"uploads/{old.job_id}/photo")
    again(driver, old, {"cache": False}).problem(410, "upload_expired")
    assert len(driver.call("GET", "/jobs").body["jobs"]) == 1
    assert driver.submit().headers["ratelimit-remaining"] == "3"


def test_rerunning_a_job_of_another_owner_is_not_found(driver: JobDriver) -> None:
    old = driver.run_to_completion(PHOTO)
    again(driver, old, owner="owner-2").problem(404, "not_found")
    driver.call("POST", "/jobs/nonsense/rerun").problem(404, "not_found")


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
def test_an_invalid_rerun_names_the_field(driver: JobDriver, body: Any, field: str) -> None:
    old = driver.run_to_completion(PHOTO)
    problem = again(driver, old, body).problem(422, "invalid_request")
    assert field in [error["field"] for error in problem["errors"]]


def test_the_same_idempotency_key_creates_one_rerun(driver: JobDriver) -> None:
    old = driver.run_to_completion(PHOTO)
    key = {"headers": {"Idempotency-Key": "mine"}}
    first, second = (again(driver, old, {"cache": False}, **key) for _ in range(2))
    assert (first.status, second.status) == (201, 200)
    assert first.body["job"]["job_id"] == second.body["job"]["job_id"]
    again(driver, old, {"cache": True}, **key).problem(422, "idempotency_mismatch")
    driver.submit(**key).problem(422, "idempotency_mismatch")


def test_a_rerun_counts_against_the_rate_limit(driver: JobDriver) -> None:
    old = driver.run_to_completion(PHOTO)
    left = [again(driver, old, {"cache": False}).headers["ratelimit-remaining"] for _ in range(4)]
    assert left == ["3", "2", "1", "0"]
    again(driver, old, {"cache": False}).problem(429, "rate_limited")


def test_an_unavailable_engine_is_rejected_before_the_job_is_queued(driver: JobDriver, queues: Any) -> None:
    job_request = {"kind": "generate", "uploads": {}, "params": {"prompt": "a tree"}}
    problem = driver.submit(**job_request, engine="preview").problem(422, "engine_unavailable")
    assert "nothing was queued" in problem["detail"]
    assert (queues.sent(), driver.call("GET", "/jobs").body["jobs"]) == ([], [])
    old = driver.run(driver.create(**job_request))
    again(driver, old, {"engine": "preview"}).problem(422, "engine_unavailable")


def test_an_unreachable_queue_loses_no_job(driver: JobDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/nowhere")
    job = driver.create(kind="generate", uploads={}, params={"prompt": "a tree"})
    assert job.state is State.QUEUED
    assert job.due_at is not None, "sweep sends it again"


# Assets as inputs.


@pytest.fixture
def asset(driver: JobDriver) -> dict[str, Any]:
    """A ready asset, made from a job's input."""
    old = driver.run_to_completion(PHOTO)
    answer = driver.call("POST", "/assets", {"job_id": old.job_id, "role": "photo"})
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.body["asset"]
    return found


def of(asset: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"uploads": {"photo": {"asset_id": asset["asset_id"]}}, "cache": False, **more}


def test_an_asset_replaces_an_upload(driver: JobDriver, asset: dict[str, Any], bucket: S3Client, queues: Any) -> None:
    queues.sent()
    answer = driver.submit(**of(asset))
    job = driver.get(answer.body["job"]["job_id"])
    assert (answer.status, answer.body["uploads"]) == (201, {})
    photo = answer.body["job"]["uploads"]["photo"]
    assert (photo["asset_id"], photo["sha256"], photo["size"]) == (asset["asset_id"], sha256(PHOTO), len(PHOTO))
    assert read(bucket, f"uploads/{job.job_id}/photo") == PHOTO
    assert driver.upload(job, None, times=2).state is State.QUEUED
    assert set(queues.sent()) == {(job.job_id, 1)}


def test_a_job_with_an_asset_is_completed_from_the_cache(driver: JobDriver, asset: dict[str, Any]) -> None:
    assert driver.create(**of(asset, cache=True)).cached


def test_a_replay_of_a_job_that_awaits_its_asset_copies_it_again(
    driver: JobDriver, asset: dict[str, Any], bucket: S3Client
) -> None:
    options = of(asset, headers={"Idempotency-Key": "mine"})
    job = driver.create(**options)
    key = f"uploads/{job.job_id}/photo"
    bucket.delete_object(Bucket="bucket", Key=key)
    assert driver.submit(**options).status == 200
    assert read(bucket, key) == PHOTO
    bucket.delete_object(Bucket="bucket", Key=key)
    renewed = driver.call("POST", f"/jobs/{job.job_id}/uploads")
    assert (renewed.status, renewed.body["uploads"]) == (200, {})
    assert read(bucket, key) == PHOTO


def test_an_asset_of_another_owner_is_not_found(driver: JobDriver, asset: dict[str, Any]) -> None:
    driver.submit(**of(asset), owner="owner-2").problem(404, "not_found")
    driver.submit(**of({"asset_id": "0" * 32})).problem(404, "not_found")


def test_a_job_may_combine_an_upload_and_an_asset(driver: JobDriver, asset: dict[str, Any], queues: Any) -> None:
    queues.sent()
    uploads = {"photo": {"asset_id": asset["asset_id"]}, "mask": {"content_type": "image/jpeg"}}
    answer = driver.submit(kind="inpaint", uploads=uploads)
    assert answer.body["uploads"].keys() == {"mask"}
    job = driver.get(answer.body["job"]["job_id"])
    driver.upload(job, None, "photo")
    assert driver.upload(job, PHOTO, "mask").state is State.QUEUED
    assert queues.sent() == [(job.job_id, 1)]


def test_a_deleted_asset_fails_the_job_that_awaits_it(
    driver: JobDriver, asset: dict[str, Any], bucket: S3Client
) -> None:
    options = of(asset, headers={"Idempotency-Key": "mine"})
    job = driver.create(**options)
    bucket.delete_object(Bucket="bucket", Key=f"assets/{asset['asset_id']}")
    driver.submit(**options).problem(410, "upload_expired")
    end = driver.get(job.job_id)
    assert end.error is not None
    assert (end.state, end.error.code) == (State.FAILED, "upload_expired")
