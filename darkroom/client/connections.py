"""Connections of a client: interface of the input and output that its operations need.

Each operation is written once, as a coroutine over this interface, and has two kinds of connections.
``AsyncConnections`` waits in an event loop. ``BlockingConnections`` blocks, so its coroutines never suspend, and
``run_blocking`` runs them without a loop.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

import httpx2

Result = TypeVar("Result")


class Clock(Protocol):
    """Interface of the clock, replaceable in tests."""

    def monotonic(self) -> float:
        """Return seconds since a fixed moment."""

    async def sleep(self, seconds: float, /) -> None:
        """Wait."""


class Http(Protocol):
    """Interface of an HTTP client. Methods raise ``httpx2.TransportError`` and ``httpx2.InvalidURL``."""

    async def request(self, method: str, url: str, **options: Any) -> httpx2.Response:
        """Return the response, read to its end. ``options`` are those of ``httpx2.Client.request``."""

    async def download(
        self, url: str, check: Callable[[httpx2.Response], None], write: Callable[[bytes], object]
    ) -> None:
        """Get ``url``: call ``check`` with the status and headers, then ``write`` with each chunk of the body."""


class Socket(Protocol):
    """Interface of a WebSocket connection."""

    async def send(self, message: dict[str, Any]) -> None:
        """Send one JSON message. Raises ``ConnectionLost``."""

    async def receive(self, seconds: float) -> dict[str, Any] | None:
        """Return the next JSON message; None when none arrives within ``seconds`` (or sooner). Raises
        ``ConnectionLost``.
        """


class Connections(Protocol):
    """Interface of a client's connections: to the API, to the storage, and to the source of its token."""

    @property
    def api(self) -> Http:
        """HTTP client for the API."""

    @property
    def storage(self) -> Http:
        """HTTP client for presigned POSTs and URLs, with longer timeouts."""

    @property
    def clock(self) -> Clock:
        """Clock for retries and polling."""

    async def token(self) -> str | None:
        """Return a valid token; None to send none."""

    def forget_token(self) -> bool:
        """Discard a rejected token; return True if a new one can be had."""

    def open_socket(self, url: str, token: str | None) -> AbstractAsyncContextManager[Socket]:
        """Return a context manager of an open WebSocket. Entering raises ``ConnectionLost``."""

    async def call(self, function: Callable[[], Result]) -> Result:
        """Return the result of a function that reads files or computes."""

    async def close(self) -> None:
        """Close the connections."""
