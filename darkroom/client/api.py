"""HTTP API client: adds the token, retries, and raises problem details as ``ProblemError``."""

import re
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx2

from darkroom.client.clock_skew import clock_hint, server_time
from darkroom.client.connections import Connections
from darkroom.client.errors import FieldProblem, ProblemError
from darkroom.client.network import retry_after, send_with_retries
from darkroom.contract.version import API_VERSION, API_VERSION_HEADER

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

_REFUSALS = frozenset({401, 403})


class Api:
    """The HTTP API at ``endpoint``. Every call is idempotent: reads, deletions, and creation with an idempotency
    key.
    """

    def __init__(self, endpoint: str, connections: Connections) -> None:
        self._endpoint = endpoint
        self._connections = connections

    async def json(
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

        async def send() -> httpx2.Response:
            token = await self._connections.token()
            authorization = {"Authorization": f"Bearer {_checked(token)}"} if token else {}
            try:
                return await self._connections.api.request(
                    method,
                    self._endpoint + path,
                    json=body,
                    params=query,
                    headers={API_VERSION_HEADER: API_VERSION, **(headers or {}), **authorization},
                )
            except UnicodeEncodeError as error:
                raise _not_unicode(error) from error

        def is_retried(response: httpx2.Response) -> bool:
            return response.status_code not in accepted and _is_transient(response)

        sleep = self._connections.clock.sleep
        response = await send_with_retries(send, sleep, is_retried=is_retried)
        if response.status_code == httpx2.codes.UNAUTHORIZED and self._connections.forget_token():
            response = await send_with_retries(send, sleep, is_retried=is_retried)
        if not response.is_success and response.status_code not in accepted:
            raise problem(response)
        try:
            return response.json()
        except ValueError as error:
            raise ProblemError(
                status=response.status_code,
                code="internal",
                title="Not a Darkroom service",
                detail=f"{self._endpoint} answers {path} with something that is not JSON. Is this the right address?",
            ) from error

    async def pages(self, path: str, query: Mapping[str, object]) -> AsyncGenerator[Any, None]:
        """Yield the pages of a listing, fetched on demand; None values in ``query`` are left out."""
        parameters = {name: str(value) for name, value in query.items() if value is not None}
        while True:
            page = await self.json("GET", path, query=parameters)
            yield page
            if not page.get("cursor"):
                return
            parameters["cursor"] = str(page["cursor"])


def _checked(token: str) -> str:
    """Return the token. Raises ``ProblemError``, which does not quote it, if no header can carry it."""
    if re.fullmatch("[!-~]+", token) is None:
        raise ProblemError(
            status=httpx2.codes.UNAUTHORIZED,
            code="unauthorized",
            title="Not a token",
            detail="The token has a space, or a character that is not ASCII; no token has one. Was all of it copied?",
        )
    return token


def _not_unicode(error: UnicodeEncodeError) -> ProblemError:
    """Return the error of a request with text that cannot be sent, such as a word of bytes that are not UTF-8."""
    return ProblemError(
        status=httpx2.codes.BAD_REQUEST,
        code="invalid_request",
        title="Not Unicode",
        detail=f"The request has text that cannot be sent, as it is not Unicode: {error.object!r}.",
    )


def _is_transient(response: httpx2.Response) -> bool:
    return response.status_code == httpx2.codes.TOO_MANY_REQUESTS or response.status_code >= 500


def problem(response: httpx2.Response) -> ProblemError:
    """Return the error of a response with problem details (RFC 9457), or of a gateway's own response."""
    status = response.status_code
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {}
    phrase = response.reason_phrase or f"HTTP {status}"
    title, detail = str(body.get("title") or body.get("message") or phrase), str(body.get("detail") or "")
    # A token that is in date here may not be so there.
    if status in _REFUSALS and (hint := clock_hint(server_time(response))):
        detail = f"{(detail or title).rstrip('.')}.{hint}"
    field_errors = body.get("errors")
    return ProblemError(
        status=status,
        code=str(body.get("code") or _CODES.get(status, "internal" if status >= 500 else "invalid_request")),
        title=title,
        detail=detail,
        errors=tuple(
            FieldProblem(str(each.get("field", "")), str(each.get("message", "")))
            for each in (field_errors if isinstance(field_errors, list) else [])
            if isinstance(each, dict)
        ),
        retry_after=retry_after(response),
    )
