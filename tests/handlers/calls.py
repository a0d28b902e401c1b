"""Events of the HTTP API, and its responses."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from handlers.http_api.problems import Problem

Call = Callable[..., "Answer"]


class Answer:
    """A response of the HTTP API."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.status: int = raw["statusCode"]
        self.headers = {name.lower(): value for name, value in (raw.get("headers") or {}).items()}
        self.body: Any = json.loads(raw["body"])

    def problem(self, status: int, code: str) -> dict[str, Any]:
        """Return the body after checking that it is this problem."""
        assert (self.status, self.headers["content-type"]) == (status, "application/problem+json"), self.body
        Problem.model_validate(self.body)
        assert (self.body["status"], self.body["code"]) == (status, code)
        assert self.body["title"]
        assert self.body["detail"]
        found: dict[str, Any] = self.body
        return found


def request(
    method: str,
    path: str,
    body: Any = None,
    *,
    owner: str | None = "owner-1",
    headers: dict[str, str] | None = None,
    query: dict[str, Any] | None = None,
    scope: str | None = None,
    token_claims: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return an event of the HTTP API, payload format 2.0."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} /{{proxy+}}",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": {"content-type": "application/json", **(headers or {})},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            "stage": "$default",
            "requestId": "id",
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = {name: str(value) for name, value in query.items()}
    if owner is not None:
        claims = {
            "sub": owner,
            "client_id": "app",
            "token_use": "access",
            **({} if scope is None else {"scope": scope}),
        }
        claims = claims if token_claims is None else {"sub": owner, **token_claims}
        event["requestContext"]["authorizer"] = {"jwt": {"claims": claims, "scopes": None}}
    if body is not None:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    return event
