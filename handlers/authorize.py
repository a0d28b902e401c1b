"""Lambda authorizer of the WebSocket API: admits valid access tokens; the token's ``sub`` becomes the owner."""

from functools import cache
from typing import Any

import jwt
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud.lambda_init import run_during_init
from cloud.observability import logger
from handlers.settings import AuthorizeSettings

KEYS_SECONDS = 60 * 60
TIMEOUT_SECONDS = 3


class TokenVerifier:
    """Verifies tokens of one OpenID Connect issuer. Keys are fetched once an hour, and when a new key id appears."""

    def __init__(self, settings: AuthorizeSettings) -> None:
        self._settings = settings
        self._keys = jwt.PyJWKClient(settings.jwks_url, lifespan=KEYS_SECONDS, timeout=TIMEOUT_SECONDS)

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


@cache
def _verifier() -> TokenVerifier:
    return TokenVerifier(AuthorizeSettings.read())


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Authorize ``$connect`` by its ``?token=``; put the owner into the context of every message."""
    token = (event.get("queryStringParameters") or {}).get("token") or ""
    try:
        owner = _verifier().owner(token)
    except jwt.PyJWTError as error:
        logger.warning("denied", reason=str(error))
        return _policy("nobody", "Deny", event["methodArn"])
    logger.info("allowed", owner=owner)
    return _policy(owner, "Allow", event["methodArn"]) | {"context": {"owner": owner}}


def _policy(principal: str, effect: str, resource: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


run_during_init(_verifier)
