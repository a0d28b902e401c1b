"""Token verifier: checks access tokens of an OpenID Connect issuer, and returns their owner and expiry."""

from dataclasses import dataclass

import jwt

from handlers.access_tokens import ID_TOKEN_REFUSED, is_access_token
from handlers.settings import AuthorizeSettings

KEY_CACHE_SECONDS = 60 * 60
TIMEOUT_SECONDS = 3


@dataclass(frozen=True)
class VerifiedToken:
    """Owner of a valid access token, and the end of its validity in epoch seconds."""

    owner: str
    expires_at: int


class TokenVerifier:
    """Verifies tokens of one OpenID Connect issuer. Keys are fetched once an hour, and when a new key id appears."""

    def __init__(self, settings: AuthorizeSettings) -> None:
        self._settings = settings
        self._keys = jwt.PyJWKClient(settings.jwks_url, lifespan=KEY_CACHE_SECONDS, timeout=TIMEOUT_SECONDS)

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
