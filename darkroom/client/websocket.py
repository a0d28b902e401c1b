"""WebSocket connection for JSON messages."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlencode

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from darkroom.client.errors import ConnectionLost
from darkroom.client.network import is_loopback

OPEN_SECONDS = 10.0
SLICE_SECONDS = 1.0


class JsonSocket:
    """An open WebSocket connection. Every failure raises ``ConnectionLost``."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def send(self, message: dict[str, Any]) -> None:
        """Send one JSON message. Raises ``ConnectionLost``."""
        try:
            self._connection.send(json.dumps(message))
        except (OSError, WebSocketException) as error:
            raise ConnectionLost(str(error)) from error

    def receive(self, seconds: float) -> dict[str, Any] | None:
        """Return the next JSON message; None when none arrives within ``seconds`` (or sooner). Raises
        ``ConnectionLost``.
        """
        try:
            # In short waits, because on Windows a wait cannot be interrupted by Ctrl-C.
            message = json.loads(self._connection.recv(timeout=max(0.0, min(seconds, SLICE_SECONDS))))
        except TimeoutError:
            return None
        except (OSError, WebSocketException, ValueError) as error:
            raise ConnectionLost(str(error)) from error
        return message if isinstance(message, dict) else {}


@contextmanager
def open_socket(url: str, token: str | None) -> Iterator[JsonSocket]:
    """Connect to ``url``, authorised by ``?token=`` (browsers cannot send headers). Raises ``ConnectionLost``."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(
                connect(
                    f"{url}?{urlencode({'token': token})}" if token else url,
                    open_timeout=OPEN_SECONDS,
                    close_timeout=1,
                    # API Gateway counts only messages as activity, not ping frames: JobWatcher sends ping messages.
                    ping_interval=None,
                    proxy=None if is_loopback(url) else True,
                )
            )
        except (OSError, WebSocketException, ValueError) as error:
            raise ConnectionLost(f"no socket: {error}") from error
        yield JsonSocket(connection)
