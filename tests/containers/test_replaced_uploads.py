"""Uploads replaced before the container downloads them: the job fails, and is not made of another file."""

from typing import TYPE_CHECKING, Any

from tests.containers.conftest import BUCKET, JOB, Container, invoke
from tests.containers.plans import plan_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


async def _outcome(container: Container, attempt: int, etag: str) -> dict[str, Any]:
    return await invoke(container(plan_of()), attempt=attempt, etags={"photo": etag})


async def test_the_inspected_file_is_used(container: Container, s3: "S3Client") -> None:
    etag = s3.head_object(Bucket=BUCKET, Key=f"uploads/{JOB}/photo")["ETag"]
    assert (await _outcome(container, 1, etag))["status"] == "completed"


async def test_another_file_fails_the_job_after_a_second_look(container: Container) -> None:
    """A client may have sent the same file twice, and the second copy is cleaned a moment later."""
    outcome = await _outcome(container, 1, '"0"')
    assert (outcome["status"], outcome["error"]["code"], outcome["error"]["retryable"]) == (
        "failed",
        "upload_expired",
        True,
    )
