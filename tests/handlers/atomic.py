"""DynamoDB whose writes meet one at a time, for tests with threads."""

import threading
from typing import Any

from cloud import clients


class Atomic:
    """DynamoDB makes one write at a time of those that meet at an item; moto does when its callers take turns."""

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def client(self) -> Any:
        """A client that waits for its turn."""
        return _TakingTurns(clients.dynamodb(), self._turn)


class _TakingTurns:
    def __init__(self, client: Any, turn: threading.Lock) -> None:
        self._client = client
        self._turn = turn

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def wait(**arguments: Any) -> Any:
            with self._turn:
                return operation(**arguments)

        return wait
