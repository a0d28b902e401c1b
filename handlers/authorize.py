"""Lambda authorizer of the WebSocket API: admits valid access tokens; the token's ``sub`` becomes the owner."""

from functools import cache
from typing import Any

import jwt
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud.lambda_init import run_during_init
from cloud.observability import logger
from handlers.settings.authorize import AuthorizeSettings
from handlers.websocket.token_verifier import TokenVerifier


@cache
def _verifier() -> TokenVerifier:
    return TokenVerifier(AuthorizeSettings.read())


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Authorize ``$connect`` by its ``?token=``; put owner and expiry into the context of every message."""
    token = (event.get("queryStringParameters") or {}).get("token") or ""
    try:
        verified = _verifier().verify(token)
    except jwt.PyJWTError as error:
        logger.warning("denied", reason=str(error))
        return _policy("nobody", "Deny", event["methodArn"])
    logger.info("allowed", owner=verified.owner)
    # API Gateway hands the context on as text.
    context = {"owner": verified.owner, "expires_at": str(verified.expires_at)}
    return _policy(verified.owner, "Allow", event["methodArn"]) | {"context": context}


def _policy(principal: str, effect: str, resource: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


run_during_init(_verifier)
