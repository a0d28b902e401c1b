"""Settings of ``handlers.guard``."""

from pydantic import Field

from cloud.settings import EnvironmentSettings


class GuardSettings(EnvironmentSettings):
    """Settings of ``handlers.guard``."""

    sockets_table: str
    deployment: str = Field(description="Name of the core stack: the GPU spend is that of the deployment.")
    endpoint_name: str
    variant_name: str
    max_instances: int = Field(4, ge=1)
    instance_usd_per_hour: float = Field(0.7364, ge=0)
    stop_usd: float = Field(100.0, gt=0, description="Cost of a UTC day at which the endpoint is stopped.")
