"""WebSocket connections for JSON messages, blocking and asynchronous. Every failure raises ``ConnectionLost``."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import websockets.asyncio.client
import websockets.sync.client
from websockets.exceptions import WebSocketException

from darkroom.client.environment_proxy import environment_proxy
from darkroom.client.errors import ConnectionLost, EnvironmentVariableError

OPEN_SECONDS = 10.0
SLICE_SECONDS = 1.0
FAILURES = (OSError, WebSocketException, ValueError)
# ImportError: websockets needs python-socks for a SOCKS proxy.
OPENING_FAILURES = (*FAILURES, EnvironmentVariableError, ImportError)


class BlockingSocket:
    """An open WebSocket connection whose methods block."""

    def __init__(self, connection: websockets.sync.client.ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: dict[str, Any]) -> None:
        """Send one JSON message. Raises ``ConnectionLost``."""
        try:
            self._connection.send(json.dumps(message))
        except FAILURES as error:
            raise ConnectionLost(str(error)) from error

    async def receive(self, seconds: float) -> dict[str, Any] | None:
        """Return the next JSON message; None when none arrives within ``seconds`` (or sooner). Raises
        ``ConnectionLost``.
        """
        try:
            # In short waits, because on Windows a wait cannot be interrupted by Ctrl-C.
            return _decoded(self._connection.recv(timeout=max(0.0, min(seconds, SLICE_SECONDS))))
        except TimeoutError:
            return None
        except FAILURES as error:
            raise ConnectionLost(str(error)) from error


class AsyncSocket:
    """An open WebSocket connection in an event loop."""

    def __init__(self, connection: websockets.asyncio.client.ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: dict[str, Any]) -> None:
        """Send one JSON message. Raises ``ConnectionLost``."""
        try:
            await self._connection.send(json.dumps(message))
        except FAILURES as error:
            raise ConnectionLost(str(error)) from error

    async def receive(self, seconds: float) -> dict[str, Any] | None:
        """Return the next JSON message; None when none arrives within ``seconds``. Raises ``ConnectionLost``."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                text = await self._connection.recv()
            return _decoded(text)
        except TimeoutError:
            return None
        except FAILURES as error:
            raise ConnectionLost(str(error)) from error


@asynccontextmanager
async def open_blocking_socket(url: str, token: str | None) -> AsyncIterator[BlockingSocket]:
    """Connect to ``url``, authorised by ``?token=`` (browsers cannot send headers). Raises ``ConnectionLost``."""
    with ExitStack() as stack:
        try:
            opened = websockets.sync.client.connect(_authorised(url, token), **_options(url))
            connection = stack.enter_context(opened)
        except OPENING_FAILURES as error:
            raise ConnectionLost(f"no socket: {error}") from error
        yield BlockingSocket(connection)


@asynccontextmanager
async def open_async_socket(url: str, token: str | None) -> AsyncIterator[AsyncSocket]:
    """Connect to ``url`` as ``open_blocking_socket`` does, in the event loop. Raises ``ConnectionLost``."""
    async with AsyncExitStack() as stack:
        try:
            opened = websockets.asyncio.client.connect(_authorised(url, token), **_options(url))
            connection = await stack.enter_async_context(opened)
        except OPENING_FAILURES as error:
            raise ConnectionLost(f"no socket: {error}") from error
        yield AsyncSocket(connection)


def _authorised(url: str, token: str | None) -> str:
    return f"{url}?{urlencode({'token': token})}" if token else url


def _options(url: str) -> dict[str, Any]:
    return {
        "open_timeout": OPEN_SECONDS,
        "close_timeout": 1,
        # API Gateway counts only messages as activity, not ping frames: JobWatcher sends ping messages.
        "ping_interval": None,
        "proxy": environment_proxy(url),
    }


def _decoded(text: str | bytes) -> dict[str, Any]:
    message = json.loads(text)
    return message if isinstance(message, dict) else {}
