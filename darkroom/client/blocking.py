"""Blocking connections: those of ``Client``, and the functions that run coroutines over them without an event loop."""

import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar, cast

import httpx2

from darkroom.client.connections import Result, Socket
from darkroom.client.http_clients import http_client
from darkroom.client.network import TIMEOUT, TRANSFER_TIMEOUT
from darkroom.client.tokens import TokenSource
from darkroom.client.websocket import open_blocking_socket

Item = TypeVar("Item")


def run_blocking(operation: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine over blocking connections to its end, and return its result.

    Raises ``RuntimeError`` for a coroutine that waits for an event loop.
    """
    try:
        operation.send(None)
    except StopIteration as finished:
        return cast("Result", finished.value)
    operation.close()
    raise RuntimeError("an operation over blocking connections waited for an event loop")


def iterate_blocking(items: AsyncGenerator[Item, None]) -> Iterator[Item]:
    """Yield the items of an asynchronous generator over blocking connections. Leaving the loop closes it."""
    try:
        while True:
            try:
                item = run_blocking(anext(items))
            except StopAsyncIteration:
                return
            yield item
    finally:
        run_blocking(items.aclose())


class BlockingClock:
    """The system's clock, whose ``sleep`` blocks."""

    def monotonic(self) -> float:
        """Return seconds since a fixed moment."""
        return time.monotonic()

    async def sleep(self, seconds: float, /) -> None:
        """Block."""
        time.sleep(seconds)


class BlockingHttp:
    """HTTP client over ``httpx2.Client``."""

    def __init__(self, http: httpx2.Client) -> None:
        self.client = http

    async def request(self, method: str, url: str, **options: Any) -> httpx2.Response:
        """Return the response, read to its end."""
        return self.client.request(method, url, **options)

    async def download(
        self, url: str, check: Callable[[httpx2.Response], None], write: Callable[[bytes], object]
    ) -> None:
        """Get ``url``: call ``check`` with the response, then ``write`` with each chunk of its body."""
        with self.client.stream("GET", url) as response:
            check(response)
            for chunk in response.iter_bytes():
                write(chunk)


class BlockingConnections:
    """Connections whose methods block and never suspend. Thread-safe, if the source of tokens is."""

    def __init__(
        self,
        tokens: TokenSource,
        transport: httpx2.BaseTransport | None = None,
        storage_transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._tokens = tokens
        self.clock = BlockingClock()
        self.api = BlockingHttp(http_client(timeout=TIMEOUT, transport=transport))
        self.storage = BlockingHttp(
            http_client(timeout=TRANSFER_TIMEOUT, transport=storage_transport, follow_redirects=True)
        )

    async def token(self) -> str | None:
        """Return a valid token; None to send none."""
        return self._tokens.token()

    def forget_token(self) -> bool:
        """Discard a rejected token; return True if a new one can be had."""
        return self._tokens.forget()

    def open_socket(self, url: str, token: str | None) -> AbstractAsyncContextManager[Socket]:
        """Return a context manager of an open WebSocket."""
        return open_blocking_socket(url, token)

    async def call(self, function: Callable[[], Result]) -> Result:
        """Return the result of ``function``."""
        return function()

    async def close(self) -> None:
        """Close the connections."""
        self.api.client.close()
        self.storage.client.close()
