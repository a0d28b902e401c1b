"""Whether table, bucket, queue and endpoint answer: all asked at once, each with a time limit."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel

from handlers.settings import ApiSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sqs import SQSClient

LIMIT_SECONDS = 3.0
# An endpoint that is being updated or scaled keeps taking requests.
_IN_SERVICE = frozenset({"InService", "Updating", "SystemUpdating"})


class Part(BaseModel):
    """One thing the service stands on."""

    status: Literal["ok", "down"]
    milliseconds: float
    reason: str | None = None


class Health(BaseModel):
    """Whether everything the service stands on answers."""

    status: Literal["ok", "down"]
    checked_at: datetime
    parts: dict[str, Part]


class ComponentDown(Exception):
    """A part answers, but not well."""


class Unhealthy(Exception):
    """Some part is down; ``health`` says which."""

    def __init__(self, health: Health) -> None:
        super().__init__(health.status)
        self.health = health


class HealthCheck:
    """Asks the parts. The clients should give up early and not retry."""

    def __init__(
        self,
        settings: ApiSettings,
        dynamodb: "DynamoDBClient",
        s3: "S3Client",
        sqs: "SQSClient",
        sagemaker: "SageMakerClient",
    ) -> None:
        self._settings = settings
        self._dynamodb = dynamodb
        self._s3 = s3
        self._sqs = sqs
        self._sagemaker = sagemaker
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="health")

    def check(self) -> Health:
        """Takes ``LIMIT_SECONDS`` at most; a part that has not answered by then is down."""
        asked: Mapping[str, Future[Part]] = {
            name: self._threads.submit(_ask, question)
            for name, question in (
                ("table", self._table),
                ("bucket", self._bucket),
                ("queue", self._queue),
                ("endpoint", self._endpoint),
            )
        }
        wait_for(asked.values(), timeout=LIMIT_SECONDS)
        late = Part(status="down", milliseconds=LIMIT_SECONDS * 1000, reason="no answer in time")
        parts = {name: answer.result() if answer.done() else late for name, answer in asked.items()}
        status = "ok" if all(part.status == "ok" for part in parts.values()) else "down"
        return Health(status=status, checked_at=datetime.now(UTC), parts=parts)

    def _table(self) -> None:
        self._dynamodb.get_item(TableName=self._settings.jobs_table, Key={"job_id": {"S": "health"}})

    def _bucket(self) -> None:
        self._s3.head_bucket(Bucket=self._settings.bucket)

    def _queue(self) -> None:
        self._sqs.get_queue_attributes(QueueUrl=self._settings.queue_url, AttributeNames=["QueueArn"])

    def _endpoint(self) -> None:
        answer = self._sagemaker.describe_endpoint(EndpointName=self._settings.endpoint_name)
        if answer["EndpointStatus"] not in _IN_SERVICE:
            raise ComponentDown(answer["EndpointStatus"])


def _ask(question: Callable[[], None]) -> Part:
    started = time.perf_counter()
    reason = None
    try:
        question()
    except ClientError as error:
        reason = error.response["Error"]["Code"]
    except (BotoCoreError, ComponentDown) as error:
        reason = str(error) if isinstance(error, ComponentDown) else type(error).__name__
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    return Part(status="ok" if reason is None else "down", milliseconds=milliseconds, reason=reason)
