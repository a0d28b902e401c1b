"""A WebSocket connection that speaks JSON objects."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlencode

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from darkroom.client.job_watcher import ConnectionLost
from darkroom.client.network import is_loopback

OPEN_SECONDS = 10.0
SLICE_SECONDS = 1.0


class JsonSocket:
    """An open connection. Whatever fails on it is ``Lost``."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def send(self, message: dict[str, Any]) -> None:
        """Send one JSON message. Raises ``Lost``."""
        try:
            self._connection.send(json.dumps(message))
        except (OSError, WebSocketException) as error:
            raise ConnectionLost(str(error)) from error

    def receive(self, seconds: float) -> dict[str, Any] | None:
        """The next JSON message; None when none came within ``seconds`` (or sooner). Raises ``Lost``."""
        try:
            # In short waits, because on Windows Ctrl-C is not seen during one.
            message = json.loads(self._connection.recv(timeout=max(0.0, min(seconds, SLICE_SECONDS))))
        except TimeoutError:
            return None
        except (OSError, WebSocketException, ValueError) as error:
            raise ConnectionLost(str(error)) from error
        return message if isinstance(message, dict) else {}


@contextmanager
def open_socket(url: str, token: str | None) -> Iterator[JsonSocket]:
    """Connect to ``url``, authorised by ``?token=`` (browsers can send no header). Raises ``Lost`` when it fails."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(
                connect(
                    f"{url}?{urlencode({'token': token})}" if token else url,
                    open_timeout=OPEN_SECONDS,
                    close_timeout=1,
                    # API Gateway counts messages, not ping frames, as activity: Watch sends those.
                    ping_interval=None,
                    proxy=None if is_loopback(url) else True,
                )
            )
        except (OSError, WebSocketException, ValueError) as error:
            raise ConnectionLost(f"no socket: {error}") from error
        yield JsonSocket(connection)
