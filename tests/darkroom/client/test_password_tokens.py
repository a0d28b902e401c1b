"""Password tokens: when they are renewed, blocking and asynchronous, and that a local pool needs no proxy."""

import json
import time
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import httpx2
import pytest

from darkroom import PasswordToken, ProblemError, UnreachableError

Ask = Callable[[PasswordToken], Awaitable[str]]


async def blocking(source: PasswordToken) -> str:
    return source.token()


async def asynchronous(source: PasswordToken) -> str:
    return await source.async_token()


BOTH = pytest.mark.parametrize("ask", [blocking, asynchronous])


class Pool:
    """Grants a new token each time, for ``seconds``; None names no time."""

    def __init__(self, seconds: int | None) -> None:
        self.seconds = seconds
        self.requests: list[httpx2.Request] = []
        self.source = PasswordToken("https://cognito.test", "app", "ann", "secret", transport=self._transport())

    def _transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        expiry = {} if self.seconds is None else {"ExpiresIn": self.seconds}
        grant = {"AccessToken": f"token-{len(self.requests)}", **expiry}
        return httpx2.Response(200, json={"AuthenticationResult": grant})


@BOTH
@pytest.mark.parametrize(("seconds", "renewed"), [(300, 240), (80, 40), (120, 60), (None, 3540)])
async def test_a_token_is_renewed_a_minute_before_its_end_or_at_half_its_life(
    monkeypatch: pytest.MonkeyPatch, ask: Ask, seconds: int | None, renewed: int
) -> None:
    pool, now = Pool(seconds), time.monotonic()
    for at, token in ((0.0, "token-1"), (renewed - 0.5, "token-1"), (renewed, "token-2")):
        monkeypatch.setattr(time, "monotonic", lambda at=at: now + at)
        assert await ask(pool.source) == token
    assert [request.extensions["timeout"]["read"] for request in pool.requests] == [30.0, 30.0]


@BOTH
async def test_a_discarded_token_is_replaced(ask: Ask) -> None:
    pool = Pool(3600)
    assert await ask(pool.source) == "token-1"
    assert pool.source.forget()
    assert await ask(pool.source) == "token-2"


@BOTH
@pytest.mark.parametrize(
    ("sent", "body", "status", "words"),
    [
        (400, {"message": "Incorrect."}, 400, "ann could not sign in: Incorrect."),
        (400, {"Message": "Incorrect."}, 400, "Incorrect."),
        (400, {"__type": "NotAuthorized"}, 400, "NotAuthorized"),
        (400, {}, 400, "HTTP 400"),
        (503, "<html>", 503, "HTTP 503"),
        (200, {"ChallengeName": "SMS_MFA"}, 401, "asks for SMS_MFA"),
    ],
)
async def test_a_refusal_has_its_status_and_reason(ask: Ask, sent: int, body: Any, status: int, words: str) -> None:
    content = body if isinstance(body, str) else json.dumps(body)
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(sent, text=content))
    with pytest.raises(ProblemError, match=words) as refused:
        await ask(PasswordToken("https://cognito.test", "app", "ann", "secret", transport=transport))
    assert (refused.value.status, refused.value.code) == (status, "unauthorized")


@pytest.fixture
def local_pool() -> Iterator[str]:
    """A user pool on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"AuthenticationResult": {"AccessToken": "local"}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@BOTH
async def test_a_local_pool_is_reached_without_the_environments_proxy(
    local_pool: str, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await ask(PasswordToken(local_pool, "app", "ann", "secret")) == "local"
    with pytest.raises(UnreachableError, match=r"Nobody answers at http://127\.0\.0\.1:9"):
        await ask(PasswordToken("http://127.0.0.1:9", "app", "ann", "secret"))
