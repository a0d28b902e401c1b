"""Outcome processor: completes jobs whose attempt succeeded, and retries or fails those whose attempt failed.

Nothing else writes ``completed``, except for results of the result cache.
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from cloud import job_metrics
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.invocation import Abandoned, Completed, Failed, Invocation, Outcome, parse_inference_id
from cloud.lane import Lane
from cloud.observability import logger
from cloud.outcome_notice import COMPLETED, lane_of_source
from cloud.s3.conditions import MISSING_CODES
from cloud.s3.keys import parse_s3_uri
from darkroom.contract.errors import DarkroomError, ErrorCode, ErrorDetail
from darkroom.contract.kinds import VIDEO_KINDS
from darkroom.contract.results import StageTime
from handlers.endpoint.cold_start import ColdStartStore
from handlers.endpoint.running_videos import RunningVideoStore
from handlers.jobs.result_cache import ResultCache
from handlers.jobs.retry import TIMED_OUT_ERROR, RetryPolicy
from handlers.settings.finished import FinishedSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_outcome_adapter: TypeAdapter[Completed | Failed | Abandoned] = TypeAdapter(Outcome)

CONTAINER_FAILED_ERROR = ErrorDetail(
    code=ErrorCode.CONTAINER_FAILED,
    message="The machine that made this picture failed. Submitting the job again usually helps.",
    retryable=True,
)
OUT_OF_MEMORY_ERROR = ErrorDetail(
    code=ErrorCode.OUT_OF_MEMORY,
    message="The machine ran out of memory. Try again, perhaps with a smaller photo.",
    retryable=True,
)
# Containers answer 400 to what they cannot read. Those of 0.1.0 answer so to unknown kinds and params, too.
NOT_UNDERSTOOD = re.compile(r"received (client|server) error \(400\)")
# Fields of an invocation that every version knows. An error in one of them, or in no field, is not one of a version.
KNOWN_FIELDS = frozenset({"", *Invocation.model_fields} - {"kind", "engine", "params"})
UNKNOWN_TO_VERSION_ERROR = ErrorDetail(
    code=ErrorCode.UNKNOWN_TO_VERSION,
    message="The machine that was asked is of a version that cannot do this job yet. Submit it again later.",
    retryable=True,
)


# Words of a failure's reason, in lower case: those of SageMaker, and of Lambda's records.
_TIMED_OUT = ("timed out", "timedout", "timeout", "time out", "expired", "ttl", "eventageexceeded")
# Lambda kills the process of a function that uses more memory than it has.
_OUT_OF_MEMORY = ("signal: killed", "outofmemory", "out of memory")


def error_of_reason(reason: str) -> ErrorDetail:
    """Return the error of an attempt to which the container gave no outcome, by the reason of the failure.

    >>> error_of_reason("Runtime.ExitError: Runtime exited with error: signal: killed").code.value
    'out_of_memory'
    """
    words = reason.lower()
    if any(word in words for word in _TIMED_OUT):
        return TIMED_OUT_ERROR
    return OUT_OF_MEMORY_ERROR if any(word in words for word in _OUT_OF_MEMORY) else CONTAINER_FAILED_ERROR


class _FieldError(BaseModel):
    field: str
    message: str


class ContainerProblem(BaseModel):
    """A container's answer to an invocation that it could not read."""

    errors: list[_FieldError] = Field(min_length=1)

    def to_error(self) -> ErrorDetail:
        """Return the job's error: final, unless a container of a newer version may know what this one did not."""
        names = ", ".join(error.field for error in self.errors)
        if not any(error.field.split(".")[0] in KNOWN_FIELDS for error in self.errors):
            message = f"The machine that was asked does not know {names} yet. Submit the job again later."
            return DarkroomError(ErrorCode.UNKNOWN_TO_VERSION, message, retryable=True).detail
        what = "; ".join(f"{error.field}: {error.message}" for error in self.errors)
        message = f"The machine could not read its instructions. Tell the operator: {what}"
        return DarkroomError(ErrorCode.UNKNOWN_TO_VERSION, message).detail


