"""Asynchronous connections: those of ``AsyncClient``, in an asyncio event loop."""

import asyncio
import inspect
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import httpx2

from darkroom.client.connections import Result, Socket
from darkroom.client.http_clients import async_http_client
from darkroom.client.network import TIMEOUT, TRANSFER_TIMEOUT
from darkroom.client.tokens import AsyncTokenSource, PasswordToken, StaticToken, TokenSource
from darkroom.client.websocket import open_async_socket


class AsyncClock:
    """The system's clock, whose ``sleep`` waits in the event loop."""

    def monotonic(self) -> float:
        """Return seconds since a fixed moment."""
        return time.monotonic()

    async def sleep(self, seconds: float, /) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class AsyncHttp:
    """HTTP client over ``httpx2.AsyncClient``."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.client = http

    async def request(self, method: str, url: str, **options: Any) -> httpx2.Response:
        """Return the response, read to its end."""
        return await self.client.request(method, url, **options)

    async def download(
        self, url: str, check: Callable[[httpx2.Response], None], write: Callable[[bytes], object]
    ) -> None:
        """Get ``url``: call ``check`` with the response, then ``write`` with each chunk of its body."""
        async with self.client.stream("GET", url) as response:
            check(response)
            async for chunk in response.aiter_bytes():
                write(chunk)


class AsyncConnections:
    """Connections that wait in the event loop. A cancelled call closes what it opened."""

    def __init__(
        self,
        tokens: TokenSource | AsyncTokenSource,
        transport: httpx2.AsyncBaseTransport | None = None,
        storage_transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._tokens = tokens
        self._signing_in = asyncio.Lock()
        self.clock = AsyncClock()
        self.api = AsyncHttp(async_http_client(timeout=TIMEOUT, transport=transport))
        self.storage = AsyncHttp(
            async_http_client(timeout=TRANSFER_TIMEOUT, transport=storage_transport, follow_redirects=True)
        )

    async def token(self) -> str | None:
        """Return a valid token; None to send none. A source whose ``token`` blocks is called in a thread."""
        tokens = self._tokens
        if isinstance(tokens, StaticToken):
            return tokens.token()
        if isinstance(tokens, PasswordToken):
            # Concurrent calls share one sign-in.
            async with self._signing_in:
                return await tokens.async_token()
        if inspect.iscoroutinefunction(tokens.token):
            return await cast("AsyncTokenSource", tokens).token()
        return await asyncio.to_thread(cast("TokenSource", tokens).token)

    def forget_token(self) -> bool:
        """Discard a rejected token; return True if a new one can be had."""
        return self._tokens.forget()

    def open_socket(self, url: str, token: str | None) -> AbstractAsyncContextManager[Socket]:
        """Return a context manager of an open WebSocket."""
        return open_async_socket(url, token)

    async def call(self, function: Callable[[], Result]) -> Result:
        """Return the result of ``function``, which runs in a thread."""
        return await asyncio.to_thread(function)

    async def close(self) -> None:
        """Close the connections."""
        await self.api.client.aclose()
        await self.storage.client.aclose()
