"""Settings of the functions that compute the cost of attempts."""

from pydantic import Field

from cloud.lane import LanePrices
from cloud.settings import EnvironmentSettings


class PriceSettings(EnvironmentSettings):
    """Prices of both lanes' machines, by the hour."""

    instance_usd_per_hour: float = Field(0.7364, ge=0)
    cpu_usd_per_hour: float = Field(
        0.141, ge=0, description="Price of an hour of the cpu lane's function, with its memory."
    )

    @property
    def prices(self) -> LanePrices:
        """Prices of both lanes."""
        return LanePrices(gpu_usd_per_hour=self.instance_usd_per_hour, cpu_usd_per_hour=self.cpu_usd_per_hour)