class LostAttempt(Failed):
    """An attempt that crashed or timed out, so that the container returned no outcome for it."""


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _object(value: object) -> object:
    return value if isinstance(value, dict) else {}


def _s3_uri(value: object) -> str | None:
    try:
        return value if isinstance(value, str) and parse_s3_uri(value) else None
    except ValueError:
        return None


class _Response(BaseModel):
    output_location: Annotated[str | None, BeforeValidator(_s3_uri)] = Field(None, alias="outputLocation")


class _ResponseBody(BaseModel):
    """The container's response in a notification.

    AWS documents that the response is included up to 128 KB, but not in which form. Public code that reads it finds
    Base64 after a success, and text after a failure. What is in neither form is read from S3.
    """

    content: Annotated[str, BeforeValidator(_text)] = ""
    encoding: Annotated[str, BeforeValidator(_text)] = ""

    def decode(self) -> bytes | None:
        """Return the response; None if there is none, or if its encoding is unknown."""
        match self.encoding.upper():
            case "":
                return self.content.encode() or None
            case "BASE64":
                try:
                    return b64decode(self.content, validate=True) or None
                except ValueError:
                    return None
            case _:
                return None


class AsyncInferenceNotification(BaseModel):
    """Notification of a finished asynchronous invocation: SageMaker's, or the cpu lane's in its form.

    Only the inference id is required: it names the attempt. Without a status and its outcome, or the location of that,
    the attempt counts as lost, which is sooner than its deadline.

    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
    """

    inference_id: str = Field(alias="inferenceId")
    status: Annotated[str, BeforeValidator(_text)] = Field("", alias="invocationStatus")
    failure_reason: Annotated[str, BeforeValidator(_text)] = Field("", alias="failureReason")
    source: Annotated[str, BeforeValidator(_text)] = Field("", alias="eventSource")
    response: Annotated[_Response, BeforeValidator(_object)] = Field(_Response(), alias="responseParameters")
    response_body: Annotated[_ResponseBody, BeforeValidator(_object)] = Field(_ResponseBody(), alias="responseBody")


