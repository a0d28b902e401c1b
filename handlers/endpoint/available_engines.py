"""Available engines: those that a deployment can run, by its lanes and by whether its endpoint exists."""

import time
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cloud.lane import Lane
from cloud.observability import logger
from darkroom.contract.engine import Engine
from handlers.endpoint.endpoint_state import endpoint_state
from handlers.settings.api import ApiSettings

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

# Each process asks SageMaker at most once in this time: the caller needs no token.
CACHED_SECONDS = 60


class AvailableEngines:
    """Reads which engines there are. Pass a client with short timeouts and no retries."""

    def __init__(self, settings: ApiSettings, sagemaker: "SageMakerClient") -> None:
        self._settings = settings
        self._sagemaker = sagemaker
        self._endpoint_exists = True
        self._read_at = float("-inf")

    def read(self) -> frozenset[Engine]:
        """Return the engines; those of an endpoint that SageMaker does not tell about are taken to exist."""
        if time.monotonic() - self._read_at >= CACHED_SECONDS:
            self._endpoint_exists = self._ask()
            self._read_at = time.monotonic()
        return frozenset(each for each in Engine if self._endpoint_exists or self._settings.lane_of(each) is Lane.CPU)

    def _ask(self) -> bool:
        try:
            return endpoint_state(self._sagemaker, self._settings.endpoint_name) is not None
        except (BotoCoreError, ClientError) as error:
            logger.warning("endpoint not described", reason=repr(error))
            return True
