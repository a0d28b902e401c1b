"""Token sources: a fixed bearer token, or a Cognito user signed in with a password."""

import threading
import time
from typing import Protocol

import httpx2

from darkroom.client.errors import ProblemError, UnreachableError
from darkroom.client.network import loopback_mounts

REFRESH_SECONDS = 60.0


class TokenSource(Protocol):
    """Source of the token for each request."""

    def token(self) -> str | None:
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
    when the endpoint does not respond.
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
            if self._value is None or time.monotonic() >= self._renew_at:
                self._value, seconds = self._sign_in()
                self._renew_at = time.monotonic() + max(seconds - REFRESH_SECONDS, seconds / 2)
            return self._value

    def forget(self) -> bool:
        """Discard the token, so that the next ``token`` signs in again."""
        with self._lock:
            self._value = None
        return True

    def _sign_in(self) -> tuple[str, float]:
        try:
            with httpx2.Client(transport=self._transport, mounts=loopback_mounts(), timeout=30) as http:
                response = http.post(
                    self._url,
                    headers={
                        "Content-Type": "application/x-amz-json-1.1",
                        "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
                    },
                    json={
                        "AuthFlow": "USER_PASSWORD_AUTH",
                        "ClientId": self._client_id,
                        "AuthParameters": {"USERNAME": self._username, "PASSWORD": self._password},
                    },
                )
        except httpx2.TransportError as error:
            raise UnreachableError(f"Nobody answers at {self._url} to sign in: {error}") from error
        try:
            body = response.json()
            result = body["AuthenticationResult"]
            return str(result["AccessToken"]), float(result.get("ExpiresIn", 3600))
        except (ValueError, KeyError, TypeError) as error:
            raise ProblemError(
                status=response.status_code if response.is_error else 401,
                code="unauthorized",
                title="Sign-in refused",
                detail=f"{self._username} could not sign in: {_reason(response)}",
            ) from error


def _reason(response: httpx2.Response) -> str:
    """Return Cognito's message. Challenges (a new password, a second factor) are errors here."""
    try:
        body = response.json()
    except ValueError:
        return f"HTTP {response.status_code}"
    if "ChallengeName" in body:
        return f"the user pool asks for {body['ChallengeName']}"
    return str(body.get("message") or body.get("Message") or body.get("__type") or f"HTTP {response.status_code}")