class OutcomeProcessor:
    """Moves jobs to their final state by the outcomes of their attempts."""

    def __init__(
        self,
        settings: FinishedSettings,
        store: JobStore,
        result_cache: ResultCache,
        retry: RetryPolicy,
        cold_starts: ColdStartStore,
        videos: RunningVideoStore,
        s3: "S3Client",
    ) -> None:
        self._settings = settings
        self._store = store
        self._result_cache = result_cache
        self._retry = retry
        self._cold_starts = cold_starts
        self._videos = videos
        self._s3 = s3

    def process(self, notice: AsyncInferenceNotification) -> None:
        """Apply one notification. A duplicate, or one of an outdated attempt, does nothing."""
        job_id, attempt, refusals = parse_inference_id(notice.inference_id)
        lane = lane_of_source(notice.source)
        outcome = self._read_outcome(notice, job_id, attempt)
        failed: JobRecord | None = None
        match outcome:
            case Completed():
                cost = self._cost(lane, outcome.timeline)
                record = self._store.complete(
                    job_id, attempt, result=outcome.result, timeline=outcome.timeline, cost_usd=cost
                )
                if record is not None:
                    job_metrics.report_job_ended(record)
                    self._result_cache.store(record, outcome)
                else:
                    self._delete_results(outcome)
            case Failed() if outcome.error.code is ErrorCode.UNKNOWN_TO_VERSION and outcome.error.retryable:
                record = self._retry.defer_or_fail(job_id, attempt, refusals, outcome.error)
            case Failed():
                # Without an outcome of the container, nobody knows what the attempt did with its time.
                known = None if isinstance(outcome, LostAttempt) else self._cost(lane, outcome.timeline)
                failed = self._store.get(job_id)
                record = self._retry.retry_or_fail(
                    job_id, attempt, outcome.error, timeline=outcome.timeline, cost_usd=known, before=failed
                )
            case Abandoned():
                record = None
        if record is not None:
            # A job that is queued again no longer has the start of the failed attempt.
            self._record_cold_start(failed or record)
        if record is None or record.kind in VIDEO_KINDS:  # of a job that has ended otherwise, the kind is not known
            self._videos.remove(notice.inference_id)
        logger.info("finished", job_id=job_id, attempt=attempt, outcome=outcome.status, state=record and record.state)

    def _read_outcome(
        self, notice: AsyncInferenceNotification, job_id: str, attempt: int
    ) -> Completed | Failed | Abandoned:
        if notice.status != COMPLETED:
            return self._failure(notice, job_id, attempt)
        lost = LostAttempt(job_id=job_id, attempt=attempt, error=CONTAINER_FAILED_ERROR)
        for body in self._responses(notice):
            try:
                outcome = _outcome_adapter.validate_json(body)
            except ValidationError as error:
                logger.warning("outcome is invalid", job_id=job_id, attempt=attempt, reason=str(error))
                continue
            if (outcome.job_id, outcome.attempt) == (job_id, attempt):
                return outcome
            logger.warning("outcome of another attempt", job_id=job_id, attempt=attempt)
            return lost
        logger.warning("no outcome", job_id=job_id, attempt=attempt, location=notice.response.output_location)
        return lost

    def _failure(self, notice: AsyncInferenceNotification, job_id: str, attempt: int) -> Failed:
        """Return the outcome of an invocation to which the container gave none."""
        logger.warning("invocation failed", job_id=job_id, attempt=attempt, reason=notice.failure_reason)
        reason = notice.failure_reason.lower()
        if NOT_UNDERSTOOD.search(reason):
            return Failed(job_id=job_id, attempt=attempt, error=self._refusal(notice))
        return LostAttempt(job_id=job_id, attempt=attempt, error=error_of_reason(reason))

    def _refusal(self, notice: AsyncInferenceNotification) -> ErrorDetail:
        """Return the error of an invocation that the container could not read, by its answer, if there is one."""
        for body in self._responses(notice):
            try:
                return ContainerProblem.model_validate_json(body).to_error()
            except ValidationError:
                continue
        return UNKNOWN_TO_VERSION_ERROR

    def _responses(self, notice: AsyncInferenceNotification) -> Iterator[bytes]:
        """Yield the container's response: from the notice, if that has it, and then as it is stored."""
        if (included := notice.response_body.decode()) is not None:
            yield included
        if (location := notice.response.output_location) is not None:
            stored = self._read_stored(*parse_s3_uri(location))
            if stored is not None:
                yield stored

    def _read_stored(self, bucket: str, key: str) -> bytes | None:
        """Return what SageMaker stored; None if it is gone."""
        try:
            return self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] not in MISSING_CODES:
                raise
            return None

    def _record_cold_start(self, record: JobRecord) -> None:
        """Record the cold start's duration. Errors are only logged: the job already has its outcome."""
        try:
            self._cold_starts.record_duration(record)
        except (ClientError, BotoCoreError, ValueError) as error:
            logger.warning("cold start not measured", job_id=record.job_id, reason=str(error))

    def _delete_results(self, outcome: Completed) -> None:
        """Delete the results of a job that ended otherwise, for example by cancellation, after the container's last
        check.
        """
        record = self._store.get(outcome.job_id)
        if record is not None and record.ended_without_result:
            for file in outcome.result.files:
                self._s3.delete_object(Bucket=self._settings.bucket, Key=file.key)
                logger.info("result deleted", job_id=outcome.job_id, key=file.key, state=record.state)

    def _cost(self, lane: Lane, timeline: list[StageTime]) -> float:
        return self._settings.prices.usd(lane, sum(entry.seconds for entry in timeline))
