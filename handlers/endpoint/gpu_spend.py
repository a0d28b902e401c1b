"""What an endpoint's instances have cost today, as the guard keeps it and others may read it."""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from cloud.dynamodb.versioned_item import VersionedItem
from cloud.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY_SECONDS = 24 * 60 * 60
# After a longer silence nobody knows what ran meanwhile: reckoning all of it could stop the GPU for nothing.
UNSEEN_SECONDS = 60 * 60


def partition(endpoint_name: str) -> str:
    """The key in the sockets table under which an endpoint's spend lies.

    >>> partition("darkroom-main")
    'guard#darkroom-main'
    """
    return f"guard#{endpoint_name}"


class GpuSpend(BaseModel):
    """What is known of a UTC day's spend.

    ``day`` counts from 1970, ``usd`` is what that day has cost up to ``counted_until`` (epoch seconds), ``instances``
    ran then, and ``stopped`` says that the endpoint may have been kept from starting any.
    """

    model_config = ConfigDict(frozen=True)

    day: int
    usd: float
    counted_until: float
    instances: int
    stopped: bool = False

    def add_time_until(self, now: float, instances: int, usd_per_hour: float) -> "GpuSpend":
        """This and the time up to ``now``, in which the greater of both counts of instances is taken to have run.

        A day begins at nothing. Of a silence longer than ``UNSEEN_SECONDS`` only the end is reckoned.
        """
        if now - self.counted_until > UNSEEN_SECONDS:
            logger.warning("the guard was silent", seconds=round(now - self.counted_until))
        since = max(self.counted_until, now - UNSEEN_SECONDS)
        midnight = now // DAY_SECONDS * DAY_SECONDS
        usd_per_second = max(self.instances, instances) * usd_per_hour / 3600
        day = int(midnight // DAY_SECONDS)
        usd = self.usd if day == self.day else 0.0
        if day != self.day:
            logger.info("day ended", usd=round(self.usd + usd_per_second * max(0.0, midnight - since), 4))
        usd += usd_per_second * (now - max(since, midnight))
        return GpuSpend(day=day, usd=usd, counted_until=now, instances=instances, stopped=self.stopped)

    def blocks_instances(self, now: float) -> bool:
        """Whether no instance starts at ``now`` because of it. The next day lifts a stop within minutes."""
        return self.stopped and self.day == now // DAY_SECONDS


class GpuSpendStore:
    """The one row with an endpoint's ``GpuSpend``."""

    def __init__(self, table: str, endpoint_name: str, client: "DynamoDBClient") -> None:
        self._row = VersionedItem(table, partition(endpoint_name), "spend", client, version="counted_until")

    def get(self) -> GpuSpend | None:
        """The spend as it stands now (a consistent read), or None before the first count."""
        values = self._row.get()
        return GpuSpend.model_validate(values) if values is not None else None

    def replace(self, old: GpuSpend | None, new: GpuSpend) -> bool:
        """Write ``new`` unless somebody has counted since ``old`` was read; returns whether it was written."""
        return self._row.replace(old.counted_until if old is not None else None, new.model_dump())
