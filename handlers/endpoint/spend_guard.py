"""Spend guard: counts the day's GPU cost, and stops or restarts the endpoint at its limit."""

from typing import TYPE_CHECKING

from cloud import clients, observability
from cloud.observability import logger
from handlers.endpoint.endpoint_state import running_instances
from handlers.endpoint.gpu_spend import DAY_SECONDS, GpuSpend, GpuSpendStore
from handlers.settings.guard import GuardSettings

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

SCALABLE_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


class SpendGuard:
    """Counts GPU spend, and stops or restarts an endpoint through its maximum capacity."""

    def __init__(
        self,
        settings: GuardSettings,
        spend_store: GpuSpendStore,
        sagemaker: "SageMakerClient",
        scaling: clients.ApplicationAutoScaling,
    ) -> None:
        self._settings = settings
        self._spend_store = spend_store
        self._sagemaker = sagemaker
        self._scaling = scaling

    def check(self, now: float) -> None:
        """Count the spend up to ``now`` (epoch seconds) and enforce the limit. No time is counted twice."""
        instances = running_instances(self._sagemaker, self._settings.endpoint_name)
        spend = self._count(now, instances or 0)
        if spend is None:
            return
        if spend.usd > 0:  # an idle endpoint sends nothing: a metric is billed per hour in which it is sent
            observability.report_gpu_spend(self._settings.endpoint_name, spend.usd)
        if instances is not None and spend.stopped:
            self._enforce(spend)

    def _count(self, now: float, instances: int) -> GpuSpend | None:
        """Return the spend up to ``now``; None when a concurrent check has counted it."""
        old = self._spend_store.get()
        if old is None:
            new = GpuSpend(day=int(now // DAY_SECONDS), usd=0.0, counted_until=now, instances=instances)
        elif now <= old.counted_until:
            return None
        else:
            new = old.add_time_until(now, instances, self._settings.instance_usd_per_hour)
        if new.usd >= self._settings.stop_usd and not new.stopped:
            new = new.model_copy(update={"stopped": True})
            logger.error("GPU stopped", usd=round(new.usd, 4), stop_usd=self._settings.stop_usd)
        return new if self._spend_store.replace(old, new) else None

    def _enforce(self, spend: GpuSpend) -> None:
        """Keep the endpoint stopped, or restart it on the next day or when the limit was raised.

        Repeated at every check during a stop: the call has no effect on an endpoint that is being updated, and a
        deployment may have reset the capacity.
        """
        if spend.usd >= self._settings.stop_usd:
            self._set_max_capacity(0)
            return
        self._set_max_capacity(self._settings.max_instances)
        self._spend_store.replace(spend, spend.model_copy(update={"stopped": False}))
        logger.info("GPU restarted", max_instances=self._settings.max_instances)

    def _set_max_capacity(self, instances: int) -> None:
        endpoint, variant = self._settings.endpoint_name, self._settings.variant_name
        self._scaling.register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=f"endpoint/{endpoint}/variant/{variant}",
            ScalableDimension=SCALABLE_DIMENSION,
            MinCapacity=0,
            MaxCapacity=instances,
        )
