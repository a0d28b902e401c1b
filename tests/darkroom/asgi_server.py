"""ASGI server for tests: uvicorn in a thread, on a free port of 127.0.0.1."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import socket
from typing import Any

import uvicorn


class Server(uvicorn.Server):
    """Server that stops at once. uvicorn sleeps 0.1 s before it looks whether it should stop, and 0.1 s afterwards."""

    def __init__(self, app: Any, on_startup: Callable[[], None]) -> None:
        super().__init__(uvicorn.Config(app, port=0, log_level="warning"))
        self.ready = threading.Event()
        self.url = ""
        self._on_startup = on_startup
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Stop from another thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    async def startup(self, sockets: list[socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_startup()
        await super().startup(sockets)
        self.url = f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}"
        self.ready.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await self.lifespan.shutdown()


@contextmanager
def serving(app: Any, on_startup: Callable[[], None]) -> Iterator[str]:
    """Serve an app until the block ends; give its URL. ``on_startup`` is called in the server's event loop."""
    server = Server(app, on_startup)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.ready.wait(10)
        yield server.url
    finally:
        server.stop()
        thread.join(10)
