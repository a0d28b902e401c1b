"""Sweep function: every minute, ends or resends overdue jobs and removes expired subscriptions."""

import time
from collections.abc import Callable
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud import clients, observability
from cloud.dynamodb.job_record import SHARDS, JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.job_queue import JobQueue
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from handlers.jobs.retry import TIMED_OUT_ERROR, RetryPolicy
from handlers.settings import SweepSettings
from handlers.websocket.subscriptions import Subscriptions

PAGE = 100

NO_UPLOAD = ErrorDetail(
    code=ErrorCode.UPLOAD_EXPIRED,
    message="The pictures were not uploaded in time. Submit the job again.",
    retryable=True,
)
QUEUED_TOO_LONG = ErrorDetail(
    code=ErrorCode.TIMED_OUT,
    message="No machine took the job in time. Submit it again later.",
    retryable=True,
)


class Sweeper:
    """Handles overdue jobs and expired subscriptions."""

    def __init__(
        self,
        settings: SweepSettings,
        store: JobStore,
        retry: RetryPolicy,
        queue: JobQueue,
        subscriptions: Subscriptions,
    ) -> None:
        self._settings = settings
        self._store = store
        self._retry = retry
        self._queue = queue
        self._subscriptions = subscriptions

    def sweep(self, now: float) -> None:
        """Handle everything due at ``now`` (epoch seconds), up to ``PAGE`` jobs of each shard.

        A failure does not stop the other jobs; the first error is raised at the end.
        """
        counts: dict[str, int] = {}
        errors: list[Exception] = []

        def attempt(what: Callable[[], str]) -> None:
            try:
                done = what()
            except Exception as error:
                logger.exception("sweeping one item failed")
                errors.append(error)
            else:
                counts[done] = counts.get(done, 0) + 1

        for shard in SHARDS:
            for job_id in self._store.due(shard, now, limit=PAGE):
                attempt(lambda job_id=job_id: self._handle_due_job(job_id, now))  # type: ignore[misc] # bound at once
            attempt(lambda shard=shard: self._forget_sockets(shard, now))  # type: ignore[misc] # bound at once
        logger.info("swept", counts=counts)
        if errors:
            raise errors[0]

    def _handle_due_job(self, job_id: str, now: float) -> str:
        record = self._store.get(job_id)
        if record is None or record.due_at is None or record.due_at > now:
            return "moved_on"
        match record.state:
            case State.AWAITING_UPLOAD:
                changed = self._store.expire(job_id, NO_UPLOAD, now=now)
                if changed is not None:
                    observability.report_job_ended(changed)
            case State.QUEUED:
                changed = self._queued(record, now)
            case _:
                changed = self._retry.retry_or_fail(job_id, record.attempt, TIMED_OUT_ERROR)
        return f"{record.state}_to_{changed.state}" if changed is not None else "moved_on"

    def _queued(self, record: JobRecord, now: float) -> JobRecord | None:
        if now - record.updated_at.timestamp() > self._settings.queue_limit_seconds:
            failed = self._store.fail(record.job_id, QUEUED_TOO_LONG, allowed={State.QUEUED}, attempt=record.attempt)
            if failed is not None:
                observability.report_job_ended(failed)
                self._queue.send_to_dead_letters(failed)
            return failed
        later = now + self._settings.queue_seconds
        postponed = self._store.postpone(record.job_id, State.QUEUED, due_at=later)
        if postponed is not None:
            self._queue.send(postponed)
        return postponed

    def _forget_sockets(self, shard: str, now: float) -> str:
        self._subscriptions.remove_expired(shard, now)
        return "sockets"


@cache
def _sweeper() -> Sweeper:
    settings = SweepSettings.read()
    dynamodb = clients.dynamodb()
    store = JobStore(settings.jobs_table, dynamodb)
    queue = JobQueue(clients.sqs(), settings.queue_url, settings.dead_letter_queue_url)
    subscriptions = Subscriptions(settings.sockets_table, dynamodb)
    return Sweeper(settings, store, RetryPolicy(settings, store, queue), queue, subscriptions)


@logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: LambdaContext) -> None:
    """Run the scheduled sweep."""
    _sweeper().sweep(time.time())


run_during_init(_sweeper)
