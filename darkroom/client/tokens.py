"""Token sources: a fixed bearer token, or a Cognito user signed in with a password."""

import threading
import time
from typing import Any, Protocol

import httpx2

from darkroom.client.clock_skew import clock_hint, server_time
from darkroom.client.errors import ProblemError, UnreachableError
from darkroom.client.http_clients import async_http_client, http_client

REFRESH_SECONDS = 60.0
SIGN_IN_SECONDS = 30.0


class TokenSource(Protocol):
    """Source of the token for each request."""

    def token(self) -> str | None:
        """Return a valid token; None to send none."""

    def forget(self) -> bool:
        """Discard a rejected token; return True if a new one can be had."""


class AsyncTokenSource(Protocol):
    """Source of the token for each request of an ``AsyncClient``."""

    async def token(self) -> str | None:
        """Return a valid token; None to send none."""

    def forget(self) -> bool:
        """Discard a rejected token; return True if a new one can be had."""


class StaticToken:
    """A fixed token, which is never renewed."""

    def __init__(self, value: str | None) -> None:
        self._value = value or None

    def token(self) -> str | None:
        """Return the token as given."""
        return self._value

    def forget(self) -> bool:
        """Return False: there is no other token."""
        return False


class PasswordToken:
    """Access tokens of a Cognito user (``InitiateAuth``, ``USER_PASSWORD_AUTH``), renewed a minute before they expire.

    ``url`` is the Cognito endpoint, such as ``https://cognito-idp.eu-west-1.amazonaws.com``. The app client must allow
    the flow and have no secret. ``token`` raises ``ProblemError`` when the sign-in is refused and ``UnreachableError``
    when the endpoint does not respond. Thread-safe.

    >>> tokens = PasswordToken("https://cognito-idp.eu-west-1.amazonaws.com", "app", "ann", "…")
    """

    def __init__(
        self, url: str, client_id: str, username: str, password: str, *, transport: httpx2.BaseTransport | None = None
    ) -> None:
        self._url = url
        self._client_id = client_id
        self._username = username
        self._password = password
        self._transport = transport
        self._lock = threading.Lock()
        self._value: str | None = None
        self._renew_at = 0.0

    def token(self) -> str:
        """Return the access token, renewed if it is about to expire."""
        with self._lock:
            if (token := self._current()) is not None:
                return token
            try:
                with http_client(transport=self._transport, timeout=SIGN_IN_SECONDS) as http:
                    response = http.post(self._url, **self._sign_in())
            except httpx2.TransportError as error:
                raise self._unreachable(error) from error
            return self._accept(response)

    async def async_token(self) -> str:
        """Return the access token as ``token`` does, without blocking the event loop."""
        if (token := self._current()) is not None:
            return token
        transport = self._transport if isinstance(self._transport, httpx2.AsyncBaseTransport) else None
        try:
            async with async_http_client(transport=transport, timeout=SIGN_IN_SECONDS) as http:
                response = await http.post(self._url, **self._sign_in())
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        return self._accept(response)

    def forget(self) -> bool:
        """Discard the token, so that the next ``token`` signs in again."""
        with self._lock:
            self._value = None
        return True

    def _current(self) -> str | None:
        return None if time.monotonic() >= self._renew_at else self._value

    def _sign_in(self) -> dict[str, Any]:
        """Return the request's headers and body."""
        return {
            "headers": {
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
            },
            "json": {
                "AuthFlow": "USER_PASSWORD_AUTH",
                "ClientId": self._client_id,
                "AuthParameters": {"USERNAME": self._username, "PASSWORD": self._password},
            },
        }

    def _accept(self, response: httpx2.Response) -> str:
        """Keep the token of a response and return it. Raises ``ProblemError`` when there is none."""
        try:
            result = response.json()["AuthenticationResult"]
            token, seconds = str(result["AccessToken"]), float(result.get("ExpiresIn", 3600))
        except (ValueError, KeyError, TypeError) as error:
            raise ProblemError(
                status=response.status_code if response.is_error else 401,
                code="unauthorized",
                title="Sign-in refused",
                detail=f"{self._username} could not sign in: {_reason(response)}{clock_hint(server_time(response))}",
            ) from error
        self._value = token
        self._renew_at = time.monotonic() + max(seconds - REFRESH_SECONDS, seconds / 2)
        return token

    def _unreachable(self, error: httpx2.TransportError) -> UnreachableError:
        return UnreachableError(f"Nobody answers at {self._url} to sign in: {error}")


def _reason(response: httpx2.Response) -> str:
    """Return Cognito's message. Challenges (a new password, a second factor) are errors here."""
    try:
        body = response.json()
    except ValueError:
        return f"HTTP {response.status_code}"
    if "ChallengeName" in body:
        return f"the user pool asks for {body['ChallengeName']}"
    return str(body.get("message") or body.get("Message") or body.get("__type") or f"HTTP {response.status_code}")
