"""Every five minutes: what the GPU has cost today, and no more of it once that is too much."""

import time
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict

from handlers import clients, observe
from handlers.attributes import from_item, to_item
from handlers.observe import logger
from handlers.settings import GuardSettings
from handlers.startup import at_start
from handlers.update import Update

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sagemaker import SageMakerClient

DAY_SECONDS = 24 * 60 * 60
# After a longer silence nobody knows what ran meanwhile: reckoning all of it could stop the GPU for nothing.
UNSEEN_SECONDS = 60 * 60
DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def partition(endpoint_name: str) -> str:
    """The key in the sockets table under which an endpoint's spend lies.

    >>> partition("darkroom-main")
    'guard#darkroom-main'
    """
    return f"guard#{endpoint_name}"


class Spend(BaseModel):
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

    def counted(self, now: float, instances: int, usd_per_hour: float) -> "Spend":
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
        return Spend(day=day, usd=usd, counted_until=now, instances=instances, stopped=self.stopped)


class SpendStore:
    """The one row with an endpoint's ``Spend``.

    It lies in the sockets table, whose indexes do not see it and whose changes nobody is told of, and which every
    function of the core stack can be let to read.
    """

    def __init__(self, table: str, endpoint_name: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._key = to_item({"pk": partition(endpoint_name), "sk": "spend"})
        self._client = client

    def get(self) -> Spend | None:
        """The spend as it stands now (a consistent read), or None before the first count."""
        answer = self._client.get_item(TableName=self._table, Key=self._key, ConsistentRead=True)
        return Spend.model_validate(from_item(answer["Item"])) if "Item" in answer else None

    def replace(self, old: Spend | None, new: Spend) -> bool:
        """Write ``new`` unless somebody has counted since ``old`` was read; returns whether it was written."""
        update = Update()
        update.set(new.model_dump())
        if old is None:
            update.require_absent("counted_until")
        else:
            update.require("counted_until", "=", old.counted_until)
        try:
            self._client.update_item(TableName=self._table, Key=self._key, **update.arguments())
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True


class Guard:
    """Counts, and stops and restarts an endpoint by the number of instances that it may have."""

    def __init__(
        self, settings: GuardSettings, spends: SpendStore, sagemaker: "SageMakerClient", scaling: clients.Scaling
    ) -> None:
        self._settings = settings
        self._spends = spends
        self._sagemaker = sagemaker
        self._scaling = scaling

    def look(self, now: float) -> None:
        """Count up to ``now`` (epoch seconds) and act on it. Time counted already is not counted again."""
        instances = self._instances()
        spend = self._count(now, instances or 0)
        if spend is None:
            return
        if spend.usd > 0:  # an endpoint that rests sends nothing: a metric costs by the hour in which it is sent
            observe.spent(self._settings.endpoint_name, spend.usd)
        if instances is not None and spend.stopped:
            self._enforce(spend)

    def _count(self, now: float, instances: int) -> Spend | None:
        """The spend with the time up to ``now``; None when another look has counted it."""
        old = self._spends.get()
        if old is None:
            new = Spend(day=int(now // DAY_SECONDS), usd=0.0, counted_until=now, instances=instances)
        elif now <= old.counted_until:
            return None
        else:
            new = old.counted(now, instances, self._settings.instance_usd_per_hour)
        if new.usd >= self._settings.stop_usd and not new.stopped:
            new = new.model_copy(update={"stopped": True})
            logger.error("GPU stopped", usd=round(new.usd, 4), stop_usd=self._settings.stop_usd)
        return new if self._spends.replace(old, new) else None

    def _enforce(self, spend: Spend) -> None:
        """Keep the endpoint stopped, or let it run again: on the next day, or when the limit was raised.

        Repeated with each look during a stop: the call takes away what runs, but not from an endpoint that is being
        updated at that moment, and a deployment meanwhile may have set another limit.
        """
        if spend.usd >= self._settings.stop_usd:
            self._allow(0)
            return
        self._allow(self._settings.max_instances)
        self._spends.replace(spend, spend.model_copy(update={"stopped": False}))
        logger.info("GPU may run again", max_instances=self._settings.max_instances)

    def _allow(self, instances: int) -> None:
        endpoint, variant = self._settings.endpoint_name, self._settings.variant_name
        self._scaling.register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=f"endpoint/{endpoint}/variant/{variant}",
            ScalableDimension=DIMENSION,
            MinCapacity=0,
            MaxCapacity=instances,
        )

    def _instances(self) -> int | None:
        """How many run now, those of a deployment under way included; None without an endpoint."""
        try:
            answer = self._sagemaker.describe_endpoint(EndpointName=self._settings.endpoint_name)
        except ClientError as error:
            reason = error.response["Error"]
            if reason["Code"] == "ValidationException" and "Could not find endpoint" in reason["Message"]:
                return None
            raise
        variants: list[Any] = [
            *answer.get("ProductionVariants", []),
            *answer.get("PendingDeploymentSummary", {}).get("ProductionVariants", []),
        ]
        running: int = sum(variant.get("CurrentInstanceCount", 0) for variant in variants)
        return running


@cache
def _guard() -> Guard:
    settings = GuardSettings.read()
    spends = SpendStore(settings.sockets_table, settings.endpoint_name, clients.dynamodb())
    return Guard(settings, spends, clients.sagemaker(), clients.scaling())


@logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: LambdaContext) -> None:
    """The schedule."""
    _guard().look(time.time())


at_start(_guard)
