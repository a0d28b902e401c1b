"""What a dispatched job waits for: a machine, an endpoint that has to be woken first, or midnight.

An endpoint without instances takes minutes to come up, and how many is best told from the last times. The first job
that is given to it so claims the wake; when that job's attempt has run, the time from its dispatch to its start is
kept. Jobs that come while an instance is on its way claim nothing: theirs is the rest of a wake, not a wake.
"""

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import WAITING_MESSAGE
from cloud.dynamodb.versioned_item import VersionedItem
from cloud.observability import logger
from handlers.endpoint.endpoint_state import running_instances
from handlers.endpoint.gpu_spend import GpuSpendStore
from handlers.settings import DispatchSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sagemaker import SageMakerClient

KEPT = 8
# A claim whose job never ran (it was cancelled, say) holds for so long: no wake on record took half of it.
CLAIM_SECONDS = 15 * 60
_TRIES = 3

BUDGET_SPENT_MESSAGE = "The day's GPU budget is spent: machines start again after midnight UTC"
UNKNOWN_WAIT_MESSAGE = "Waking a GPU: this takes several minutes"
LONGER_WAIT_MESSAGE = "Waking a GPU: it takes longer than the last times"


def partition(endpoint_name: str) -> str:
    """The key in the sockets table under which an endpoint's wakes lie.

    >>> partition("darkroom-main")
    'waking#darkroom-main'
    """
    return f"waking#{endpoint_name}"


def approximate_duration(seconds: float) -> str:
    """A time as one would say it.

    >>> approximate_duration(4), approximate_duration(47), approximate_duration(381)
    ('a few seconds', 'about 50 seconds', 'about 6 minutes')
    """
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds, -1):.0f} seconds"
    return f"about {seconds / 60:.0f} minutes"


class ColdStarts(BaseModel):
    """What is known of an endpoint's wakes.

    ``since`` (epoch seconds) is when the last one was claimed, None once it is known how long it took; ``seconds`` are
    the last ``KEEP_MASK`` that are known, newest last. ``version`` grows with every change.
    """

    model_config = ConfigDict(frozen=True)

    version: int = 0
    since: float | None = None
    seconds: tuple[float, ...] = ()

    def under_way(self, now: float) -> bool:
        """Whether somebody waits for an instance already."""
        return self.since is not None and now - self.since < CLAIM_SECONDS

    def claimed(self, now: float) -> "ColdStarts":
        """These and a wake that begins ``now``."""
        return self.model_copy(update={"version": self.version + 1, "since": now})

    def measured(self, seconds: float) -> "ColdStarts":
        """These and one that took ``seconds``."""
        kept = (*self.seconds, seconds)[-KEPT:]
        return ColdStarts(version=self.version + 1, seconds=kept)

    def message(self, now: float) -> str:
        """What a job is told that waits for the wake under way."""
        if not self.seconds:
            return UNKNOWN_WAIT_MESSAGE
        waited = now - self.since if self.since is not None and self.under_way(now) else 0.0
        left = median(self.seconds) - waited
        return (
            f"Waking a GPU: ready in {approximate_duration(left)}, going by the last times"
            if left > 0
            else LONGER_WAIT_MESSAGE
        )


NO_COLD_STARTS = ColdStarts()


class ColdStartStore:
    """The one row with an endpoint's ``ColdStarts``."""

    def __init__(self, table: str, endpoint_name: str, client: "DynamoDBClient") -> None:
        self._row = VersionedItem(table, partition(endpoint_name), "wakes", client, version="version")

    def get(self) -> ColdStarts:
        """The wakes as they stand now (a consistent read)."""
        return ColdStarts.model_validate(self._row.get() or {})

    def claim(self, wakes: ColdStarts, since: float) -> bool:
        """Begin a wake unless anything has happened since ``wakes`` was read; returns whether it was begun."""
        return self._replace(wakes, wakes.claimed(since))

    def record_duration(self, record: JobRecord) -> None:
        """Keep how long the attempt of a job waited, if it has begun to run and it is its wake that is under way.

        Doing it again does nothing. Raises botocore's errors.
        """
        if record.waking_since is None or record.started_at is None:
            return
        seconds = max(0.0, record.started_at - record.waking_since)
        for _ in range(_TRIES):
            wakes = self.get()
            if wakes.since != record.waking_since:
                return
            if self._replace(wakes, wakes.measured(seconds)):
                logger.info("endpoint woken", job_id=record.job_id, seconds=round(seconds, 1))
                return

    def _replace(self, old: ColdStarts, new: ColdStarts) -> bool:
        return self._row.replace(old.version or None, new.model_dump(mode="json"))


@dataclass(frozen=True)
class WaitEstimate:
    """What a job is told, and since when (epoch seconds) it waits for a wake if it found none under way."""

    message: str = WAITING_MESSAGE
    waking_since: float | None = None


@dataclass(frozen=True)
class _EndpointSnapshot:
    at: float
    instances: int | None = None
    stopped: bool = False
    wakes: ColdStarts = NO_COLD_STARTS


class ColdStartMonitor:
    """Tells what jobs wait for, asking no more than every ``look_seconds``; what cannot be asked is not told."""

    def __init__(
        self, settings: DispatchSettings, sagemaker: "SageMakerClient", wakes: ColdStartStore, spends: GpuSpendStore
    ) -> None:
        self._settings = settings
        self._sagemaker = sagemaker
        self._wakes = wakes
        self._spends = spends
        self._look = _EndpointSnapshot(at=0.0)

    def estimate_wait(self, now: float) -> WaitEstimate:
        """What a job dispatched at ``now`` (epoch seconds) waits for."""
        if now - self._look.at >= self._settings.look_seconds:
            self._look = self._take_snapshot(now)
        look = self._look
        if look.stopped:
            return WaitEstimate(BUDGET_SPENT_MESSAGE)
        if look.instances != 0:
            return WaitEstimate()
        return WaitEstimate(look.wakes.message(now), None if look.wakes.under_way(now) else now)

    def record_invocation(self, record: JobRecord) -> None:
        """A job has been given to the endpoint: a wake begins with it, if it found none under way."""
        wakes = self._look.wakes
        if record.waking_since is None or wakes.under_way(record.waking_since):
            return
        try:
            won = self._wakes.claim(wakes, record.waking_since)
            wakes = wakes.claimed(record.waking_since) if won else self._wakes.get()
        except (ClientError, BotoCoreError, ValueError) as error:
            logger.warning("a wake was not claimed", job_id=record.job_id, reason=str(error))
            return
        self._look = replace(self._look, wakes=wakes)

    def _take_snapshot(self, now: float) -> _EndpointSnapshot:
        try:
            spend = self._spends.get()
            stopped = spend is not None and spend.blocks_instances(now)
            instances = running_instances(self._sagemaker, self._settings.endpoint_name)
            wakes = self._wakes.get() if instances == 0 else NO_COLD_STARTS
        except (ClientError, BotoCoreError, ValueError) as error:
            logger.warning("what jobs wait for is not known", reason=str(error))
            return _EndpointSnapshot(at=now)
        return _EndpointSnapshot(at=now, instances=instances, stopped=stopped, wakes=wakes)
