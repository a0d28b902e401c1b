"""Call log: ASGI middleware of the emulator and of the stand-in, which writes each call of AWS as a line of JSON."""

import json
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.local.access.request import Request

_API = "/_aws/execute-api/"
_CONNECTIONS = "/@connections/"
_INVOCATIONS = "/async-invocations"


class CallLog:
    """ASGI middleware that appends what it serves to ``path``, except calls of ``root_key`` to others than S3.

    A line has the service, the operation, the bytes of the body and the access key. Nothing is logged while the file
    does not exist, so that CPU time can be measured without the log.
    """

    def __init__(self, app: ASGIApp, path: Path, root_key: str) -> None:
        self._app = app
        self._path = path
        self._root_key = root_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "http" and self._path.exists():
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
                text = message.get("text") or ""
                self._log({"service": "socket", "operation": "message", "bytes": len(text.encode())})
            return message

        return receive_and_log

    def _log_http(self, scope: Scope, body: bytes) -> None:
        request = Request.read(scope)
        key = request.authorization.partition("Credential=")[2].partition("/")[0]
        # The measurement's own calls. The endpoint's stand-in has the same key, and calls S3 as SageMaker does.
        if key == self._root_key and "/s3/" not in request.authorization:
            return
        if entry := _entry(request, body):
            self._log({**entry, "bytes": len(body), "key": key})

    def _log(self, entry: dict[str, Any]) -> None:
        if self._path.exists():
            with self._path.open("a") as file:
                file.write(json.dumps(entry) + "\n")


def _entry(request: Request, body: bytes) -> dict[str, Any] | None:
    """Return service and operation of a call, and what else the count needs of it; None for what is no call."""
    target = request.headers.get("x-amz-target", "")
    if _CONNECTIONS in request.path:
        return {"service": "socket", "operation": f"send {request.method}"}
    if request.path.startswith(_API):
        return {"service": "http", "operation": request.method}
    if request.path.endswith(_INVOCATIONS):
        return {"service": "SageMaker", "operation": "InvokeEndpointAsync"}
    if target:
        service, _, operation = target.partition(".")
        content = json.loads(body) if service.startswith("DynamoDB") else None
        return {"service": service.partition("_")[0], "operation": operation, "content": content}
    if request.form or request.presigned or "/s3/" in request.authorization:
        operation = "LIST" if "list-type" in request.query else request.method
        return {"service": "S3", "operation": operation, "path": request.path}
    return None


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
