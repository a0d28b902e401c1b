"""Request guard: ASGI middleware that lets only authenticated or open requests reach a local server."""

import logging
from collections.abc import Callable, Collection, Iterator, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.local.access.refusals import Refused, render, too_large
from infra.local.access.request import Request
from infra.local.access.routes import Opening
from infra.local.access.signatures import Verifier

logger = logging.getLogger(__name__)

NAMES = ("127.0.0.1", "localhost")
_POLICY_VIOLATION = 1008  # close code, RFC 6455


class RequestGuard:
    """Rejects requests with another Host, from web pages of other origins, and without a valid signature.

    ``opening`` returns the restrictions of a request that needs no AWS signature, None for one that does.
    ``opens_socket`` returns True for allowed WebSocket handshakes. ``origins`` returns the currently allowed origins.
    """

    def __init__(
        self,
        app: ASGIApp,
        verifier: Verifier,
        *,
        port: int,
        opening: Callable[[Request], Opening | None],
        opens_socket: Callable[[Request], bool] = lambda _: False,
        origins: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._app = app
        self._verifier = verifier
        self._hosts = tuple(f"{name}:{port}" for name in NAMES)
        self._opening = opening
        self._opens_socket = opens_socket
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin: str | None = None
        request = Request(scope["method"], scope["path"], "")
        try:
            request = Request.read(scope)
            origin = self._checked_origin(request)
            # A request that names a key must have a valid signature, even where none is needed.
            opening = None if request.signed or request.presigned else self._opening(request)
            requirements = opening or self._verifier.claim(request)
            body = await _read(receive, requirements.max_bytes)
            if body is None:
                return
            if requirements.check is not None:
                requirements.check(body)
        except Refused as refused:
            logger.warning("refused %s %r: %s", request.method, request.path, refused.message)
            await _refuse(refused, request, send, origin)
            return
        if opening is not None:
            headers = [item for item in scope["headers"] if not opening.drops(item[0].decode("latin-1").lower())]
            scope = {**scope, "headers": headers}
        await self._app(scope, _replay(body, receive), _with_cors(send, origin))

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_handshake(Request.read(scope))
        except Refused as refused:
            logger.warning("refused WebSocket %r: %s", scope["path"], refused.message)
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        await self._app(scope, receive, send)

    def _check_handshake(self, request: Request) -> None:
        self._checked_origin(request)
        if request.authorization or request.presigned or not self._opens_socket(request):
            raise Refused(403, "AccessDenied", "There is no such WebSocket API.")

    def _checked_origin(self, request: Request) -> str | None:
        """Return the web page's origin, None for callers other than browsers. Raises ``Refused``."""
        if request.headers.get("host") not in self._hosts:  # DNS rebinding: another name that resolves to this machine
            raise Refused(403, "AccessDenied", f"This server answers to {' and '.join(self._hosts)} alone.")
        origin = request.headers.get("origin")
        if origin is not None and origin not in self._origins():
            hint = f"; `darkroom up -c origins={origin}` allows it" if origin.startswith("http") else ""
            raise Refused(403, "AccessDenied", f"Web pages of {origin} may not call this stack{hint}.")
        return origin


def _with_cors(send: Send, origin: str | None) -> Send:
    """Allow only ``origin`` to read the response: MiniStack allows every origin."""

    async def send_with_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": list(_cors_headers(message, origin))}
        await send(message)

    return send_with_cors


def _cors_headers(message: MutableMapping[str, Any], origin: str | None) -> Iterator[tuple[bytes, bytes]]:
    for name, value in message.get("headers", []):
        if not name.lower().startswith(b"access-control-"):
            yield name, value
        elif origin is not None:
            yield name, origin.encode() if name.lower() == b"access-control-allow-origin" else value
    if origin is not None:
        yield b"vary", b"Origin"


async def _read(receive: Receive, max_bytes: int | None) -> bytes | None:
    """Return a request's whole body; None when the caller disconnected. Raises ``Refused`` when it is too long."""
    parts: list[bytes] = []
    total = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        part = message.get("body", b"")
        total += len(part)
        if max_bytes is not None and total > max_bytes:
            raise too_large(max_bytes)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that replays a body, then continues with ``receive``."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_replayed() -> Message:
        return left.pop() if left else await receive()

    return receive_replayed


async def _refuse(refused: Refused, request: Request, send: Send, origin: str | None) -> None:
    """Send the refusal as a response that ``origin`` can read."""
    media_type, body = render(refused, content_type=request.headers.get("content-type", ""), service=_service(request))
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-errortype", refused.code.encode()),
    ]
    if origin is not None:
        headers += [(b"access-control-allow-origin", origin.encode()), (b"vary", b"Origin")]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})


def _service(request: Request) -> str:
    """Return the service of the credential scope, which determines the error format; empty without one."""
    credential = request.authorization.partition("Credential=")[2].split(",")[0]
    scope = (credential or request.query.get("X-Amz-Credential", [""])[0]).split("/")
    return scope[3] if len(scope) == 5 else ""
