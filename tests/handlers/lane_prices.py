"""Prices of the lanes in tests: those that the functions have by default, and one price for both."""

from typing import Any

from cloud.lane import Lane, LanePrices

PRICES = LanePrices(gpu_usd_per_hour=0.7364, cpu_usd_per_hour=0.141)


def on_the_gpu(usd_per_hour: float) -> dict[str, Any]:
    """Arguments of a budget whose jobs all run on the endpoint, at this price."""
    return {"prices": LanePrices(usd_per_hour, usd_per_hour), "lane_of": lambda _engine: Lane.GPU}
