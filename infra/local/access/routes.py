"""Routes of the emulator that need no AWS signature, since what answers them checks its callers itself."""

import re
from functools import cache

from botocore.session import Session

from infra.local.access.request import Request

HEALTH = "/_ministack/health"
_EXECUTE_API = "/_aws/execute-api/"
_CONNECTIONS = "/@connections/"  # API Gateway's way to send to a socket, for functions
_DISCOVERY = re.compile(r"/[\w-]+/\.well-known/(jwks\.json|openid-configuration)")
_COGNITO = "AWSCognitoIdentityProviderService."


def is_open(request: Request) -> bool:
    """Whether a request is for the deployed HTTP API, for its user pool's public part, or asks for health."""
    if request.path.startswith(_EXECUTE_API):
        return _CONNECTIONS not in request.path
    if request.method in ("GET", "HEAD"):
        return request.path == HEALTH or _DISCOVERY.fullmatch(request.path) is not None
    return _is_sign_in(request)


def is_open_socket(request: Request) -> bool:
    """Whether a handshake is for a deployed WebSocket API, whose authorizer wants a token."""
    return request.path.startswith(_EXECUTE_API)


def _is_sign_in(request: Request) -> bool:
    """Whether the request is one of Cognito's that the SDKs send unsigned, such as ``InitiateAuth``."""
    service, _, operation = request.headers.get("x-amz-target", "").rpartition(".")
    return (
        request.method == "POST"
        and request.path == "/"
        and not request.query
        and f"{service}." == _COGNITO
        and operation in _unsigned_operations()
    )


@cache
def _unsigned_operations() -> frozenset[str]:
    """Operations of ``cognito-idp`` without authentication, by botocore's model of the service."""
    model = Session().get_service_model("cognito-idp")
    names = model.operation_names
    return frozenset(name for name in names if model.operation_model(name).auth_type == "none")
