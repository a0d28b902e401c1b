"""Token verifier: checks access tokens of an OpenID Connect issuer, and returns their owner and expiry."""

import json
import urllib.request
from dataclasses import dataclass
from functools import cached_property

import jwt

from handlers.access_tokens import ID_TOKEN_REFUSED, is_access_token
from handlers.settings.authorize import AuthorizeSettings

KEY_CACHE_SECONDS = 60 * 60
TIMEOUT_SECONDS = 3
DISCOVERY_PATH = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class VerifiedToken:
    """Owner of a valid access token, and the end of its validity in epoch seconds."""

    owner: str
    expires_at: int


class TokenVerifier:
    """Verifies tokens of one OpenID Connect issuer. Keys are fetched once an hour, and when a new key id appears.

    Without ``jwks_url`` in the settings, the address of the keys is read from the issuer's discovery document.
    """

    def __init__(self, settings: AuthorizeSettings) -> None:
        self._settings = settings

    def verify(self, token: str) -> VerifiedToken:
        """Return owner (``sub``) and expiry of an access token. Raises ``jwt.PyJWTError`` for any other token.

        The client is in ``client_id`` (Cognito's access tokens) or ``aud`` (other issuers), as in API Gateway's own JWT
        authorizer.
        """
        key = self._keys.get_signing_key_from_jwt(token)
        claims = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=self._settings.issuer,
            options={"require": ["exp", "iss", "sub"], "verify_aud": False},
        )
        audience = claims.get("aud") or claims.get("client_id")
        if self._settings.client_id not in (audience if isinstance(audience, list) else [audience]):
            raise jwt.InvalidAudienceError("the token was given to another client")
        if not is_access_token(claims):
            raise jwt.InvalidTokenError(ID_TOKEN_REFUSED)
        return VerifiedToken(claims["sub"], int(claims["exp"]))

    @cached_property
    def _keys(self) -> jwt.PyJWKClient:
        """Client of the issuer's keys. A failed discovery is not cached."""
        url = self._settings.jwks_url or discover_jwks_url(self._settings.issuer)
        return jwt.PyJWKClient(url, lifespan=KEY_CACHE_SECONDS, timeout=TIMEOUT_SECONDS)


def discover_jwks_url(issuer: str) -> str:
    """Return ``jwks_uri`` of an issuer's discovery document (OpenID Connect Discovery 1.0, section 4).

    Raises ``jwt.PyJWKClientError`` when the document cannot be read, or is another issuer's.
    """
    url = issuer.rstrip("/") + DISCOVERY_PATH
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - the operator's own https URL
            document = json.load(response)
    except (OSError, ValueError) as error:
        raise jwt.PyJWKClientConnectionError(f"the discovery document {url} cannot be read: {error}") from error
    found = document if isinstance(document, dict) else {}
    if found.get("issuer") != issuer:
        raise jwt.PyJWKClientError(f"{url} describes the issuer {found.get('issuer')!r}, not {issuer!r}")
    if not isinstance(found.get("jwks_uri"), str):
        raise jwt.PyJWKClientError(f"{url} names no jwks_uri")
    return str(found["jwks_uri"])
