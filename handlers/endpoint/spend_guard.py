"""Spend guard: counts the day's GPU cost, and stops or restarts the endpoint at its limit.

It also suspends scaling in while videos are made. Auto scaling takes away any instance, and a video is minutes of work.
"""

from typing import TYPE_CHECKING, Any

from cloud import clients, observability
from cloud.observability import logger
from handlers.endpoint.endpoint_state import running_instances
from handlers.endpoint.gpu_spend import DAY_SECONDS, GpuSpend, GpuSpendStore
from handlers.endpoint.running_videos import RunningVideoStore
from handlers.settings.guard import GuardSettings

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

SCALABLE_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


class SpendGuard:
    """Counts GPU spend, and stops or restarts an endpoint through its maximum capacity; protects running videos."""

    def __init__(
        self,
        settings: GuardSettings,
        spend_store: GpuSpendStore,
        videos: RunningVideoStore,
        sagemaker: "SageMakerClient",
        scaling: clients.ApplicationAutoScaling,
    ) -> None:
        self._settings = settings
        self._spend_store = spend_store
        self._videos = videos
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
        elif instances is not None:
            self._protect_videos(now)

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
            self._register(MinCapacity=0, MaxCapacity=0, SuspendedState=_scale_in(suspended=False))
            return
        self._register(MinCapacity=0, MaxCapacity=self._settings.max_instances)
        self._spend_store.replace(spend, spend.model_copy(update={"stopped": False}))
        logger.info("GPU restarted", max_instances=self._settings.max_instances)

    def _protect_videos(self, now: float) -> None:
        """Suspend scaling in while videos are made.

        Repeated at every check meanwhile: a deployment, or a stop, may have ended the suspension.
        """
        videos = self._videos.get(now)
        if not videos.running and not videos.suspended:
            return
        if videos.running and not videos.suspended:
            # Recorded first: a suspension that nobody knows of would never end.
            self._videos.mark_suspended(suspended=True)
        self._register(SuspendedState=_scale_in(suspended=videos.running))
        if not videos.running:
            self._videos.mark_suspended(suspended=False)
        logger.info("scaling in", suspended=videos.running)

    def _register(self, **values: Any) -> None:
        """Change the endpoint's scalable target; what ``values`` do not name stays."""
        endpoint, variant = self._settings.endpoint_name, self._settings.variant_name
        self._scaling.register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=f"endpoint/{endpoint}/variant/{variant}",
            ScalableDimension=SCALABLE_DIMENSION,
            **values,
        )


def _scale_in(*, suspended: bool) -> dict[str, bool]:
    return {"DynamicScalingInSuspended": suspended}
