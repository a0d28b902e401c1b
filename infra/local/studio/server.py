"""Local server of the built studio, equivalent to CloudFront in the cloud."""

from pathlib import Path
from secrets import compare_digest

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.local.studio.settings import Settings
from infra.studio_headers import CONFIG, INDEX, REVALIDATED, cache_control, security_headers

# Against DNS rebinding: a page whose name resolves to this machine must not read the local password.
_NAMES = ["127.0.0.1", "localhost"]
KEY_PARAMETER = "key"
_COOKIE_SECONDS = 30 * 24 * 3600


class _Files(StaticFiles):
    """Files of a folder; paths without an extension are routes of the app and return its page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if not Path(path).suffix:
            path = INDEX
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = cache_control(path)
        return response


class _KeyCookie:
    """Middleware that moves the key from a link's query into a cookie, and redirects to the URL without it."""

    def __init__(self, app: ASGIApp, key: str, cookie: str) -> None:
        self._app = app
        self._key = key
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and KEY_PARAMETER in (request := Request(scope)).query_params:
            url = request.url.remove_query_params(KEY_PARAMETER)
            response = RedirectResponse(url.replace(scheme="", netloc=""), status_code=303)
            if _keys_match(request.query_params[KEY_PARAMETER], self._key):
                response.set_cookie(
                    self._cookie, self._key, _COOKIE_SECONDS, path=f"/{CONFIG}", httponly=True, samesite="strict"
                )
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _Headers:
    """Middleware that adds the same headers to every response."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def application(settings: Settings) -> Starlette:
    """Return the studio's application with its configuration and headers."""
    config = settings.config.model_dump()
    key = settings.key.get_secret_value()
    cookie = f"darkroom_studio_{settings.port}"  # cookies are shared by all ports of a host

    async def read_config(request: Request) -> Response:
        known = _keys_match(request.cookies.get(cookie, ""), key)
        visible = config if known else config | {"local_user": None}
        return JSONResponse(visible, headers={"Cache-Control": REVALIDATED, "Vary": "Cookie"})

    return Starlette(
        routes=[
            Route(f"/{CONFIG}", read_config),
            Mount("/", _Files(directory=settings.folder)),
        ],
        middleware=[
            Middleware(_Headers, headers=security_headers(settings.connect_origins(), https=False)),
            Middleware(TrustedHostMiddleware, allowed_hosts=_NAMES, www_redirect=False),
            Middleware(_KeyCookie, key=key, cookie=cookie),
        ],
    )


def _keys_match(given: str, key: str) -> bool:
    return compare_digest(given.encode(), key.encode())
