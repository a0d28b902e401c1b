"""Health check of table, bucket, queue and lanes: parallel calls, each with a time limit."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel

from cloud.lane import PreviewOn
from handlers.endpoint.endpoint_state import says_absent
from handlers.endpoint.function_state import IN_SERVICE as FUNCTION_IN_SERVICE
from handlers.endpoint.function_state import function_state
from handlers.settings.api import ApiSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sqs import SQSClient

TIMEOUT_SECONDS = 3.0
# An endpoint that is being updated or scaled keeps taking requests.
_IN_SERVICE = frozenset({"InService", "Updating", "SystemUpdating"})


class Part(BaseModel):
    """Status of one component of the service."""

    status: Literal["ok", "down"]
    milliseconds: float
    reason: str | None = None


class Health(BaseModel):
    """Health of the service: `ok` if every component responds. Without an endpoint, it is not among the parts."""

    status: Literal["ok", "down"]
    checked_at: datetime
    parts: dict[str, Part]


class ComponentDown(Exception):
    """Raised for a component that responds, but is not in service."""


class ComponentAbsent(Exception):
    """Raised for a component that this deployment works without: it is no part of the health."""


class Unhealthy(Exception):
    """Raised when a component is down; ``health`` has the details."""

    def __init__(self, health: Health) -> None:
        super().__init__(health.status)
        self.health = health


class HealthCheck:
    """Calls every component in parallel. Pass clients with short timeouts and no retries."""

    def __init__(
        self,
        settings: ApiSettings,
        dynamodb: "DynamoDBClient",
        s3: "S3Client",
        sqs: "SQSClient",
        sagemaker: "SageMakerClient",
        functions: "LambdaClient",
    ) -> None:
        self._settings = settings
        self._dynamodb = dynamodb
        self._s3 = s3
        self._sqs = sqs
        self._sagemaker = sagemaker
        self._functions = functions
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="health")

    def check(self) -> Health:
        """Return the health of all components within ``TIMEOUT_SECONDS``; a component without a response is down."""
        checks: Mapping[str, Future[Part | None]] = {
            name: self._threads.submit(_check_component, call)
            for name, call in (
                ("table", self._table),
                ("bucket", self._bucket),
                ("queue", self._queue),
                ("endpoint", self._endpoint),
                ("previews", self._previews),
            )
        }
        wait_for(checks.values(), timeout=TIMEOUT_SECONDS)
        timed_out = Part(status="down", milliseconds=TIMEOUT_SECONDS * 1000, reason="no answer in time")
        answers = {name: check.result() if check.done() else timed_out for name, check in checks.items()}
        parts = {name: part for name, part in answers.items() if part is not None}
        status = "ok" if all(part.status == "ok" for part in parts.values()) else "down"
        return Health(status=status, checked_at=datetime.now(UTC), parts=parts)

    def _table(self) -> None:
        self._dynamodb.get_item(TableName=self._settings.jobs_table, Key={"job_id": {"S": "health"}})

    def _bucket(self) -> None:
        self._s3.head_bucket(Bucket=self._settings.bucket)

    def _queue(self) -> None:
        self._sqs.get_queue_attributes(QueueUrl=self._settings.queue_url, AttributeNames=["QueueArn"])

    def _endpoint(self) -> None:
        try:
            response = self._sagemaker.describe_endpoint(EndpointName=self._settings.endpoint_name)
        except ClientError as error:
            if says_absent(error) and self._settings.preview_on is PreviewOn.LAMBDA:
                raise ComponentAbsent from None
            raise
        if response["EndpointStatus"] not in _IN_SERVICE:
            raise ComponentDown(response["EndpointStatus"])

    def _previews(self) -> None:
        if not self._settings.cpu_function:
            raise ComponentAbsent
        state = function_state(self._functions, self._settings.cpu_function)
        if state not in FUNCTION_IN_SERVICE:
            raise ComponentDown(state or "absent")


def _check_component(call: Callable[[], None]) -> Part | None:
    started = time.perf_counter()
    reason = None
    try:
        call()
    except ComponentAbsent:
        return None
    except ClientError as error:
        reason = error.response["Error"]["Code"]
    except (BotoCoreError, ComponentDown) as error:
        reason = str(error) if isinstance(error, ComponentDown) else type(error).__name__
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    return Part(status="ok" if reason is None else "down", milliseconds=milliseconds, reason=reason)
