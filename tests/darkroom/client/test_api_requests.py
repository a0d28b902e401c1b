"""HTTP requests of the client: headers, token, pages and retries; and the words of every refusal."""

from typing import Any

import httpx2
import pytest

from darkroom.client.api import Api, problem
from darkroom.client.blocking import BlockingConnections, iterate_blocking, run_blocking
from darkroom.client.errors import FieldProblem, ProblemError
from darkroom.client.tokens import StaticToken
from darkroom.contract.version import API_VERSION


def response(status: int, body: Any = None, **headers: str) -> httpx2.Response:
    if isinstance(body, bytes):
        return httpx2.Response(status, content=body, headers=headers)
    return httpx2.Response(status, json=body, headers=headers)


@pytest.mark.parametrize(
    ("answer", "code", "title", "detail"),
    [
        (
            response(409, {"code": "conflict", "title": "Conflict", "detail": "It ended."}),
            "conflict",
            "Conflict",
            "It ended.",
        ),
        (response(401, {"message": "Unauthorized"}), "unauthorized", "Unauthorized", ""),
        (response(401, {"title": "No", "message": "Unauthorized"}), "unauthorized", "No", ""),
        (response(400, b"<html>"), "invalid_request", "Bad Request", ""),
        (response(403, []), "forbidden", "Forbidden", ""),
        (response(404), "not_found", "Not Found", ""),
        (response(409), "conflict", "Conflict", ""),
        (response(413), "too_large", "Content Too Large", ""),
        (response(422), "invalid_request", "Unprocessable Content", ""),
        (response(429), "rate_limited", "Too Many Requests", ""),
        (response(418), "invalid_request", "I'm a teapot", ""),
        (response(499), "invalid_request", "HTTP 499", ""),
        (response(500), "internal", "Internal Server Error", ""),
        (response(599), "internal", "HTTP 599", ""),
    ],
)
def test_a_refusal_has_code_and_words(answer: httpx2.Response, code: str, title: str, detail: str) -> None:
    error = problem(answer)
    assert (error.status, error.code, error.detail) == (answer.status_code, code, detail)
    assert error.title == title
    assert str(error) == f"{code}: {detail or title}"


def test_a_refusal_names_the_fields_and_the_pause() -> None:
    errors: list[Any] = [{"field": "params.style", "message": "unknown"}, "nonsense", {"message": "odd"}]
    error = problem(response(422, {"code": "invalid_request", "errors": errors}, **{"Retry-After": "7"}))
    assert error.errors == (FieldProblem("params.style", "unknown"), FieldProblem("", "odd"))
    assert error.retry_after == 7.0
    assert problem(response(422, {"errors": "nonsense"})).errors == ()


class Tokens:
    """A source whose first token is rejected."""

    def __init__(self, *values: str) -> None:
        self.values = list(values)

    def token(self) -> str:
        return self.values[0]

    def forget(self) -> bool:
        if len(self.values) == 1:
            return False
        del self.values[0]
        return True


class Service:
    """Answers one thing after the other, and records the requests."""

    def __init__(self, *answers: httpx2.Response, tokens: Any = None) -> None:
        self.answers = iter(answers)
        self.requests: list[httpx2.Request] = []
        connections = BlockingConnections(tokens or StaticToken(None), httpx2.MockTransport(self._answer))
        connections.clock.sleep = self._sleep  # type: ignore[method-assign]
        self.pauses = 0
        self.api = Api("https://service.example/live", connections)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return next(self.answers)

    async def _sleep(self, _seconds: float) -> None:
        self.pauses += 1

    def ask(self, method: str = "GET", path: str = "/jobs", **options: Any) -> Any:
        return run_blocking(self.api.json(method, path, **options))


def test_a_request_has_the_version_its_headers_and_its_token() -> None:
    service = Service(response(200, {"ok": 1}), tokens=StaticToken("secret"))
    body, query, headers = {"kind": "upscale"}, {"limit": "3"}, {"Idempotency-Key": "mine"}
    assert service.ask("POST", "/jobs", body=body, query=query, headers=headers) == {"ok": 1}
    (request,) = service.requests
    assert (request.method, str(request.url)) == ("POST", "https://service.example/live/jobs?limit=3")
    assert request.headers["Darkroom-Api-Version"] == str(API_VERSION)
    assert request.headers["Idempotency-Key"] == "mine"
    assert request.headers["Authorization"] == "Bearer secret"
    assert request.content == b'{"kind":"upscale"}'
    without = Service(response(200, {}))
    without.ask()
    assert "Authorization" not in without.requests[0].headers


def test_a_rejected_token_is_renewed_once() -> None:
    service = Service(response(401, {}), response(200, {"ok": 1}), tokens=Tokens("old", "new"))
    assert service.ask() == {"ok": 1}
    assert [request.headers["Authorization"] for request in service.requests] == ["Bearer old", "Bearer new"]
    twice = Service(response(401, {}), response(401, {}), response(200, {}), tokens=Tokens("old", "new", "newer"))
    with pytest.raises(ProblemError, match="unauthorized"):
        twice.ask()
    assert len(twice.requests) == 2
    fixed = Service(response(401, {}), response(200, {}), tokens=StaticToken("old"))
    with pytest.raises(ProblemError, match="unauthorized"):
        fixed.ask()
    assert len(fixed.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503, 599])
def test_a_passing_error_is_tried_again(status: int) -> None:
    service = Service(response(status), response(200, {"ok": 1}))
    assert (service.ask(), service.pauses) == ({"ok": 1}, 1)


def test_an_accepted_status_is_an_answer() -> None:
    service = Service(response(503, {"status": "down"}))
    assert (service.ask(accepted=(503,)), service.pauses) == ({"status": "down"}, 0)


def test_something_else_at_the_address_is_told() -> None:
    service = Service(response(200, b"<html>"))
    with pytest.raises(ProblemError, match="answers /jobs with something that is not JSON") as error:
        service.ask()
    assert (error.value.status, error.value.code, error.value.title) == (200, "internal", "Not a Darkroom service")


def test_pages_are_fetched_until_there_is_no_cursor() -> None:
    service = Service(response(200, {"jobs": [1], "cursor": "next"}), response(200, {"jobs": [2], "cursor": None}))
    pages = iterate_blocking(service.api.pages("/jobs", {"limit": 1, "kind": None, "status": "failed"}))
    assert next(pages) == {"jobs": [1], "cursor": "next"}
    assert len(service.requests) == 1, "the next one is fetched on demand"
    assert list(pages) == [{"jobs": [2], "cursor": None}]
    assert [str(request.url.params) for request in service.requests] == [
        "limit=1&status=failed",
        "limit=1&status=failed&cursor=next",
    ]
