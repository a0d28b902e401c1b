"""Uploads replaced with a form that is still valid: a job and its reruns use the file that was inspected, or none."""

from typing import Any

import pytest
from mypy_boto3_s3 import S3Client

from cloud import clients
from cloud.dynamodb.job_record import JobRecord
from cloud.s3.keys import upload_key
from darkroom.contract.jobs import State
from tests.handlers.job_driver import JobDriver
from tests.handlers.uploads import object_exists, picture

FIRST, OTHER = picture(colour="teal"), picture(colour="coral")
WITH_METADATA = picture(colour="teal", comment=b"taken at home")


def put(bucket: S3Client, job: JobRecord, data: bytes, role: str = "photo") -> None:
    """Put a file under a job's key, as its form does, before S3's event is handled."""
    bucket.put_object(Bucket="bucket", Key=upload_key(job.job_id, role), Body=data)


def again(driver: JobDriver, job: JobRecord) -> Any:
    return driver.call("POST", f"/jobs/{job.job_id}/rerun", {"cache": False})


@pytest.mark.parametrize("handled", [False, True])
def test_a_rerun_does_not_take_the_file_that_replaced_the_jobs_own(
    driver: JobDriver, bucket: S3Client, handled: bool
) -> None:
    job = driver.run_to_completion(FIRST, cache=False)
    put(bucket, job, OTHER)
    if handled:
        driver.upload(job, None, times=2)
    problem = again(driver, job).problem(410, "upload_expired")
    assert "Submit a new job" in problem["detail"]
    assert driver.call("GET", "/jobs").body["jobs"][1:] == [], "no job was created"


def test_a_rerun_of_the_same_file_sent_twice_goes_on(driver: JobDriver, bucket: S3Client) -> None:
    job = driver.run_to_completion(WITH_METADATA, cache=False)
    driver.upload(job, WITH_METADATA, times=2)
    answer = again(driver, job)
    assert answer.status == 201
    rerun = driver.upload(driver.get(answer.body["job"]["job_id"]), None)
    assert rerun.state is State.QUEUED


def test_a_file_that_replaced_the_one_taken_is_deleted(driver: JobDriver, bucket: S3Client) -> None:
    """Links to it would promise that the job was made of it."""
    job = driver.upload(driver.create(cache=False), FIRST)
    before = driver.get(job.job_id)
    driver.upload(job, OTHER, times=2)
    assert driver.get(job.job_id) == before
    assert not object_exists(bucket, upload_key(job.job_id, "photo"))


def test_the_same_file_sent_twice_is_kept(driver: JobDriver, bucket: S3Client) -> None:
    job = driver.upload(driver.create(cache=False), WITH_METADATA, times=2)
    cleaned = bucket.get_object(Bucket="bucket", Key=upload_key(job.job_id, "photo"))
    assert cleaned["ETag"] == job.uploads["photo"].etag
    driver.upload(job, WITH_METADATA, times=2)
    assert bucket.head_object(Bucket="bucket", Key=upload_key(job.job_id, "photo"))["ETag"] == cleaned["ETag"]


def test_two_different_files_for_one_role_fail_a_job_that_still_waits(driver: JobDriver) -> None:
    uploads = {role: {"content_type": "image/jpeg"} for role in ("source", "target")}
    answer = driver.submit(kind="face_swap", params={"consent": True}, uploads=uploads, cache=False)
    job = driver.upload(driver.get(answer.body["job"]["job_id"]), FIRST, "source", times=2)
    assert job.state is State.AWAITING_UPLOAD
    other = OTHER + bytes(len(FIRST) - len(OTHER)) if len(OTHER) < len(FIRST) else OTHER[: len(FIRST)]
    failed = driver.upload(job, other, "source", times=2)
    assert failed.error is not None
    assert (failed.state, failed.error.code) == (State.FAILED, "checksum_mismatch")


def test_a_cached_job_is_not_rerun_with_a_file_that_replaced_its_input(driver: JobDriver, bucket: S3Client) -> None:
    job = driver.run_to_completion(FIRST)
    cached = driver.get(driver.submit(FIRST).body["job"]["job_id"])
    assert cached.cached
    assert again(driver, cached).status == 201
    put(bucket, job, OTHER)
    again(driver, cached).problem(410, "upload_expired")


def test_a_job_of_an_earlier_version_has_no_etag_and_is_rerun(driver: JobDriver, bucket: S3Client) -> None:
    job = driver.run_to_completion(FIRST, cache=False)
    item = {**job.to_item(), "uploads": driver.get(job.job_id).to_item()["uploads"]}
    del item["uploads"]["M"]["photo"]["M"]["etag"]
    driver.store._client.put_item(TableName="jobs", Item=item)
    assert driver.get(job.job_id).uploads["photo"].etag is None
    assert again(driver, job).status == 201


def test_an_etag_is_not_shown(driver: JobDriver) -> None:
    job = driver.upload(driver.create(cache=False), FIRST)
    assert job.uploads["photo"].etag is not None
    shown = driver.call("GET", f"/jobs/{job.job_id}").body
    assert "etag" not in shown["uploads"]["photo"]
    assert shown["uploads"]["photo"]["url"]


def test_a_copy_of_an_input_names_the_file_that_was_inspected(driver: JobDriver, bucket: S3Client) -> None:
    """S3 compares it (tests/e2e); moto does not."""
    job = driver.run_to_completion(FIRST, cache=False)
    copies: list[dict[str, Any]] = []
    clients.s3().meta.events.register("provide-client-params.s3.CopyObject", lambda params, **_: copies.append(params))
    again(driver, job)
    asset = {"job_id": job.job_id, "role": "photo"}
    assert driver.call("POST", "/assets", asset).status == 201
    assert [copy["CopySourceIfMatch"] for copy in copies] == [job.uploads["photo"].etag] * 2
