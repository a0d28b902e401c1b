"""ASGI middleware that tells the snapshot saver of calls that may change the emulator's state."""

import asyncio
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.local.snapshots.saver import SnapshotSaver

_READING_METHODS = ("GET", "HEAD", "OPTIONS")
_READING_OPERATION = re.compile(r"(?:Get|List|Describe|Query|Scan|BatchGet|Head|Filter|TransactGet)")
# Calls of the deployed APIs change nothing by themselves; their functions call the emulator.
_API = "/_aws/execute-api/"


class ChangeObserver:
    """Runs ``saver`` while ``app`` is served, and tells it of every call that may be a change."""

    def __init__(self, app: ASGIApp, saver: SnapshotSaver) -> None:
        self._app = app
        self._saver = saver
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, self._stopping(receive), self._starting(send))
            return
        if scope["type"] == "http" and _may_change(scope):
            self._saver.changed()
        await self._app(scope, receive, send)

    def _starting(self, send: Send) -> Send:
        async def send_and_start(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._task = asyncio.create_task(self._saver.run())
            await send(message)

        return send_and_start

    def _stopping(self, receive: Receive) -> Receive:
        async def receive_and_stop() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown" and self._task is not None:
                self._saver.stop()
                await self._task
            return message

        return receive_and_stop


def _may_change(scope: Scope) -> bool:
    if scope["method"] in _READING_METHODS or scope["path"].startswith(_API):
        return False
    operation = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-amz-target"), "")
    return not _READING_OPERATION.match(operation.rpartition(".")[2])
