"""The clients of AWS, made once for all tests."""

import os
from typing import Any

import botocore.session
from botocore.config import Config


class _MadeOnce:
    """Makes each client once for all tests, as that takes longer than most of them: what there is of AWS behind the
    clients is moto's, new for each test."""

    def __init__(self) -> None:
        self._session = botocore.session.get_session()
        self._made: dict[object, Any] = {}

    def create_client(self, service: str, *, config: Config, endpoint_url: str | None = None) -> Any:
        environment = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
        key = (service, endpoint_url, environment, repr(sorted(vars(config).items(), key=str)))
        if key not in self._made:
            self._made[key] = self._session.create_client(service, config=config, endpoint_url=endpoint_url)
        return self._made[key]


MADE_ONCE = _MadeOnce()
