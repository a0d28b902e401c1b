"""AWS clients, created once for all tests."""

import os
from typing import Any

import botocore.session
from botocore.config import Config


class _CachedSession:
    """Creates each client once, because that takes longer than most tests. The backend is moto's, new for each test."""

    def __init__(self) -> None:
        self._session = botocore.session.get_session()
        self._clients: dict[object, Any] = {}

    def create_client(self, service: str, *, config: Config, endpoint_url: str | None = None) -> Any:
        environment = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
        key = (service, endpoint_url, environment, repr(sorted(vars(config).items(), key=str)))
        if key not in self._clients:
            self._clients[key] = self._session.create_client(service, config=config, endpoint_url=endpoint_url)
        return self._clients[key]


CACHED_SESSION = _CachedSession()
