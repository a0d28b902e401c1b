"""Token verifier: checks access tokens of an OpenID Connect issuer, and returns their owner."""

import jwt

from handlers.settings import AuthorizeSettings

KEY_CACHE_SECONDS = 60 * 60
TIMEOUT_SECONDS = 3


class TokenVerifier:
    """Verifies tokens of one OpenID Connect issuer. Keys are fetched once an hour, and when a new key id appears."""

    def __init__(self, settings: AuthorizeSettings) -> None:
        self._settings = settings
        self._keys = jwt.PyJWKClient(settings.jwks_url, lifespan=KEY_CACHE_SECONDS, timeout=TIMEOUT_SECONDS)

    def owner(self, token: str) -> str:
        """Return the ``sub`` of a token. Raises ``jwt.PyJWTError`` when the token is invalid.

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
        owner: str = claims["sub"]
        return owner
