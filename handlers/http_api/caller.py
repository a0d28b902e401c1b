"""Caller: the owner and rights of a request, from the claims that the JWT authorizer verified."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from darkroom.contract.errors import DarkroomError, ErrorCode
from handlers.access_tokens import ID_TOKEN_REFUSED, is_access_token

ADMIN_SCOPE = "darkroom/admin"
ADMIN_GROUP = "admin"


@dataclass(frozen=True)
class Caller:
    """The token's ``sub``, and True in ``admin`` for administrators of the deployment."""

    owner: str
    admin: bool

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Caller":
        """Return the caller of an HTTP API event (payload format 2.0).

        An administrator has the scope ``darkroom/admin``, or is in the group ``admin`` of the Cognito pool. Raises
        ``DarkroomError`` (``unauthorized``) without an access token.
        """
        authorizer = event["requestContext"].get("authorizer") or {}
        claims: Mapping[str, Any] = (authorizer.get("jwt") or {}).get("claims") or {}
        owner = claims.get("sub")
        if not owner:
            raise DarkroomError(ErrorCode.UNAUTHORIZED, "Send an access token: Authorization: Bearer …")
        if not is_access_token(claims):
            raise DarkroomError(ErrorCode.UNAUTHORIZED, ID_TOKEN_REFUSED)
        scopes = str(claims.get("scope") or "").split()
        # API Gateway converts a list to text: "[admin editors]".
        groups = re.split(r"[\s,]+", str(claims.get("cognito:groups") or "").strip("[]"))
        return cls(str(owner), ADMIN_SCOPE in scopes or ADMIN_GROUP in groups)

    def require_admin(self) -> None:
        """Raise ``DarkroomError`` (``forbidden``) unless the caller is an administrator."""
        if not self.admin:
            raise DarkroomError(
                ErrorCode.FORBIDDEN,
                f"This takes a token with the scope {ADMIN_SCOPE}, or of a member of the group {ADMIN_GROUP}.",
            )
