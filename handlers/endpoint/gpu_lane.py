"""GPU lane: starts attempts by asynchronous invocations of the SageMaker endpoint."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cloud.dynamodb.job_record import JobRecord
from cloud.invocation import MAX_INLINE_BYTES, inference_id
from cloud.observability import logger
from cloud.s3.keys import invocation_key
from darkroom.contract.kinds import VIDEO_KINDS
from handlers.endpoint.cold_start import ColdStartMonitor, WaitEstimate
from handlers.endpoint.endpoint_state import says_absent
from handlers.endpoint.invoker import Postponement, store_invocation
from handlers.endpoint.running_videos import RunningVideoStore
from handlers.settings.dispatch import DispatchSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_sagemaker_runtime.type_defs import InvokeEndpointAsyncInputTypeDef

ABSENT_ENDPOINT_DELAY_SECONDS = 60  # the same each time: a deployment ends within minutes
ABSENT_ENDPOINT_MESSAGE = "Waiting for the endpoint: it is being deployed, or was not deployed yet"


class GpuLane:
    """Implements ``Invoker`` for the endpoint."""

    def __init__(
        self,
        settings: DispatchSettings,
        cold_start_monitor: ColdStartMonitor,
        videos: RunningVideoStore,
        s3: "S3Client",
        runtime: "SageMakerRuntimeClient",
    ) -> None:
        self._settings = settings
        self._cold_start_monitor = cold_start_monitor
        self._videos = videos
        self._s3 = s3
        self._runtime = runtime

    @property
    def endpoint(self) -> str | None:
        """Name of the endpoint."""
        return self._settings.endpoint_name

    @property
    def wait_seconds(self) -> int:
        """Longest wait of an invocation for an instance."""
        return self._settings.invocation_ttl_seconds

    def estimate_wait(self, now: float) -> WaitEstimate:
        """Return the wait estimate of a job dispatched at ``now`` (epoch seconds)."""
        return self._cold_start_monitor.estimate_wait(now)

    def invoke(self, record: JobRecord, body: bytes) -> None:
        """Invoke the endpoint. An attempt that makes a video is noted before. Raises botocore's errors."""
        attempt = inference_id(record.job_id, record.attempt, record.refusals)
        is_video = record.kind in VIDEO_KINDS
        if is_video and record.due_at is not None:
            self._videos.add(attempt, record.due_at)
        call: InvokeEndpointAsyncInputTypeDef = {
            "EndpointName": self._settings.endpoint_name,
            "InferenceId": attempt,
            "RequestTTLSeconds": self._settings.invocation_ttl_seconds,
            "InvocationTimeoutSeconds": self._settings.time_limit(record.kind),
            "ContentType": "application/json",
            "Accept": "application/json",
        }
        try:
            self._invoke(call, record, body)
        except (ClientError, BotoCoreError):
            if is_video:
                self._videos.remove(attempt)
            raise

    def record_invocation(self, record: JobRecord) -> None:
        """Claim a cold start for an invoked job, if none was under way."""
        self._cold_start_monitor.record_invocation(record)

    def postponement(self, error: ClientError | BotoCoreError) -> Postponement | None:
        """Return a wait for an endpoint that does not exist; None for another error."""
        if not says_absent(error):
            return None
        # The core stack is deployed minutes before the endpoint. Attempts would be used up within seconds.
        return Postponement(ABSENT_ENDPOINT_MESSAGE, ABSENT_ENDPOINT_DELAY_SECONDS)

    def _invoke(self, call: "InvokeEndpointAsyncInputTypeDef", record: JobRecord, body: bytes) -> None:
        if len(body) > MAX_INLINE_BYTES or not self._invoke_inline({**call, "Body": body}):
            key = invocation_key(record.job_id, record.attempt)
            call["InputLocation"] = store_invocation(self._s3, self._settings.bucket, key, body)
            self._runtime.invoke_endpoint_async(**call)

    def _invoke_inline(self, call: "InvokeEndpointAsyncInputTypeDef") -> bool:
        """Invoke the endpoint with a body. Return False if its region does not know that."""
        try:
            self._runtime.invoke_endpoint_async(**call)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError" or says_absent(error):
                raise
            logger.warning("body refused", endpoint=call["EndpointName"], reason=str(error))
            return False
        return True
