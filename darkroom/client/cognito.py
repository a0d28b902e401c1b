"""Cognito user pool client: sign-in with a password and its challenges, refresh and revocation."""

import re
import time
from dataclasses import dataclass, field
from typing import Any

import httpx2

from darkroom.client.claims import Claims
from darkroom.client.clock_skew import clock_hint, server_time
from darkroom.client.errors import UnreachableError
from darkroom.client.http_clients import http_client
from darkroom.client.oidc import DEFAULT_LIFETIME_SECONDS, TokenSet, refused

# Cognito's name of a challenge, and the field of its response.
CHALLENGES = {
    "NEW_PASSWORD_REQUIRED": "NEW_PASSWORD",
    "SOFTWARE_TOKEN_MFA": "SOFTWARE_TOKEN_MFA_CODE",
    "SMS_MFA": "SMS_MFA_CODE",
    "EMAIL_OTP": "EMAIL_OTP_CODE",
}


def is_cognito(issuer: str) -> bool:
    """Return True if an issuer is a Cognito user pool.

    >>> is_cognito("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC"), is_cognito("https://id.example.com")
    (True, False)
    """
    return re.match(r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.(com|com\.cn|eu)/", f"{issuer}/") is not None


@dataclass(frozen=True)
class Challenge:
    """A challenge before tokens are issued: ``name`` is Cognito's, ``session`` is valid for some minutes."""

    name: str
    session: str = field(repr=False)
    username: str


@dataclass(frozen=True)
class CognitoPool:
    """A public client of a user pool; ``url`` is the Cognito endpoint of its region.

    Methods raise ``ProblemError`` (``unauthorized``) when Cognito refuses, and ``UnreachableError`` when it does not
    respond.
    """

    url: str
    client_id: str
    transport: httpx2.BaseTransport | None = field(default=None, repr=False)

    def sign_in(self, username: str, password: str) -> TokenSet | Challenge:
        """Return the tokens of a user, or the challenge to answer first."""
        parameters = {"USERNAME": username, "PASSWORD": password}
        body = {"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": self.client_id, "AuthParameters": parameters}
        return self._result(username, self._call("InitiateAuth", body))

    def answer(self, challenge: Challenge, value: str) -> TokenSet | Challenge:
        """Return the tokens for a challenge's answer, or the next challenge."""
        body = {
            "ChallengeName": challenge.name,
            "ClientId": self.client_id,
            "Session": challenge.session,
            "ChallengeResponses": {"USERNAME": challenge.username, CHALLENGES[challenge.name]: value},
        }
        return self._result(challenge.username, self._call("RespondToAuthChallenge", body))

    def refresh(self, tokens: TokenSet) -> TokenSet:
        """Return new tokens for the refresh token."""
        parameters = {"REFRESH_TOKEN": tokens.refresh or ""}
        body = {"AuthFlow": "REFRESH_TOKEN_AUTH", "ClientId": self.client_id, "AuthParameters": parameters}
        refreshed = self._tokens(tokens.username, self._call("InitiateAuth", body), tokens.refresh)
        if refreshed is None:
            raise refused("The user pool gives no new token.")
        return refreshed

    def revoke(self, refresh: str) -> None:
        """Revoke a refresh token and its access tokens."""
        self._call("RevokeToken", {"ClientId": self.client_id, "Token": refresh})

    def _result(self, username: str, body: dict[str, Any]) -> TokenSet | Challenge:
        tokens = self._tokens(username, body, None)
        if tokens is not None:
            return tokens
        name, session = body.get("ChallengeName"), body.get("Session")
        if name not in CHALLENGES or not isinstance(session, str):
            raise refused(f"The user pool asks for {name}, which this command cannot answer.")
        # After sign-in by an alias, the response must use the pool's own username.
        parameters = body.get("ChallengeParameters") or {}
        return Challenge(str(name), session, str(parameters.get("USER_ID_FOR_SRP") or username))

    def _tokens(self, username: str | None, body: dict[str, Any], refresh: str | None) -> TokenSet | None:
        result = body.get("AuthenticationResult")
        if not isinstance(result, dict) or not result.get("AccessToken"):
            return None
        bearer = str(result["AccessToken"])
        return TokenSet(
            bearer=bearer,
            expires_at=time.time() + float(result.get("ExpiresIn") or DEFAULT_LIFETIME_SECONDS),
            refresh=result.get("RefreshToken") or refresh,
            username=Claims.of(bearer).username or username,
        )

    def _call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
        }
        try:
            with http_client(transport=self.transport, timeout=30) as http:
                response = http.post(self.url, headers=headers, json=body)
        except httpx2.TransportError as error:
            raise UnreachableError(f"Cognito does not answer at {self.url}: {error or type(error).__name__}") from error
        try:
            parsed = response.json() if response.content else {}
        except ValueError:
            parsed = None
        fields = parsed if isinstance(parsed, dict) else {}
        if response.is_server_error:
            raise UnreachableError(f"Cognito answers with HTTP {response.status_code}.")
        if not response.is_success or parsed is None:
            message = fields.get("message") or fields.get("Message") or fields.get("__type")
            raise refused(str(message or f"HTTP {response.status_code}") + clock_hint(server_time(response)))
        return fields
