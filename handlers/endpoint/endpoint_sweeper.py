"""Endpoint sweeper: takes back the jobs of a deleted endpoint, and tells waiting jobs of a late cold start."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cloud.dynamodb.draft_store import DRAFT_MESSAGE, draft_message
from cloud.dynamodb.job_changes import WAKING
from cloud.dynamodb.job_record import SHARDS, JobRecord
from cloud.dynamodb.job_store import ATTEMPT_STATES, JobStore
from cloud.dynamodb.lenient_item import UnreadableItem
from cloud.lane import Lane
from cloud.observability import logger
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from handlers.endpoint.cold_start import ColdStartStore
from handlers.endpoint.endpoint_history import EndpointHistory, EndpointHistoryStore
from handlers.endpoint.endpoint_state import endpoint_state
from handlers.jobs.retry import RetryPolicy
from handlers.settings.sweep import SweepSettings

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

REPLACED_MESSAGE = "In the queue again: the machine that it waited for was replaced"
REPLACED_ERROR = ErrorDetail(
    code=ErrorCode.ENDPOINT_UNAVAILABLE,
    message="The machine that had this job was replaced before it was done. Submit the job again.",
    retryable=True,
)


class EndpointSweeper:
    """Handles jobs that a deployment of another endpoint, or a late cold start, would leave waiting without a word.

    Both are rare. In between, a sweep costs two reads of one item each. ``sagemaker`` returns the client of SageMaker,
    which is made when there is a former endpoint: its service model is a tenth of a cold start.
    """

    def __init__(
        self,
        settings: SweepSettings,
        store: JobStore,
        retry: RetryPolicy,
        history_store: EndpointHistoryStore,
        cold_start_store: ColdStartStore,
        sagemaker: "Callable[[], SageMakerClient]",
    ) -> None:
        self._settings = settings
        self._store = store
        self._retry = retry
        self._history_store = history_store
        self._cold_start_store = cold_start_store
        self._sagemaker = sagemaker
        self._reported: float | None = None

    def sweep(self, now: float) -> None:
        """Handle deleted endpoints, then a cold start that is late at ``now`` (epoch seconds)."""
        history = self._current_history()
        for former in history.former:
            # Until then its instances finish what they have. SageMaker publishes no notice for what is left.
            if endpoint_state(self._sagemaker(), former) is None:
                count = sum(self._take_back(record) for record in self._jobs_of(former))
                logger.info("endpoint replaced", endpoint=former, jobs=count)
                self._history_store.replace(history, history.without(former))
                break  # others wait for the next sweep, which reads what was written
        self._report_late_cold_start(now)

    def _current_history(self) -> EndpointHistory:
        history = self._history_store.get()
        if history.current == self._settings.endpoint_name:
            return history
        changed = history.with_current(self._settings.endpoint_name)
        return changed if self._history_store.replace(history, changed) else self._history_store.get()

    def _take_back(self, record: JobRecord) -> bool:
        """Queue a job of a deleted endpoint again. An attempt that did not run does not count."""
        if record.state is State.RUNNING:
            updated = self._retry.retry_or_fail(record.job_id, record.attempt, REPLACED_ERROR, before=record)
        else:
            updated = self._retry.defer_or_fail(
                record.job_id, record.attempt, record.refusals, REPLACED_ERROR, message=REPLACED_MESSAGE, delay=0
            )
        return updated is not None

    def _report_late_cold_start(self, now: float) -> None:
        """Change the message of jobs that wait for a cold start which is late, once for each cold start."""
        cold_starts = self._cold_start_store.get()
        if cold_starts.since == self._reported or not cold_starts.is_late(now):
            return
        late = cold_starts.message(now)
        for record in self._jobs_of(self._settings.endpoint_name):
            if record.state is State.DISPATCHED and record.message.startswith((WAKING, DRAFT_MESSAGE)):
                message = late if record.message.startswith(WAKING) else draft_message(late)
                if record.message != message:
                    self._store.report_wait(record.job_id, record.attempt, message)
        self._reported = cold_starts.since

    def _jobs_of(self, endpoint: str) -> Iterator[JobRecord]:
        """Yield the jobs that wait or run at an endpoint."""
        for shard in SHARDS:
            for job_id in self._store.open_ids(shard, ATTEMPT_STATES):
                try:
                    record = self._store.get(job_id)
                except UnreadableItem as error:
                    logger.warning("open job cannot be read", job_id=job_id, reason=str(error))
                    continue
                if record is None or record.state not in ATTEMPT_STATES or record.lane is Lane.CPU:
                    continue
                if (record.endpoint or self._settings.deployment) == endpoint:
                    yield record
