"""Serialized DynamoDB client, for tests with threads."""

import threading
from typing import Any

from cloud import clients


class Atomic:
    """Makes clients whose calls run one at a time: DynamoDB serializes writes of an item, moto does not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def client(self) -> Any:
        """Return a client whose calls wait for the lock."""
        return _SerializedClient(clients.dynamodb(), self._lock)


class _SerializedClient:
    def __init__(self, client: Any, lock: threading.Lock) -> None:
        self._client = client
        self._lock = lock

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def wait(**arguments: Any) -> Any:
            with self._lock:
                return operation(**arguments)

        return wait
