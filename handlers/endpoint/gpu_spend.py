"""GPU spend: today's cost of a deployment's instances, written by the guard function.

It belongs to the deployment: an endpoint that replaces another one on the same day has what is left of the limit.
"""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from cloud.dynamodb.versioned_item import VersionedItem
from cloud.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY_SECONDS = 24 * 60 * 60
# After a longer gap it is unknown what ran: charging all of it could stop the GPU without cause.
MAX_CHARGED_GAP_SECONDS = 60 * 60


def partition(deployment: str) -> str:
    """Return the partition key of a deployment's spend in the sockets table.

    >>> partition("darkroom-main")
    'guard#darkroom-main'
    """
    return f"guard#{deployment}"


class GpuSpend(BaseModel):
    """GPU cost of one UTC day.

    ``day`` counts from 1970. ``usd`` is the day's cost up to ``counted_until`` (epoch seconds), when ``instances`` were
    running. ``stopped`` means that the endpoint may have been stopped.
    """

    model_config = ConfigDict(frozen=True)

    day: int
    usd: float
    counted_until: float
    instances: int
    stopped: bool = False

    def add_time_until(self, now: float, instances: int, usd_per_hour: float) -> "GpuSpend":
        """Return a copy with the cost up to ``now``, for the greater of the old and new instance counts.

        A new day starts at zero. Of a gap longer than ``MAX_CHARGED_GAP_SECONDS`` only the end is charged.
        """
        if now - self.counted_until > MAX_CHARGED_GAP_SECONDS:
            logger.warning("gap between spend checks", seconds=round(now - self.counted_until))
        since = max(self.counted_until, now - MAX_CHARGED_GAP_SECONDS)
        midnight = now // DAY_SECONDS * DAY_SECONDS
        usd_per_second = max(self.instances, instances) * usd_per_hour / 3600
        day = int(midnight // DAY_SECONDS)
        usd = self.usd if day == self.day else 0.0
        if day != self.day:
            logger.info("day ended", usd=round(self.usd + usd_per_second * max(0.0, midnight - since), 4))
        usd += usd_per_second * (now - max(since, midnight))
        return GpuSpend(day=day, usd=usd, counted_until=now, instances=instances, stopped=self.stopped)

    def blocks_instances(self, now: float) -> bool:
        """Return True if no instance starts at ``now`` because of the stop. It is lifted minutes after midnight UTC."""
        return self.stopped and self.day == now // DAY_SECONDS


class GpuSpendStore:
    """Store of a deployment's ``GpuSpend`` in one item."""

    def __init__(self, table: str, deployment: str, client: "DynamoDBClient") -> None:
        self._item = VersionedItem(table, partition(deployment), "spend", client, version="counted_until")

    def get(self) -> GpuSpend | None:
        """Return the spend (a consistent read), or None before the first check."""
        values = self._item.get()
        return GpuSpend.model_validate(values) if values is not None else None

    def replace(self, old: GpuSpend | None, new: GpuSpend) -> bool:
        """Write ``new`` unless the item changed since ``old`` was read; return True if it was written."""
        return self._item.replace(old.counted_until if old is not None else None, new.model_dump())
