"""OpenID Connect client: discovery, authorization code flow with PKCE (RFC 7636), refresh and revocation."""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx2

from darkroom.client.claims import Claims
from darkroom.client.clock_skew import clock_hint, server_time
from darkroom.client.errors import ProblemError, UnreachableError
from darkroom.client.http_clients import http_client
from darkroom.client.network import is_loopback

SCOPES = ("openid", "profile", "email", "offline_access")
DEFAULT_LIFETIME_SECONDS = 3600.0
# Clocks of two machines differ.
CLOCK_SKEW_SECONDS = 60.0


@dataclass(frozen=True)
class TokenSet:
    """Tokens of a sign-in: ``bearer`` is the access token."""

    bearer: str
    expires_at: float
    refresh: str | None = None
    username: str | None = None


@dataclass(frozen=True)
class AuthorizationRequest:
    """One authorization request: the redirect URI, and the secrets that tie the response to it."""

    redirect_uri: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    @property
    def challenge(self) -> str:
        """The PKCE code challenge (S256)."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


@dataclass(frozen=True)
class OidcIssuer:
    """A public client of an OpenID Connect issuer. Addresses are those of its discovery document.

    Methods raise ``ProblemError`` (``unauthorized``) when the issuer refuses, and ``UnreachableError`` when it does not
    respond.
    """

    issuer: str
    client_id: str
    metadata: Mapping[str, Any]
    transport: httpx2.BaseTransport | None = field(default=None, repr=False)

    @classmethod
    def discover(cls, issuer: str, client_id: str, *, transport: httpx2.BaseTransport | None = None) -> Self:
        """Return the issuer with its metadata. Plain HTTP is accepted for a loopback address only."""
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        _require_secure(url)
        metadata = _request("GET", url, transport=transport)
        if str(metadata.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
            raise refused(f"{url} describes another issuer.")
        return cls(issuer, client_id, metadata, transport)

    def authorization_url(self, request: AuthorizationRequest, scopes: tuple[str, ...] = ()) -> str:
        """Return the address of the sign-in page. ``scopes`` are requested besides the usual ones."""
        supported = self.metadata.get("scopes_supported") or SCOPES[:1]
        wanted = [scope for scope in SCOPES if scope in supported or scope == "openid"]
        parts = urlsplit(self._endpoint("authorization_endpoint"))
        query = dict(parse_qsl(parts.query)) | {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": request.redirect_uri,
            "scope": " ".join(dict.fromkeys([*wanted, *scopes])),
            "code_challenge": request.challenge,
            "code_challenge_method": "S256",
            "state": request.state,
            "nonce": request.nonce,
        }
        return urlunsplit(parts._replace(query=urlencode(query)))

    def exchange(self, request: AuthorizationRequest, response: Mapping[str, str]) -> TokenSet:
        """Return the tokens for the parameters of a redirect, after a check of state, issuer, nonce and audience."""
        if not secrets.compare_digest(response.get("state", "").encode(), request.state.encode()):
            raise refused("The response belongs to another sign-in.")
        if response.get("iss", self.issuer).rstrip("/") != self.issuer.rstrip("/"):
            raise refused("The response comes from another issuer.")
        if "code" not in response:
            raise refused(response.get("error_description") or response.get("error") or "The issuer sent no code.")
        granted = self._token(
            grant_type="authorization_code",
            code=response["code"],
            redirect_uri=request.redirect_uri,
            code_verifier=request.verifier,
        )
        self._check_id_token(granted, request.nonce)
        return self._token_set(granted, None)

    def refresh(self, tokens: TokenSet) -> TokenSet:
        """Return new tokens for the refresh token."""
        if tokens.refresh is None:
            raise refused("There is no refresh token.")
        return self._token_set(self._token(grant_type="refresh_token", refresh_token=tokens.refresh), tokens)

    def revoke(self, refresh: str) -> None:
        """Revoke a refresh token (RFC 7009), if the issuer can."""
        if "revocation_endpoint" in self.metadata:
            form = {"token": refresh, "token_type_hint": "refresh_token", "client_id": self.client_id}
            _request("POST", self._endpoint("revocation_endpoint"), data=form, transport=self.transport)

    def _endpoint(self, name: str) -> str:
        url = self.metadata.get(name)
        if not isinstance(url, str):
            raise refused(f"The issuer {self.issuer} has no {name}.")
        _require_secure(url)
        return url

    def _token(self, **form: str) -> dict[str, Any]:
        form["client_id"] = self.client_id
        return _request("POST", self._endpoint("token_endpoint"), data=form, transport=self.transport)

    def _check_id_token(self, granted: Mapping[str, Any], nonce: str) -> None:
        """Check the ID token's claims. TLS to the token endpoint stands for its signature (OpenID Connect 3.1.3.7)."""
        claims = Claims.of(str(granted.get("id_token") or ""))
        if str(claims.payload.get("iss", "")).rstrip("/") != self.issuer.rstrip("/"):
            raise refused("The ID token is missing, or comes from another issuer.")
        if claims.payload.get("nonce") != nonce or self.client_id not in claims.audience:
            raise refused("The ID token was made for another sign-in.")
        if claims.expires_at is None or claims.expires_at.timestamp() < time.time() - CLOCK_SKEW_SECONDS:
            raise refused("The ID token has expired; is this machine's clock right?")

    def _token_set(self, granted: Mapping[str, Any], before: TokenSet | None) -> TokenSet:
        """Return the access token as the bearer. Raises ``ProblemError`` if the service would refuse it."""
        bearer = str(granted.get("access_token") or "")
        if self.client_id not in Claims.of(bearer).audience:
            raise refused(
                f"The issuer's access token is not for {self.client_id}. The issuer must issue access tokens as JSON"
                " Web Tokens, with that value in aud or client_id."
            )
        expiry = Claims.of(bearer).expires_at
        lifetime = float(granted.get("expires_in") or DEFAULT_LIFETIME_SECONDS)
        name = Claims.of(str(granted.get("id_token") or bearer)).username
        return TokenSet(
            bearer=bearer,
            expires_at=time.time() + lifetime if expiry is None else expiry.timestamp(),
            refresh=str(granted.get("refresh_token") or (before and before.refresh) or "") or None,
            username=name or (before.username if before else None),
        )


def refused(message: str, status: int = 401) -> ProblemError:
    """Return the error of a sign-in that was refused."""
    return ProblemError(status=status, code="unauthorized", title="Sign-in refused", detail=message)


def _require_secure(url: str) -> None:
    if not url.startswith("https://") and not is_loopback(url):
        raise refused(f"{url} is not HTTPS.")


def _request(
    method: str, url: str, *, data: Mapping[str, str] | None = None, transport: httpx2.BaseTransport | None
) -> dict[str, Any]:
    try:
        with http_client(transport=transport, timeout=30) as http:
            response = http.request(method, url, data=data, headers={"Accept": "application/json"})
    except httpx2.TransportError as error:
        raise UnreachableError(f"The issuer does not answer at {url}: {error or type(error).__name__}") from error
    try:
        body = response.json() if response.content else {}
    except ValueError:
        body = None
    if response.is_server_error:
        raise UnreachableError(f"The issuer answers {url} with HTTP {response.status_code}.")
    if not response.is_success or not isinstance(body, dict):
        body = body if isinstance(body, dict) else {}
        reason = body.get("error_description") or body.get("error") or f"HTTP {response.status_code}"
        raise refused(f"The issuer refuses at {url}: {reason}{clock_hint(server_time(response))}")
    return body
