"""Open routes of the emulator: requests that need no AWS signature, since what answers them checks its callers itself.

MiniStack takes an unsigned request for the root user's wherever a handler leaves the check to it. So a route is open
only where it is certain which handler answers, and headers that could lead to another one are taken away.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.local.access.refusals import Refused
from infra.local.access.request import Request

HEALTH = "/_ministack/health"
_MOST_API_BYTES = 10 * 2**20  # API Gateway's own limit
_MOST_SIGN_IN_BYTES = 2**16
_API = re.compile(r"/_aws/execute-api/([0-9a-z]+)/[^/]+(/.*)?", re.DOTALL)
_CONNECTIONS = "/@connections"  # API Gateway's way to send to a socket, for functions
_DISCOVERY = re.compile(r"/([\w-]+)/\.well-known/(?:jwks\.json|openid-configuration)", re.ASCII)
_COGNITO = "AWSCognitoIdentityProviderService"


@dataclass(frozen=True)
class Opening:
    """How an open request is let through: with which of the headers that AWS reads, and with what body."""

    keeps: frozenset[str] = field(default_factory=frozenset)
    most_bytes: int = 0
    check: Callable[[bytes], None] | None = None

    def drops(self, header: str) -> bool:
        """Whether a header, in lower case, is taken away."""
        return (header == "authorization" or header.startswith("x-amz-")) and header not in self.keeps


class Deployed(Protocol):
    """What is deployed in the emulator."""

    def protocol(self, api_id: str) -> Literal["HTTP", "WEBSOCKET"] | None:
        """The protocol of one of API Gateway's APIs, None when there is no such API."""

    def has_pool(self, pool_id: str) -> bool:
        """Whether Cognito has such a user pool."""


class _SignIn(BaseModel):
    """``InitiateAuth`` with a password or a refresh token."""

    model_config = ConfigDict(extra="forbid", strict=True)

    AuthFlow: Literal["USER_PASSWORD_AUTH", "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"]
    ClientId: str
    AuthParameters: dict[str, str]
    ClientMetadata: dict[str, str] = {}


class _SignOut(BaseModel):
    """``RevokeToken``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    Token: str
    ClientId: str
    ClientSecret: str = ""


# MiniStack's other unsigned operations sign people up in closed pools, or answer challenges of nobody's.
_OPERATIONS: dict[str, type[BaseModel]] = {"InitiateAuth": _SignIn, "RevokeToken": _SignOut}


class EmulatorRoutes:
    """Open routes of an emulator: the deployed APIs, the public part of its user pool, and its health."""

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed

    def opening(self, request: Request) -> Opening | None:
        """How a request is let through without a signature; None when it needs one. Raises ``Refused``."""
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
        """Whether a handshake is for a deployed WebSocket API, whose authorizer wants a token."""
        api = _API.fullmatch(request.path)
        return api is not None and self._deployed.protocol(api[1]) == "WEBSOCKET"

    def _api_opening(self, request: Request, api_id: str) -> Opening | None:
        if _CONNECTIONS in request.path or self._deployed.protocol(api_id) != "HTTP":
            return None
        return Opening(keeps=frozenset({"authorization"}), most_bytes=_MOST_API_BYTES)


def _preflight_opening(request: Request) -> Opening | None:
    """Browsers ask before they send to S3 or Cognito, without credentials. Whose page asks is checked already."""
    asks = {"origin", "access-control-request-method"} <= request.headers.keys()
    return Opening() if asks and not request.path.startswith("/_") else None


def _sign_in_opening(request: Request) -> Opening | None:
    """Cognito's operations that the SDKs send unsigned, as far as clients of ours need them."""
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
            why = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
            raise Refused(400, "InvalidParameterException", f"{operation}: {why}") from None

    return Opening(keeps=frozenset({"x-amz-target"}), most_bytes=_MOST_SIGN_IN_BYTES, check=check)
