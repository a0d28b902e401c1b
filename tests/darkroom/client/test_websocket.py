"""The client's sockets against a real WebSocket server: messages, silence, odd frames, the end, and the token."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.sync.server import ServerConnection, serve

from darkroom.client.errors import ConnectionLost
from darkroom.client.websocket import BlockingSocket, open_async_socket, open_blocking_socket

OPENERS: list[Callable[[str, str | None], AbstractAsyncContextManager[Any]]] = [open_blocking_socket, open_async_socket]


class Server:
    """Sends the frames of ``frames`` to whoever says something, then closes if ``closes``."""

    def __init__(self) -> None:
        self.frames: list[str | bytes] = []
        self.closes = False
        self.received: list[Any] = []
        self.paths: list[str] = []
        self.url = ""

    def talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.paths.append(connection.request.path)
        for text in connection:
            self.received.append(json.loads(text))
            for frame in self.frames:
                connection.send(frame)
            if self.closes:
                return


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    with serve(made.talk, "127.0.0.1", 0) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        made.url = f"ws://127.0.0.1:{running.socket.getsockname()[1]}/live"
        yield made
        running.shutdown()
        thread.join()


async def next_message(socket: Any) -> dict[str, Any]:
    """Wait for a message: a blocking socket may return None sooner than asked."""
    for _ in range(60):
        message: dict[str, Any] | None = await socket.receive(1)
        if message is not None:
            return message
    raise AssertionError("no message came")


@pytest.mark.parametrize("opened", OPENERS)
async def test_messages_come_as_they_were_sent(server: Server, opened: Any) -> None:
    server.frames = ['{"type": "job", "job": {"seq": 3}}', b'{"type": "pong"}']
    async with opened(server.url, None) as socket:
        await socket.send({"action": "subscribe"})
        assert await next_message(socket) == {"type": "job", "job": {"seq": 3}}
        assert await next_message(socket) == {"type": "pong"}
    assert server.received == [{"action": "subscribe"}]


@pytest.mark.parametrize("opened", OPENERS)
async def test_a_message_that_is_no_object_says_nothing(server: Server, opened: Any) -> None:
    server.frames = ["[1]", "null", '"text"', '{"type": "pong"}']
    async with opened(server.url, None) as socket:
        await socket.send({"action": "ping"})
        assert [await next_message(socket) for _ in range(4)] == [{}, {}, {}, {"type": "pong"}]


@pytest.mark.parametrize("opened", OPENERS)
async def test_silence_is_no_message(server: Server, opened: Any) -> None:
    async with opened(server.url, None) as socket:
        assert await socket.receive(0.01) is None
        assert await socket.receive(-1) is None


@pytest.mark.parametrize("opened", OPENERS)
@pytest.mark.parametrize("frames", [[], ["no json"]], ids=["closed", "broken"])
async def test_the_end_of_the_connection_is_an_error_of_its_own(server: Server, opened: Any, frames: list[str]) -> None:
    server.frames, server.closes = list(frames), True
    async with opened(server.url, None) as socket:
        await socket.send({"action": "ping"})
        with pytest.raises(ConnectionLost):
            await next_message(socket)


@pytest.mark.parametrize("opened", OPENERS)
async def test_nobody_there_is_a_lost_connection(opened: Any) -> None:
    with pytest.raises(ConnectionLost, match="no socket"):
        async with opened("ws://127.0.0.1:9/live", None):
            pass


@pytest.mark.parametrize("opened", OPENERS)
async def test_the_token_goes_into_the_address_quoted(server: Server, opened: Any) -> None:
    server.frames = ['{"type": "pong"}']
    for token in ("a.b&c=d", None):
        async with opened(server.url, token) as socket:
            await socket.send({"action": "ping"})
            await next_message(socket)  # now the server has seen the connection
    assert [parse_qs(urlsplit(path).query) for path in server.paths] == [{"token": ["a.b&c=d"]}, {}]


@pytest.mark.parametrize(("asked", "waited"), [(30, 1.0), (0.25, 0.25), (-1, 0.0)])
async def test_a_blocking_wait_can_be_interrupted_every_second(asked: float, waited: float) -> None:
    """On Windows a wait cannot be interrupted by Ctrl-C before its end."""
    waits: list[float] = []

    class Silent:
        def recv(self, *, timeout: float) -> str:
            waits.append(timeout)
            raise TimeoutError

    connection: Any = Silent()
    assert await BlockingSocket(connection).receive(asked) is None
    assert waits == [waited]
