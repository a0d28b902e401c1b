"""Invoker: what the dispatcher needs of a lane."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from cloud.dynamodb.job_record import JobRecord
from handlers.endpoint.cold_start import WaitEstimate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Postponement:
    """Wait for a machine that does not exist yet: the message for the job, and seconds until the next try."""

    message: str
    delay: int


class Invoker(Protocol):
    """Starts attempts on the machines of one lane."""

    @property
    def endpoint(self) -> str | None:
        """Name of the endpoint that has the attempts, None for a lane without one."""

    @property
    def wait_seconds(self) -> int:
        """Longest wait of an invocation for a machine."""

    def estimate_wait(self, now: float, /) -> WaitEstimate:
        """Return the wait estimate of a job dispatched at ``now`` (epoch seconds)."""

    def invoke(self, record: JobRecord, body: bytes) -> None:
        """Start an attempt with an invocation, as JSON. Raises botocore's errors."""

    def record_invocation(self, record: JobRecord) -> None:
        """Take note of a job that was invoked."""

    def postponement(self, error: ClientError | BotoCoreError) -> Postponement | None:
        """Return how long to wait after an error that says that there is no machine yet; None for another error."""


def store_invocation(s3: "S3Client", bucket: str, key: str, body: bytes) -> str:
    """Store an invocation that is too large for the call, and return its S3 URI."""
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
    return f"s3://{bucket}/{key}"
