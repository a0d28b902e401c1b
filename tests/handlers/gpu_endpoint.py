"""The GPU endpoint and its capacity limits on moto."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cloud import clients
from handlers.endpoint.spend_guard import SCALABLE_DIMENSION

DEPLOYMENT = "darkroom-test"
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
MINUTES = timedelta(minutes=1)
PRICE = 12.0  # an hour: a dollar every five minutes for each instance
ENDPOINT, VARIANT = "darkroom-test-g4dn-xlarge", "gpu"


class Endpoint:
    """The endpoint and its capacity limits."""

    def __init__(self) -> None:
        self._sagemaker: Any = clients.sagemaker()
        self._scaling: Any = clients.application_autoscaling()

    def deploy(self, instances: int, *, max_instances: int = 4) -> None:
        """Create the endpoint as a deployment of the stack does."""
        role = "arn:aws:iam::123456789012:role/container"
        self._sagemaker.create_model(ModelName="m", ExecutionRoleArn=role, PrimaryContainer={"Image": "image"})
        variant = {"VariantName": VARIANT, "ModelName": "m", "InstanceType": "ml.g4dn.xlarge"}
        self._sagemaker.create_endpoint_config(
            EndpointConfigName="c",
            ProductionVariants=[{**variant, "InitialInstanceCount": instances, "InitialVariantWeight": 1.0}],
        )
        self._sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="c")
        self.limit(max_instances)

    def scale(self, instances: int) -> None:
        """Set the number of instances as auto scaling does."""
        self._sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=ENDPOINT,
            DesiredWeightsAndCapacities=[{"VariantName": VARIANT, "DesiredInstanceCount": instances}],
        )

    def delete(self) -> None:
        self._sagemaker.delete_endpoint(EndpointName=ENDPOINT)

    def limit(self, max_instances: int) -> None:
        """Set the maximum number of instances."""
        self._scaling.register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=f"endpoint/{ENDPOINT}/variant/{VARIANT}",
            ScalableDimension=SCALABLE_DIMENSION,
            MinCapacity=0,
            MaxCapacity=max_instances,
        )

    @property
    def scale_in_suspended(self) -> bool:
        """True while scaling in is suspended."""
        (target,) = self._scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
        return bool(target.get("SuspendedState", {}).get("DynamicScalingInSuspended", False))

    @property
    def limits(self) -> tuple[int, int]:
        """Minimum and maximum number of instances."""
        (target,) = self._scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
        return target["MinCapacity"], target["MaxCapacity"]


def metrics(printed: str) -> list[float]:
    """Return the values of the spend metric, in order."""
    lines = [json.loads(line) for line in printed.splitlines() if '"_aws"' in line]
    return [round(line["GpuSpendToday"][0], 6) for line in lines if "GpuSpendToday" in line]
