"""Objects cleanup: an ended job keeps its result only if it was completed, and no intermediates."""

from typing import Any

import pytest
from mypy_boto3_s3 import S3Client

from cloud.dynamodb.job_record import JobRecord
from handlers import ended
from handlers.jobs.objects_cleanup import ObjectsCleanup
from tests.handlers.uploads import object_exists

JOB, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def parts(bucket: S3Client) -> list[str]:
    keys = [f"intermediates/{JOB}/scene-1.mp4", f"intermediates/{JOB}/speech-1", f"intermediates/{OTHER}/scene-1.mp4"]
    for key in keys:
        bucket.put_object(Bucket="bucket", Key=key, Body=b"part")
    return keys


def test_intermediates_are_deleted_when_their_job_has_ended(bucket: S3Client, parts: list[str], record: Any) -> None:
    ended: JobRecord = record(job_id=JOB, kind="render_scenes", state="cancelled", attempt=1)
    for _ in range(2):
        ObjectsCleanup(bucket, "bucket").delete_unneeded(ended)
    assert [object_exists(bucket, key) for key in parts] == [False, False, True]


@pytest.mark.usefixtures("environment")
def test_the_end_of_a_job_in_the_stream_deletes_its_intermediates_and_its_result(
    bucket: S3Client, parts: list[str], record: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bus:
        def put_events(self, **_call: Any) -> dict[str, Any]:
            return {"FailedEntryCount": 0}

    monkeypatch.setattr("cloud.clients.eventbridge", Bus)
    result = f"results/{JOB}/result.mp4"
    bucket.put_object(Bucket="bucket", Key=result, Body=b"video")
    error = {"code": "cancelled", "message": "Cancelled."}
    job = record(job_id=JOB, kind="render_scenes", state="cancelled", attempt=1, error=error, due_at=None)
    stream_record = {"eventName": "MODIFY", "dynamodb": {"SequenceNumber": "1", "NewImage": job.to_item()}}
    assert ended.handler({"Records": [stream_record]}, context) == {"batchItemFailures": []}
    assert [object_exists(bucket, key) for key in [*parts, result]] == [False, False, True, False]


@pytest.mark.parametrize("changes", [{"attempt": 0}, {"kind": "upscale"}])
def test_a_job_that_made_no_intermediates_is_not_searched_for_them(
    bucket: S3Client, parts: list[str], record: Any, changes: dict[str, Any]
) -> None:
    values = {"job_id": JOB, "kind": "render_scenes", "state": "cancelled", "attempt": 1}
    ObjectsCleanup(bucket, "bucket").delete_unneeded(record(**(values | changes)))
    assert all(object_exists(bucket, key) for key in parts)


@pytest.mark.parametrize(
    ("state", "kept"),
    [("completed", True), ("failed", False), ("cancelled", False), ("expired", False), ("archived", True)],
)
def test_a_result_is_kept_only_if_its_job_was_completed(bucket: S3Client, record: Any, state: str, kept: bool) -> None:
    """The last attempt of a failed job may have stored its result, and been killed before its outcome arrived.

    A state of a newer version may be one with a result.
    """
    for job in (JOB, OTHER):
        bucket.put_object(Bucket="bucket", Key=f"results/{job}/result.jpg", Body=b"picture")
    for _ in range(2):
        ObjectsCleanup(bucket, "bucket").delete_unneeded(record(job_id=JOB, kind="upscale", state=state, attempt=3))
    assert object_exists(bucket, f"results/{JOB}/result.jpg") == kept
    assert object_exists(bucket, f"results/{OTHER}/result.jpg")
