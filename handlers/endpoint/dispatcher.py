"""Dispatcher: starts a queued job's attempt by an asynchronous invocation on the lane of its engine."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.invocation import NOTICE_SECONDS, Invocation, container_params
from cloud.job_queue import DispatchMessage
from cloud.lane import Lane
from cloud.observability import logger
from cloud.s3.keys import upload_key
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from handlers.endpoint.draft_requester import DraftRequester
from handlers.endpoint.invoker import Invoker
from handlers.jobs.retry import RetryPolicy
from handlers.settings.dispatch import DispatchSettings

ENDPOINT_UNAVAILABLE_ERROR = ErrorDetail(
    code=ErrorCode.ENDPOINT_UNAVAILABLE,
    message="The machines that make pictures could not be reached. Try again in a few minutes.",
    retryable=True,
)


class Dispatcher:
    """Dispatches queued jobs to the lanes. Without ``drafts``, a deployment makes none."""

    def __init__(
        self,
        settings: DispatchSettings,
        store: JobStore,
        retry: RetryPolicy,
        lanes: Mapping[Lane, Invoker],
        drafts: DraftRequester | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._retry = retry
        self._lanes = lanes
        self._drafts = drafts

    def dispatch(self, message: DispatchMessage, *, redelivered: bool) -> None:
        """Start the attempt of ``message``. A late or duplicate message does nothing."""
        now = time.time()
        lane = self._lane_of(message)
        invoker = self._lanes[lane]
        deadline = now + invoker.wait_seconds + self._settings.time_limit(message.kind, lane)
        wait = invoker.estimate_wait(now)
        record = self._store.dispatch(
            message.job_id,
            message.attempt,
            due_at=deadline + NOTICE_SECONDS,
            message=wait.message,
            waking_since=wait.waking_since,
            endpoint=invoker.endpoint,
            lane=None if lane is Lane.GPU else lane,
        )
        if record is None and redelivered:
            # The process may have died between its write and its call; a second call of one attempt is harmless.
            record = self._store.get(message.job_id)
        if record is None or record.state is not State.DISPATCHED or record.attempt != message.attempt:
            logger.info("nothing to dispatch", job_id=message.job_id, attempt=message.attempt)
            return
        invocation = self._invocation(record, lane, deadline)
        try:
            invoker.invoke(record, invocation.model_dump_json().encode())
        except (ClientError, BotoCoreError) as error:
            logger.warning(
                "machines not reached", job_id=record.job_id, attempt=record.attempt, lane=lane, reason=str(error)
            )
            postponement = invoker.postponement(error)
            if postponement is not None:
                self._retry.defer_or_fail(
                    record.job_id,
                    record.attempt,
                    record.refusals,
                    ENDPOINT_UNAVAILABLE_ERROR,
                    message=postponement.message,
                    delay=postponement.delay,
                )
            else:
                self._retry.retry_or_fail(record.job_id, record.attempt, ENDPOINT_UNAVAILABLE_ERROR)
        else:
            invoker.record_invocation(record)
            logger.info("dispatched", job_id=record.job_id, attempt=record.attempt, lane=lane)
            if self._drafts is not None and wait.asleep:
                self._drafts.request(record, invocation)

    def _lane_of(self, message: DispatchMessage) -> Lane:
        """Return the lane of a message's job. Messages of earlier versions do not name the engine: it is read."""
        engine = message.engine
        if engine is None:
            record = self._store.get(message.job_id)
            if record is None:
                return Lane.GPU  # there is nothing to dispatch
            engine = record.engine
        return self._settings.lane_of(engine)

    def _invocation(self, record: JobRecord, lane: Lane, deadline: float) -> Invocation:
        return Invocation(
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
            time_limit_seconds=self._settings.time_limit(record.kind, lane),
        )
