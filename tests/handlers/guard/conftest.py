"""The spend guard on moto, with an endpoint, and the scheduled check at any time."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from handlers import guard
from tests.handlers.conftest import SOCKETS
from tests.handlers.gpu_endpoint import DEPLOYMENT, ENDPOINT, PRICE, VARIANT, Endpoint


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Environment of the function as the stack sets it; clear the cached factory after a change."""
    values = {
        "SOCKETS_TABLE": SOCKETS,
        "DEPLOYMENT": DEPLOYMENT,
        "ENDPOINT_NAME": ENDPOINT,
        "VARIANT_NAME": VARIANT,
        "MAX_INSTANCES": "4",
        "INSTANCE_USD_PER_HOUR": str(PRICE),
        "STOP_USD": "10",
        "POWERTOOLS_SERVICE_NAME": "guard",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    guard._guard.cache_clear()
    yield monkeypatch
    guard._guard.cache_clear()


@pytest.fixture
def check(environment: pytest.MonkeyPatch, context: Any) -> Callable[[datetime], None]:
    """Runs the scheduled check at a time."""

    def fire(moment: datetime) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("handlers.guard.time.time", moment.timestamp)
            guard.handler({"source": "aws.events"}, context)

    return fire
