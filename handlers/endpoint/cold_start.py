"""Cold start monitor: wait estimates for dispatched jobs, from measured times of earlier cold starts.

An endpoint without instances takes minutes to start. The first job dispatched to it claims the cold start. When that
job's attempt has run, the time from its dispatch to its start is recorded. Jobs that arrive during a cold start claim
nothing: they wait only for its remainder, which would distort the measurement.
"""

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict

from cloud.dynamodb.job_changes import WAITING_MESSAGE, WAKING
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.versioned_item import VersionedItem
from cloud.observability import logger
from handlers.endpoint.endpoint_state import running_instances
from handlers.endpoint.gpu_spend import GpuSpendStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sagemaker import SageMakerClient

    from handlers.settings.dispatch import DispatchSettings

KEPT_DURATIONS = 8
# A claim expires after this if its job never ran (cancelled, for example): over twice the longest cold start measured.
CLAIM_SECONDS = 15 * 60
_TRIES = 3

BUDGET_SPENT_MESSAGE = "The day's GPU budget is spent: machines start again after midnight UTC"
# What a cold start may take as long as none was measured. One published for the smallest GPU took 381 seconds.
USUAL_SECONDS = 10 * 60
# All begin with WAKING. They become one of the last two when the cold start is late.
UNKNOWN_WAIT_MESSAGE = f"{WAKING}: this takes several minutes"
LONGER_WAIT_MESSAGE = f"{WAKING}: it takes longer than the last times"
LONG_WAIT_MESSAGE = f"{WAKING}: it takes longer than usual"


def partition(endpoint_name: str) -> str:
    """Return the partition key of an endpoint's cold starts in the sockets table.

    >>> partition("darkroom-main")
    'waking#darkroom-main'
    """
    return f"waking#{endpoint_name}"


def approximate_duration(seconds: float) -> str:
    """Return a duration in words.

    >>> approximate_duration(4), approximate_duration(47), approximate_duration(381)
    ('a few seconds', 'about 50 seconds', 'about 6 minutes')
    """
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds, -1):.0f} seconds"
    return f"about {seconds / 60:.0f} minutes"


class ColdStarts(BaseModel):
    """Cold starts of an endpoint.

    ``since`` (epoch seconds) is the start of the cold start under way, None once it is measured. ``seconds`` are the
    last ``KEPT_DURATIONS`` durations, newest last. ``version`` grows with every change.
    """

    model_config = ConfigDict(frozen=True)

    version: int = 0
    since: float | None = None
    seconds: tuple[float, ...] = ()

    def under_way(self, now: float) -> bool:
        """Return True if a cold start has been claimed and has not expired."""
        return self.since is not None and now - self.since < CLAIM_SECONDS

    def claimed(self, now: float) -> "ColdStarts":
        """Return a copy with a cold start that begins ``now`` (epoch seconds)."""
        return self.model_copy(update={"version": self.version + 1, "since": now})

    def measured(self, seconds: float) -> "ColdStarts":
        """Return a copy with a measured cold start of ``seconds``."""
        durations = (*self.seconds, seconds)[-KEPT_DURATIONS:]
        return ColdStarts(version=self.version + 1, seconds=durations)

    def is_late(self, now: float) -> bool:
        """Return True if the cold start under way has taken longer than the ones before."""
        return self._remaining(now) <= 0

    def message(self, now: float) -> str:
        """Return the message for a job that waits for the cold start under way."""
        if self.is_late(now):
            return LONGER_WAIT_MESSAGE if self.seconds else LONG_WAIT_MESSAGE
        if not self.seconds:
            return UNKNOWN_WAIT_MESSAGE
        return f"{WAKING}: ready in {approximate_duration(self._remaining(now))}, going by the last times"

    def _remaining(self, now: float) -> float:
        waited = now - self.since if self.since is not None and self.under_way(now) else 0.0
        return (median(self.seconds) if self.seconds else USUAL_SECONDS) - waited


NO_COLD_STARTS = ColdStarts()


