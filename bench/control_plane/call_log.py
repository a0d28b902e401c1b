"""Emulator that logs each call of AWS as a line of JSON: ``python -m bench.control_plane.call_log``."""

import json
import os
from pathlib import Path

from ministack import app as ministack
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.control_plane import CALL_LOG
from infra.local.access import __main__ as access
from infra.local.access.request import Request

_API = "/_aws/execute-api/"
_CONNECTIONS = "/@connections/"


class CallLog:
    """ASGI middleware that appends what it serves to ``path``, except calls of ``root_key`` to others than S3."""

    def __init__(self, app: ASGIApp, path: Path, root_key: str) -> None:
        self._app = app
        self._path = path
        self._root_key = root_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "http":
            body = await _read(receive)
            self._log_http(scope, body)
            await self._app(scope, _replay(body, receive), send)
        elif scope["type"] == "websocket":
            self._log({"service": "socket", "operation": "connect"})
            await self._app(scope, self._counting(receive), send)
        else:
            await self._app(scope, receive, send)

    def _counting(self, receive: Receive) -> Receive:
        async def receive_and_log() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive":
                self._log({"service": "socket", "operation": "message"})
            return message

        return receive_and_log

    def _log_http(self, scope: Scope, body: bytes) -> None:
        request = Request.read(scope)
        # The measurement's own calls. The endpoint's stand-in has the same key, and calls S3 as SageMaker does.
        if f"Credential={self._root_key}/" in request.authorization and "/s3/" not in request.authorization:
            return
        target = request.headers.get("x-amz-target", "")
        if _CONNECTIONS in request.path:
            self._log({"service": "socket", "operation": f"send {request.method}", "bytes": len(body)})
        elif request.path.startswith(_API):
            self._log({"service": "http", "operation": request.method})
        elif target:
            service, _, operation = target.partition(".")
            content = json.loads(body) if service.startswith("DynamoDB") else None
            self._log({"service": service.partition("_")[0], "operation": operation, "content": content})
        elif request.form or request.presigned or "/s3/" in request.authorization:
            operation = "LIST" if "list-type" in request.query else request.method
            self._log({"service": "S3", "operation": operation, "path": request.path})

    def _log(self, entry: dict[str, object]) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def main() -> None:
    """Serve until terminated."""
    folder = Path(os.environ["GUARD_FOLDER"])
    # Inside the request guard, so that refused calls do not count.
    ministack.app = CallLog(ministack.app, folder / CALL_LOG, os.environ["AWS_ACCESS_KEY_ID"])
    access.main()


if __name__ == "__main__":
    main()
