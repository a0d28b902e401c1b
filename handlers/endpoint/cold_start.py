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
from cloud.dynamodb.job_store import WAITING
from cloud.dynamodb.versioned_item import Row
from cloud.observability import logger
from handlers.endpoint.endpoint_state import running_instances
from handlers.endpoint.gpu_spend import SpendStore
from handlers.settings import DispatchSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sagemaker import SageMakerClient

KEPT = 8
# A claim whose job never ran (it was cancelled, say) holds for so long: no wake on record took half of it.
CLAIM_SECONDS = 15 * 60
_TRIES = 3

STOPPED = "The day's GPU budget is spent: machines start again after midnight UTC"
UNKNOWN = "Waking a GPU: this takes several minutes"
LATE = "Waking a GPU: it takes longer than the last times"


def partition(endpoint_name: str) -> str:
    """The key in the sockets table under which an endpoint's wakes lie.

    >>> partition("darkroom-main")
    'waking#darkroom-main'
    """
    return f"waking#{endpoint_name}"


def roughly(seconds: float) -> str:
    """A time as one would say it.

    >>> roughly(4), roughly(47), roughly(381)
    ('a few seconds', 'about 50 seconds', 'about 6 minutes')
    """
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds, -1):.0f} seconds"
    return f"about {seconds / 60:.0f} minutes"


class Wakes(BaseModel):
    """What is known of an endpoint's wakes.

    ``since`` (epoch seconds) is when the last one was claimed, None once it is known how long it took; ``seconds`` are
    the last ``KEPT`` that are known, newest last. ``version`` grows with every change.
    """

    model_config = ConfigDict(frozen=True)

    version: int = 0
    since: float | None = None
    seconds: tuple[float, ...] = ()

    def under_way(self, now: float) -> bool:
        """Whether somebody waits for an instance already."""
        return self.since is not None and now - self.since < CLAIM_SECONDS

    def claimed(self, now: float) -> "Wakes":
        """These and a wake that begins ``now``."""
        return self.model_copy(update={"version": self.version + 1, "since": now})

    def measured(self, seconds: float) -> "Wakes":
        """These and one that took ``seconds``."""
        kept = (*self.seconds, seconds)[-KEPT:]
        return Wakes(version=self.version + 1, seconds=kept)

    def message(self, now: float) -> str:
        """What a job is told that waits for the wake under way."""
        if not self.seconds:
            return UNKNOWN
        waited = now - self.since if self.since is not None and self.under_way(now) else 0.0
        left = median(self.seconds) - waited
        return f"Waking a GPU: ready in {roughly(left)}, going by the last times" if left > 0 else LATE


NO_WAKES = Wakes()


class WakeStore:
    """The one row with an endpoint's ``Wakes``."""

    def __init__(self, table: str, endpoint_name: str, client: "DynamoDBClient") -> None:
        self._row = Row(table, partition(endpoint_name), "wakes", client, version="version")

    def get(self) -> Wakes:
        """The wakes as they stand now (a consistent read)."""
        return Wakes.model_validate(self._row.get() or {})

    def claim(self, wakes: Wakes, since: float) -> bool:
        """Begin a wake unless anything has happened since ``wakes`` was read; returns whether it was begun."""
        return self._replace(wakes, wakes.claimed(since))

    def measure(self, record: JobRecord) -> None:
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

    def _replace(self, old: Wakes, new: Wakes) -> bool:
        return self._row.replace(old.version or None, new.model_dump(mode="json"))


@dataclass(frozen=True)
class Prospect:
    """What a job is told, and since when (epoch seconds) it waits for a wake if it found none under way."""

    message: str = WAITING
    waking_since: float | None = None


@dataclass(frozen=True)
class _Look:
    at: float
    instances: int | None = None
    stopped: bool = False
    wakes: Wakes = NO_WAKES


class Lookout:
    """Tells what jobs wait for, asking no more than every ``look_seconds``; what cannot be asked is not told."""

    def __init__(
        self, settings: DispatchSettings, sagemaker: "SageMakerClient", wakes: WakeStore, spends: SpendStore
    ) -> None:
        self._settings = settings
        self._sagemaker = sagemaker
        self._wakes = wakes
        self._spends = spends
        self._look = _Look(at=0.0)

    def prospect(self, now: float) -> Prospect:
        """What a job dispatched at ``now`` (epoch seconds) waits for."""
        if now - self._look.at >= self._settings.look_seconds:
            self._look = self._looked(now)
        look = self._look
        if look.stopped:
            return Prospect(STOPPED)
        if look.instances != 0:
            return Prospect()
        return Prospect(look.wakes.message(now), None if look.wakes.under_way(now) else now)

    def invoked(self, record: JobRecord) -> None:
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

    def _looked(self, now: float) -> _Look:
        try:
            spend = self._spends.get()
            stopped = spend is not None and spend.stops(now)
            instances = running_instances(self._sagemaker, self._settings.endpoint_name)
            wakes = self._wakes.get() if instances == 0 else NO_WAKES
        except (ClientError, BotoCoreError, ValueError) as error:
            logger.warning("what jobs wait for is not known", reason=str(error))
            return _Look(at=now)
        return _Look(at=now, instances=instances, stopped=stopped, wakes=wakes)
