"""Lanes: where an attempt runs, and what its time there costs."""

from dataclasses import dataclass
from enum import StrEnum

from darkroom.contract.engine import Engine
from darkroom.contract.open_enum import OpenEnum

# Of a function's time, in seconds: what is left for storing a result and announcing it after the last stage.
RESERVE_SECONDS = 15


class Lane(OpenEnum):
    """Lane of an attempt."""

    GPU = "gpu"  # the SageMaker endpoint
    CPU = "cpu"  # the Lambda function


class PreviewOn(StrEnum):
    """Machine on which a deployment runs the preview engine."""

    LAMBDA = "lambda"
    ENDPOINT = "endpoint"


def lane_of(engine: Engine, preview_on: PreviewOn) -> Lane:
    """Return the lane that runs the jobs of an engine.

    >>> lane_of(Engine.PREVIEW, PreviewOn.LAMBDA), lane_of(Engine.MODELS, PreviewOn.LAMBDA)
    (<Lane.CPU: 'cpu'>, <Lane.GPU: 'gpu'>)
    """
    return Lane.CPU if engine is Engine.PREVIEW and preview_on is PreviewOn.LAMBDA else Lane.GPU


@dataclass(frozen=True)
class LanePrices:
    """Prices of an hour in US dollars: of the endpoint's instance, and of the function with its memory."""

    gpu_usd_per_hour: float
    cpu_usd_per_hour: float

    def usd(self, lane: Lane | None, seconds: float) -> float:
        """Return the cost of an attempt; no lane, as in rows of earlier versions, is the GPU's.

        >>> LanePrices(gpu_usd_per_hour=0.72, cpu_usd_per_hour=0.144).usd(Lane.CPU, 2)
        8e-05
        """
        hourly = self.cpu_usd_per_hour if lane is Lane.CPU else self.gpu_usd_per_hour
        return round(seconds * hourly / 3600, 8)
