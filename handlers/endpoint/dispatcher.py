"""Dispatcher: starts a queued job's attempt by an asynchronous invocation of the endpoint."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.invocation import MAX_INLINE_BYTES, NOTICE_SECONDS, Invocation, container_params, inference_id
from cloud.job_queue import DispatchMessage
from cloud.observability import logger
from cloud.s3.keys import invocation_key, upload_key
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from darkroom.contract.kinds import VIDEO_KINDS
from handlers.endpoint.cold_start import ColdStartMonitor
from handlers.endpoint.endpoint_state import says_absent
from handlers.endpoint.running_videos import RunningVideoStore
from handlers.jobs.retry import RetryPolicy
from handlers.settings.dispatch import DispatchSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_sagemaker_runtime.type_defs import InvokeEndpointAsyncInputTypeDef

ABSENT_ENDPOINT_DELAY_SECONDS = 60  # the same each time: a deployment ends within minutes
ABSENT_ENDPOINT_MESSAGE = "Waiting for the endpoint: it is being deployed, or was not deployed yet"
ENDPOINT_UNAVAILABLE_ERROR = ErrorDetail(
    code=ErrorCode.ENDPOINT_UNAVAILABLE,
    message="The machines that make pictures could not be reached. Try again in a few minutes.",
    retryable=True,
)


class Dispatcher:
    """Dispatches queued jobs to the endpoint."""

    def __init__(
        self,
        settings: DispatchSettings,
        store: JobStore,
        retry: RetryPolicy,
        cold_start_monitor: ColdStartMonitor,
        videos: RunningVideoStore,
        s3: "S3Client",
        runtime: "SageMakerRuntimeClient",
    ) -> None:
        self._settings = settings
        self._store = store
        self._retry = retry
        self._cold_start_monitor = cold_start_monitor
        self._videos = videos
        self._s3 = s3
        self._runtime = runtime

    def dispatch(self, message: DispatchMessage, *, redelivered: bool) -> None:
        """Start the attempt of ``message``. A late or duplicate message does nothing."""
        now = time.time()
        deadline = now + self._settings.invocation_ttl_seconds + self._settings.time_limit(message.kind)
        wait = self._cold_start_monitor.estimate_wait(now)
        record = self._store.dispatch(
            message.job_id,
            message.attempt,
            due_at=deadline + NOTICE_SECONDS,
            message=wait.message,
            waking_since=wait.waking_since,
            endpoint=self._settings.endpoint_name,
        )
        if record is None and redelivered:
            # The process may have died between its write and its call; a second call of one attempt is harmless.
            record = self._store.get(message.job_id)
        if record is None or record.state is not State.DISPATCHED or record.attempt != message.attempt:
            logger.info("nothing to dispatch", job_id=message.job_id, attempt=message.attempt)
            return
        attempt = inference_id(record.job_id, record.attempt, record.refusals)
        is_video = record.kind in VIDEO_KINDS
        if is_video:
            self._videos.add(attempt, deadline + NOTICE_SECONDS)
        try:
            self._invoke(record, attempt, deadline)
        except (ClientError, BotoCoreError) as error:
            logger.warning("endpoint not reached", job_id=record.job_id, attempt=record.attempt, reason=str(error))
            if is_video:
                self._videos.remove(attempt)
            if says_absent(error):
                # The core stack is deployed minutes before the endpoint. Attempts would be used up within seconds.
                self._retry.defer_or_fail(
                    record.job_id,
                    record.attempt,
                    record.refusals,
                    ENDPOINT_UNAVAILABLE_ERROR,
                    message=ABSENT_ENDPOINT_MESSAGE,
                    delay=ABSENT_ENDPOINT_DELAY_SECONDS,
                )
            else:
                self._retry.retry_or_fail(record.job_id, record.attempt, ENDPOINT_UNAVAILABLE_ERROR)
        else:
            self._cold_start_monitor.record_invocation(record)
            logger.info("dispatched", job_id=record.job_id, attempt=record.attempt)

    def _invoke(self, record: JobRecord, attempt: str, deadline: float) -> None:
        invocation = Invocation(
            job_id=record.job_id,
            attempt=record.attempt,
            kind=record.kind,
            engine=record.engine,
            allow_preview=record.allow_preview,
            params=container_params(record.kind, record.params),
            uploads={role: upload_key(record.job_id, role) for role in record.uploads},
            etags={role: upload.etag for role, upload in record.uploads.items() if upload.etag is not None},
            progress=record.progress,
            deadline=datetime.fromtimestamp(deadline, UTC),
            time_limit_seconds=self._settings.time_limit(record.kind),
        )
        call: InvokeEndpointAsyncInputTypeDef = {
            "EndpointName": self._settings.endpoint_name,
            "InferenceId": attempt,
            "RequestTTLSeconds": self._settings.invocation_ttl_seconds,
            "InvocationTimeoutSeconds": self._settings.time_limit(record.kind),
            "ContentType": "application/json",
            "Accept": "application/json",
        }
        body = invocation.model_dump_json().encode()
        if len(body) > MAX_INLINE_BYTES or not self._invoke_inline({**call, "Body": body}):
            key = invocation_key(record.job_id, record.attempt)
            self._s3.put_object(Bucket=self._settings.bucket, Key=key, Body=body, ContentType="application/json")
            call["InputLocation"] = f"s3://{self._settings.bucket}/{key}"
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
