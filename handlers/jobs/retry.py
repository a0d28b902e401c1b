"""Retry policy: requeues a failed attempt, or fails its job."""

import time
from collections.abc import Sequence

from cloud import job_metrics
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import ATTEMPT_STATES, JobStore
from cloud.job_queue import JobQueue
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import MAX_ATTEMPTS, State
from darkroom.contract.results import StageTime
from handlers.settings.retry import RetrySettings

TIMED_OUT_ERROR = ErrorDetail(
    code=ErrorCode.TIMED_OUT,
    message="The picture was not done in time. Try again, perhaps with a smaller photo.",
    retryable=True,
)
NEWER_VERSION_MESSAGE = "Waiting for a machine of a newer version"
# Delay after a container's refusal; it doubles. The largest is that of SQS.
REFUSAL_DELAY_SECONDS = 60
MAX_REFUSAL_DELAY_SECONDS = 900


class RetryPolicy:
    """Decides on failed attempts: retry with exponential backoff, or fail the job."""

    def __init__(self, settings: RetrySettings, store: JobStore, queue: JobQueue) -> None:
        self._settings = settings
        self._store = store
        self._queue = queue

    def defer_or_fail(
        self,
        job_id: str,
        attempt: int,
        refusals: int,
        error: ErrorDetail,
        *,
        message: str | None = None,
        delay: int | None = None,
    ) -> JobRecord | None:
        """Requeue a job whose attempt was refused before it ran, without counting the attempt.

        ``message`` says what the job waits for: a container of a newer version if left out. ``delay`` is in seconds; it
        doubles with each refusal if left out. The job fails once it has been refused for ``queue_limit_seconds``.

        Returns the updated job, or None if the refusal is outdated and nothing was done. A job that failed is also sent
        to the dead-letter queue.
        """
        now = time.time()
        if delay is None:
            delay = min(MAX_REFUSAL_DELAY_SECONDS, REFUSAL_DELAY_SECONDS * 2 ** min(refusals, 10))
        waiting = self._store.defer(
            job_id,
            attempt,
            refusals,
            due_at=now + delay + self._settings.queue_seconds,
            now=now,
            message=message or f"{NEWER_VERSION_MESSAGE}: {error.message}",
        )
        if waiting is None:
            return None
        if now + delay - (waiting.refused_since or now) <= self._settings.queue_limit_seconds:
            self._queue.send(waiting, delay=delay)
            return waiting
        failed = self._store.fail(job_id, error, allowed={State.QUEUED}, attempt=waiting.attempt)
        if failed is not None:
            job_metrics.report_job_ended(failed)
            self._queue.send_to_dead_letters(failed)
        return failed

    def retry_or_fail(
        self,
        job_id: str,
        attempt: int,
        error: ErrorDetail,
        *,
        timeline: Sequence[StageTime] = (),
        cost_usd: float | None = None,
        before: JobRecord | None = None,
    ) -> JobRecord | None:
        """Requeue the job if ``error`` is retryable and attempts are left; otherwise fail it.

        ``cost_usd`` is the attempt's cost. If it is None, because nobody reported it, the attempt is charged its wall
        time: from its start until now, up to its time limit. An attempt that never started costs nothing. ``before`` is
        the job as the caller has just read it; without it, it is read here.

        Returns the updated job, or None if the attempt is outdated and nothing was done. A job that failed after its
        last attempt with a retryable error is also sent to the dead-letter queue.
        """
        if cost_usd is None:
            cost_usd = self._wall_time_cost(before or self._store.get(job_id), attempt)
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
            job_metrics.report_job_ended(record)
            if error.retryable:
                self._queue.send_to_dead_letters(record)
        return record

    def _wall_time_cost(self, record: JobRecord | None, attempt: int) -> float | None:
        """Return the cost of a lost attempt by the clock; None if it never started."""
        if record is None or record.attempt != attempt or record.started_at is None:
            return None
        limit = self._settings.time_limit(record.kind, record.lane)
        seconds = min(max(time.time() - record.started_at, 0.0), limit)
        return self._settings.prices.usd(record.lane, seconds)
