"""The request guard: an ASGI application around a local server that lets through what it can vouch for."""

import logging
from collections.abc import Callable, Collection, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.local.access.refusals import Refused, render
from infra.local.access.request import Request
from infra.local.access.signatures import Verifier

logger = logging.getLogger(__name__)

NAMES = ("127.0.0.1", "localhost")
_POLICY_VIOLATION = 1008  # close code, RFC 6455


class RequestGuard:
    """Refuses requests by another name of this machine, from web pages of other origins, and without a signature.

    ``origins`` gives the origins of the web pages that may call, as they are at the moment.
    ``is_open`` says which requests need no AWS signature, since what answers them checks its callers itself.
    ``is_open_socket`` says the same of WebSocket handshakes, of which no other is let through.
    """

    def __init__(
        self,
        app: ASGIApp,
        verifier: Verifier,
        *,
        port: int,
        is_open: Callable[[Request], bool],
        is_open_socket: Callable[[Request], bool] = lambda _: False,
        origins: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._app = app
        self._verifier = verifier
        self._hosts = frozenset(f"{name}:{port}" for name in NAMES)
        self._is_open = is_open
        self._is_open_socket = is_open_socket
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI has it."""
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
            if not self._needs_signature(request, origin):
                await self._app(scope, receive, _with_cors(send, origin))
                return
            body = await _read(receive)
            if body is None:
                return
            self._verifier.verify(request, body)
        except Refused as refused:
            logger.warning("refused %s %s: %s", request.method, request.path, refused.message)
            await _refuse(refused, request, _with_cors(send, origin))
            return
        await self._app(scope, _again(body, receive), _with_cors(send, origin))

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_handshake(Request.read(scope))
        except Refused as refused:
            logger.warning("refused WebSocket %s: %s", scope["path"], refused.message)
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        await self._app(scope, receive, send)

    def _check_handshake(self, request: Request) -> None:
        self._checked_origin(request)
        if request.signed or request.presigned or not self._is_open_socket(request):
            raise Refused(403, "AccessDenied", "There is no such WebSocket API.")

    def _checked_origin(self, request: Request) -> str | None:
        """The web page's origin, None for callers that are no browser. Raises ``Refused``."""
        host = request.headers.get("host", "")
        if host not in self._hosts:  # a name of somebody else's that was pointed at this machine
            raise Refused(403, "AccessDenied", f"This server answers to {' and '.join(sorted(self._hosts))} alone.")
        origin = request.headers.get("origin")
        if origin is not None and origin not in self._origins():
            hint = f"; `darkroom up -c origins={origin}` allows it" if origin.startswith("http") else ""
            raise Refused(403, "AccessDenied", f"Web pages of {origin} may not call this stack{hint}.")
        return origin

    def _needs_signature(self, request: Request, origin: str | None) -> bool:
        """Whether a signature is checked: also where none is needed, if the request has one."""
        if request.signed or request.presigned:
            return True
        preflight = request.method == "OPTIONS" and origin is not None  # browsers send it without credentials
        return not preflight and not self._is_open(request)


def _with_cors(send: Send, origin: str | None) -> Send:
    """Let the page of ``origin`` alone read the answer: MiniStack lets every page."""

    async def send_with_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": list(_cors_headers(message, origin))}
        await send(message)

    return send_with_cors


def _cors_headers(message: MutableMapping[str, Any], origin: str | None) -> list[tuple[bytes, bytes]]:
    headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", [])]
    if origin is None:
        return [item for item in headers if not item[0].lower().startswith(b"access-control-")]
    allowed = [item for item in headers if item[0].lower() == b"access-control-allow-origin"]
    if not allowed:
        return headers
    kept = [item for item in headers if item not in allowed]
    return [*kept, (b"access-control-allow-origin", origin.encode()), (b"vary", b"Origin")]


async def _read(receive: Receive) -> bytes | None:
    """A request's whole body; None when the caller went away."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives a body that was read already, then what comes after it."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return left.pop() if left else await receive()

    return receive_again


async def _refuse(refused: Refused, request: Request, send: Send) -> None:
    service = _service(request)
    media_type, body = render(refused, content_type=request.headers.get("content-type", ""), service=service)
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-errortype", refused.code.encode()),
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})


def _service(request: Request) -> str:
    """The service that a credential scope names, empty when there is none."""
    stated = request.headers.get("authorization", "").partition("Credential=")[2].split(",")[0]
    query = next((value[0] for name, value in request.query.items() if name.lower() == "x-amz-credential"), "")
    scope = (stated or query).split("/")
    return scope[3] if len(scope) == 5 else ""
