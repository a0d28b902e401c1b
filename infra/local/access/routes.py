"""Open routes of the emulator: requests without an AWS signature, because their handlers authenticate the caller.

MiniStack treats an unsigned request as the root user's if the handler does not check it. So a route is open only if its
handler is certain, and headers that could select another handler are removed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.local.access.refusals import Refused, under_repair
from infra.local.access.request import Request

HEALTH = "/_ministack/health"
EXECUTIONS = "/_darkroom/executions"  # signed: the number of invocations that wait or run
_MAX_API_BYTES = 10 * 2**20  # API Gateway's own limit
_MAX_SIGN_IN_BYTES = 2**16
_API = re.compile(r"/_aws/execute-api/([0-9a-z]+)/[^/]+(/.*)?", re.DOTALL)
_CONNECTIONS = "/@connections"  # API Gateway's path for functions to send to a connection
_DISCOVERY = re.compile(r"/([\w-]+)/\.well-known/(?:jwks\.json|openid-configuration)", re.ASCII)
_COGNITO = "AWSCognitoIdentityProviderService"


@dataclass(frozen=True)
class Opening:
    """Restrictions of an open request: AWS headers to keep, the body's maximum size, and a check of the body."""

    keeps: frozenset[str] = field(default_factory=frozenset)
    max_bytes: int = 0
    check: Callable[[bytes], None] | None = None

    def drops(self, header: str) -> bool:
        """Return True if a header (in lower case) is removed."""
        return (header == "authorization" or header.startswith("x-amz-")) and header not in self.keeps


class Deployed(Protocol):
    """Interface to the resources deployed in the emulator."""

    def protocol(self, api_id: str) -> Literal["HTTP", "WEBSOCKET"] | None:
        """Return the protocol of an API of API Gateway, or None if there is no such API."""

    def has_pool(self, pool_id: str) -> bool:
        """Return True if Cognito has this user pool."""


class _SignIn(BaseModel):
    """Body of ``InitiateAuth`` with a password or a refresh token."""

    model_config = ConfigDict(extra="forbid", strict=True)

    AuthFlow: Literal["USER_PASSWORD_AUTH", "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"]
    ClientId: str
    AuthParameters: dict[str, str]
    ClientMetadata: dict[str, str] = {}


class _SignOut(BaseModel):
    """Body of ``RevokeToken``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    Token: str
    ClientId: str
    ClientSecret: str = ""


# MiniStack's other unsigned operations allow sign-up in closed pools, or answer challenges that it never issued.
_OPERATIONS: dict[str, type[BaseModel]] = {"InitiateAuth": _SignIn, "RevokeToken": _SignOut}


class EmulatorRoutes:
    """Open routes of an emulator: the deployed APIs, the public part of its user pool, and its health.

    The APIs are closed until ``repaired`` returns True.
    """

    def __init__(self, deployed: Deployed, repaired: Callable[[], bool] = lambda: True) -> None:
        self._deployed = deployed
        self._repaired = repaired

    def opening(self, request: Request) -> Opening | None:
        """Return the restrictions of a request without a signature; None if it needs one. Raises ``Refused``."""
        if (api := _API.fullmatch(request.path)) is not None:
            return self._api_opening(request, api[1])
        if request.method == "OPTIONS":
            return _preflight_opening(request)
        if request.method in ("GET", "HEAD") and not request.query:
            discovery = _DISCOVERY.fullmatch(request.path)
            if request.path == HEALTH or (discovery is not None and self._deployed.has_pool(discovery[1])):
                return Opening()
        return _sign_in_opening(request)

    def opens_socket(self, request: Request) -> bool:
        """Return True for a handshake with a deployed WebSocket API, whose authorizer checks the token."""
        api = _API.fullmatch(request.path)
        return api is not None and self._deployed.protocol(api[1]) == "WEBSOCKET"

    def _api_opening(self, request: Request, api_id: str) -> Opening | None:
        if _CONNECTIONS in request.path or self._deployed.protocol(api_id) != "HTTP":
            return None
        if not self._repaired():
            raise under_repair()
        return Opening(keeps=frozenset({"authorization"}), max_bytes=_MAX_API_BYTES)


def _preflight_opening(request: Request) -> Opening | None:
    """Open CORS preflights to S3 and Cognito, which carry no credentials. Their origin has been checked."""
    is_preflight = {"origin", "access-control-request-method"} <= request.headers.keys()
    return Opening() if is_preflight and not request.path.startswith("/_") else None


def _sign_in_opening(request: Request) -> Opening | None:
    """Open Cognito's unsigned operations that our clients use."""
    service, _, operation = request.headers.get("x-amz-target", "").rpartition(".")
    if request.method != "POST" or request.path != "/" or request.query or service != _COGNITO:
        return None
    model = _OPERATIONS.get(operation)
    if model is None:
        return None

    def check(body: bytes) -> None:
        try:
            model.model_validate_json(body)
        except ValidationError as error:
            reason = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
            raise Refused(400, "InvalidParameterException", f"{operation}: {reason}") from None

    return Opening(keeps=frozenset({"x-amz-target"}), max_bytes=_MAX_SIGN_IN_BYTES, check=check)
