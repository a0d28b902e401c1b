"""HTTP API client: adds the token, retries, and raises problem details as ``ProblemError``."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from darkroom.client.errors import FieldProblem, ProblemError
from darkroom.client.network import TIMEOUT, loopback_mounts, retry_after, send_with_retries
from darkroom.client.tokens import TokenSource

# Codes for responses of a gateway, which have no problem details.
_CODES = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    413: "too_large",
    422: "invalid_request",
    429: "rate_limited",
}


class Api:
    """The HTTP API at ``endpoint``. Every call is idempotent: reads, deletions, and creation with an idempotency
    key.
    """

    def __init__(self, endpoint: str, token: TokenSource, *, transport: httpx.BaseTransport | None = None) -> None:
        self._endpoint = endpoint
        self._token = token
        self._http = httpx.Client(timeout=TIMEOUT, mounts=loopback_mounts(), transport=transport)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def json(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        accepted: tuple[int, ...] = (),
    ) -> Any:
        """Return the parsed JSON of a successful response, or of one whose status is in ``accepted``.

        Raises ``ProblemError`` and ``UnreachableError``. A rejected token is renewed once, if possible.
        """

        def send() -> httpx.Response:
            token = self._token.token()
            return self._http.request(
                method,
                self._endpoint + path,
                json=body,
                params=query,
                headers={**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})},
            )

        def retried(answer: httpx.Response) -> bool:
            return answer.status_code not in accepted and _is_transient(answer)

        answer = send_with_retries(send, retried=retried)
        if answer.status_code == httpx.codes.UNAUTHORIZED and self._token.forget():
            answer = send_with_retries(send, retried=retried)
        if not answer.is_success and answer.status_code not in accepted:
            raise problem(answer)
        try:
            return answer.json()
        except ValueError as error:
            raise ProblemError(
                status=answer.status_code,
                code="internal",
                title="Not a Darkroom service",
                detail=f"{self._endpoint} answers {path} with something that is not JSON. Is this the right address?",
            ) from error

    def pages(self, path: str, query: Mapping[str, object]) -> Iterator[Any]:
        """Yield the pages of a listing, fetched on demand; None values in ``query`` are left out."""
        asked = {name: str(value) for name, value in query.items() if value is not None}
        while True:
            page = self.json("GET", path, query=asked)
            yield page
            if not page.get("cursor"):
                return
            asked["cursor"] = str(page["cursor"])


def _is_transient(answer: httpx.Response) -> bool:
    return answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.status_code >= 500


def problem(answer: httpx.Response) -> ProblemError:
    """Return the error of a response with problem details (RFC 9457), or of a gateway's own response."""
    status = answer.status_code
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {}
    phrase = answer.reason_phrase or f"HTTP {status}"
    listed = body.get("errors")
    return ProblemError(
        status=status,
        code=str(body.get("code") or _CODES.get(status, "internal" if status >= 500 else "invalid_request")),
        title=str(body.get("title") or body.get("message") or phrase),
        detail=str(body.get("detail") or ""),
        errors=tuple(
            FieldProblem(str(each.get("field", "")), str(each.get("message", "")))
            for each in (listed if isinstance(listed, list) else [])
            if isinstance(each, dict)
        ),
        retry_after=retry_after(answer),
    )
