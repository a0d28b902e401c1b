"""Retry policy: requeues a failed attempt, or fails its job."""

import time
from collections.abc import Sequence

from cloud import observability
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import ATTEMPT_STATES, JobStore
from cloud.job_queue import JobQueue
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import MAX_ATTEMPTS
from darkroom.contract.results import StageTime
from handlers.settings import RetrySettings

TIMED_OUT_ERROR = ErrorDetail(
    code=ErrorCode.TIMED_OUT,
    message="The picture was not done in time. Try again, perhaps with a smaller photo.",
    retryable=True,
)


class RetryPolicy:
    """Decides on failed attempts: retry with exponential backoff, or fail the job."""

    def __init__(self, settings: RetrySettings, store: JobStore, queue: JobQueue) -> None:
        self._settings = settings
        self._store = store
        self._queue = queue

    def retry_or_fail(
        self,
        job_id: str,
        attempt: int,
        error: ErrorDetail,
        *,
        timeline: Sequence[StageTime] = (),
        cost_usd: float | None = None,
    ) -> JobRecord | None:
        """Requeue the job if ``error`` is retryable and attempts are left; otherwise fail it.

        Returns the updated job, or None if the attempt is outdated and nothing was done. A job that failed after its
        last attempt with a retryable error is also sent to the dead-letter queue.
        """
        if error.retryable and attempt < MAX_ATTEMPTS:
            delay = self._settings.retry_delay_seconds * 2 ** (attempt - 1)
            record = self._store.requeue(
                job_id,
                attempt,
                due_at=time.time() + delay + self._settings.queue_seconds,
                message=f"Trying again: {error.message}",
                cost_usd=cost_usd,
            )
            if record is not None:
                self._queue.send(record, delay=delay)
            return record
        record = self._store.fail(
            job_id, error, allowed=ATTEMPT_STATES, attempt=attempt, timeline=timeline, cost_usd=cost_usd
        )
        if record is not None:
            observability.report_job_ended(record)
            if error.retryable:
                self._queue.send_to_dead_letters(record)
        return record
