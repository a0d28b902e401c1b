"""Sweeper: ends or resends overdue jobs."""

from cloud import job_metrics
from cloud.dynamodb.job_record import SHARDS, JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.lenient_item import UnreadableItem
from cloud.job_queue import JobQueue
from cloud.observability import logger
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from handlers.jobs.retry import TIMED_OUT_ERROR, RetryPolicy
from handlers.settings.sweep import SweepSettings

JOBS_PER_SHARD = 100

UPLOAD_EXPIRED_ERROR = ErrorDetail(
    code=ErrorCode.UPLOAD_EXPIRED,
    message="The pictures were not uploaded in time. Submit the job again.",
    retryable=True,
)
QUEUE_TIMEOUT_ERROR = ErrorDetail(
    code=ErrorCode.TIMED_OUT,
    message="No machine took the job in time. Submit it again later.",
    retryable=True,
)


class Sweeper:
    """Handles overdue jobs."""

    def __init__(self, settings: SweepSettings, store: JobStore, retry: RetryPolicy, queue: JobQueue) -> None:
        self._settings = settings
        self._store = store
        self._retry = retry
        self._queue = queue

    def sweep(self, now: float) -> None:
        """Handle everything due at ``now`` (epoch seconds), up to ``JOBS_PER_SHARD`` jobs of each shard.

        A failure does not stop the other jobs; the first error is raised at the end.
        """
        counts: dict[str, int] = {}
        errors: list[Exception] = []
        for shard in SHARDS:
            for job_id in self._store.due(shard, now, limit=JOBS_PER_SHARD):
                try:
                    outcome = self._handle_due_job(job_id, now)
                except Exception as error:
                    logger.exception("sweeping one item failed")
                    errors.append(error)
                else:
                    counts[outcome] = counts.get(outcome, 0) + 1
        logger.info("swept", counts=counts)
        if errors:
            raise errors[0]

    def _handle_due_job(self, job_id: str, now: float) -> str:
        try:
            record = self._store.get(job_id)
        except UnreadableItem as error:
            # Otherwise it would stay the first that is due, and keep the ones behind it waiting.
            logger.warning("due job cannot be read", job_id=job_id, reason=str(error))
            self._store.postpone_unreadable(job_id, now=now, due_at=now + self._settings.queue_seconds)
            return "unreadable"
        if record is None or record.due_at is None or record.due_at > now:
            return "moved_on"
        match record.state:
            case State.AWAITING_UPLOAD:
                updated = self._store.expire(job_id, UPLOAD_EXPIRED_ERROR, now=now)
                if updated is not None:
                    job_metrics.report_job_ended(updated)
            case State.QUEUED:
                updated = self._resend_or_fail(record, now)
            case _ if not record.state.known:
                # Its rules are those of a newer version, which may be back later.
                updated = self._store.postpone(job_id, record.state, due_at=now + self._settings.queue_seconds)
            case _:
                updated = self._retry.retry_or_fail(job_id, record.attempt, TIMED_OUT_ERROR)
        return f"{record.state}_to_{updated.state}" if updated is not None else "moved_on"

    def _resend_or_fail(self, record: JobRecord, now: float) -> JobRecord | None:
        if now - record.updated_at.timestamp() > self._settings.queue_limit_seconds:
            failed = self._store.fail(
                record.job_id, QUEUE_TIMEOUT_ERROR, allowed={State.QUEUED}, attempt=record.attempt
            )
            if failed is not None:
                job_metrics.report_job_ended(failed)
                self._queue.send_to_dead_letters(failed)
            return failed
        later = now + self._settings.queue_seconds
        postponed = self._store.postpone(record.job_id, State.QUEUED, due_at=later)
        if postponed is not None:
            self._queue.send(postponed)
        return postponed