class ColdStartStore:
    """Store of an endpoint's ``ColdStarts`` in one item."""

    def __init__(self, table: str, endpoint_name: str, client: "DynamoDBClient") -> None:
        self._item = VersionedItem(table, partition(endpoint_name), "wakes", client, version="version")

    def get(self) -> ColdStarts:
        """Return the cold starts (a consistent read)."""
        return ColdStarts.model_validate(self._item.get() or {})

    def claim(self, cold_starts: ColdStarts, since: float) -> bool:
        """Claim a cold start unless the item has changed since it was read as ``cold_starts``; return True if it was
        claimed.
        """
        return self._replace(cold_starts, cold_starts.claimed(since))

    def record_duration(self, record: JobRecord) -> None:
        """Record how long a job's attempt waited, if it has started and claimed the cold start under way.

        Idempotent. Raises botocore's errors.
        """
        if record.waking_since is None or record.started_at is None:
            return
        seconds = max(0.0, record.started_at - record.waking_since)
        for _ in range(_TRIES):
            cold_starts = self.get()
            if cold_starts.since != record.waking_since:
                return
            if self._replace(cold_starts, cold_starts.measured(seconds)):
                logger.info("cold start measured", job_id=record.job_id, seconds=round(seconds, 1))
                return

    def _replace(self, old: ColdStarts, new: ColdStarts) -> bool:
        return self._item.replace(old.version or None, new.model_dump(mode="json"))


@dataclass(frozen=True)
class WaitEstimate:
    """Wait estimate: the message for a job, and the epoch seconds of the cold start that it should claim, if any.

    ``asleep``: no machine runs, and one will start.
    """

    message: str = WAITING_MESSAGE
    waking_since: float | None = None
    asleep: bool = False


@dataclass(frozen=True)
class _EndpointSnapshot:
    at: float
    instances: int | None = None
    stopped: bool = False
    cold_starts: ColdStarts = NO_COLD_STARTS


class ColdStartMonitor:
    """Estimates waits from a snapshot of the endpoint, refreshed every ``look_seconds``. Failed calls are tolerated."""

    def __init__(
        self,
        settings: "DispatchSettings",
        sagemaker: "SageMakerClient",
        cold_start_store: ColdStartStore,
        spend_store: GpuSpendStore,
    ) -> None:
        self._settings = settings
        self._sagemaker = sagemaker
        self._cold_start_store = cold_start_store
        self._spend_store = spend_store
        self._snapshot = _EndpointSnapshot(at=0.0)

    def estimate_wait(self, now: float) -> WaitEstimate:
        """Return the wait estimate of a job dispatched at ``now`` (epoch seconds)."""
        if now - self._snapshot.at >= self._settings.look_seconds:
            self._snapshot = self._take_snapshot(now)
        snapshot = self._snapshot
        if snapshot.stopped:
            return WaitEstimate(BUDGET_SPENT_MESSAGE)
        if snapshot.instances != 0:
            return WaitEstimate()
        cold_starts = snapshot.cold_starts
        return WaitEstimate(cold_starts.message(now), None if cold_starts.under_way(now) else now, asleep=True)

    def record_invocation(self, record: JobRecord) -> None:
        """Claim a cold start for an invoked job, if none was under way."""
        cold_starts = self._snapshot.cold_starts
        if record.waking_since is None or cold_starts.under_way(record.waking_since):
            return
        try:
            claimed = self._cold_start_store.claim(cold_starts, record.waking_since)
            cold_starts = cold_starts.claimed(record.waking_since) if claimed else self._cold_start_store.get()
        except (ClientError, BotoCoreError, ValueError) as error:
            logger.warning("cold start not claimed", job_id=record.job_id, reason=str(error))
            return
        self._snapshot = replace(self._snapshot, cold_starts=cold_starts)

    def _take_snapshot(self, now: float) -> _EndpointSnapshot:
        try:
            spend = self._spend_store.get()
            stopped = spend is not None and spend.blocks_instances(now)
            instances = running_instances(self._sagemaker, self._settings.endpoint_name)
            cold_starts = self._cold_start_store.get() if instances == 0 else NO_COLD_STARTS
        except (ClientError, BotoCoreError, ValueError) as error:
            logger.warning("endpoint state not available", reason=str(error))
            return _EndpointSnapshot(at=now)
        return _EndpointSnapshot(at=now, instances=instances, stopped=stopped, cold_starts=cold_starts)
