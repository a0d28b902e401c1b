"""Cpu lane: starts attempts by asynchronous invocations of the Lambda function that has the preview engine."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cloud.dynamodb.job_record import JobRecord
from cloud.invocation import MAX_INLINE_BYTES, FunctionInvocation, inference_id
from cloud.s3.keys import invocation_key
from handlers.endpoint.cold_start import WaitEstimate
from handlers.endpoint.invoker import Postponement, store_invocation
from handlers.settings.dispatch import DispatchSettings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

STARTING_MESSAGE = "Starting"
ABSENT_FUNCTION_MESSAGE = "Waiting for the preview engine: it is being deployed"
INACTIVE_FUNCTION_MESSAGE = "Waiting for the preview engine: it was idle for weeks, and is being prepared"
ABSENT_FUNCTION_DELAY_SECONDS = 60
# Lambda prepares an image again that was idle for weeks. It refuses the first invocation, and takes about a minute.
INACTIVE_FUNCTION_DELAY_SECONDS = 20
_INACTIVE = frozenset({"ResourceConflictException", "ResourceNotReadyException"})


class CpuLane:
    """Implements ``Invoker`` for the function."""

    def __init__(self, settings: DispatchSettings, s3: "S3Client", functions: "LambdaClient") -> None:
        self._settings = settings
        self._s3 = s3
        self._functions = functions

    @property
    def endpoint(self) -> str | None:
        """No endpoint: jobs of this lane are none of a replaced one."""
        return None

    @property
    def wait_seconds(self) -> int:
        """Longest wait of an invocation for the function, if its concurrency is used up."""
        return self._settings.cpu_event_seconds

    def estimate_wait(self, _now: float) -> WaitEstimate:
        """Return an estimate without a wait: a cold start takes seconds."""
        return WaitEstimate(STARTING_MESSAGE)

    def invoke(self, record: JobRecord, body: bytes) -> None:
        """Invoke the function. Raises botocore's errors."""
        event = FunctionInvocation(inference_id=inference_id(record.job_id, record.attempt, record.refusals))
        if len(body) > MAX_INLINE_BYTES:
            key = invocation_key(record.job_id, record.attempt)
            event.input_location = store_invocation(self._s3, self._settings.bucket, key, body)
        else:
            event.invocation = json.loads(body)
        self._functions.invoke(
            FunctionName=self._settings.cpu_function,
            InvocationType="Event",
            Payload=event.model_dump_json(exclude_none=True).encode(),
        )

    def record_invocation(self, record: JobRecord) -> None:
        """Do nothing: no cold start is claimed."""

    def postponement(self, error: ClientError | BotoCoreError) -> Postponement | None:
        """Return a wait for a function that is being deployed or prepared; None for another error."""
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code == "ResourceNotFoundException":
            return Postponement(ABSENT_FUNCTION_MESSAGE, ABSENT_FUNCTION_DELAY_SECONDS)
        if code in _INACTIVE:
            return Postponement(INACTIVE_FUNCTION_MESSAGE, INACTIVE_FUNCTION_DELAY_SECONDS)
        return None
