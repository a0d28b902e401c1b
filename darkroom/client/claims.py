"""Claims of a token: subject, expiry and rights, read without a check of the signature. The service checks it."""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

ADMIN_SCOPE = "darkroom/admin"
ADMIN_GROUP = "admin"
NAME_CLAIMS = ("preferred_username", "username", "cognito:username", "email", "name")


@dataclass(frozen=True)
class Claims:
    """Payload of a JSON Web Token. A token of another format has no claims.

    >>> Claims.of("opaque").subject is None
    True
    """

    payload: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, token: str) -> Self:
        """Return the claims of a token."""
        parts = token.split(".")
        if len(parts) != 3:
            return cls()
        try:
            payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        except (ValueError, binascii.Error):
            return cls()
        return cls(payload if isinstance(payload, dict) else {})

    @property
    def subject(self) -> str | None:
        """The owner of jobs and assets that are created with the token."""
        return self._text("sub")

    @property
    def username(self) -> str | None:
        """A name for people, or the subject."""
        return next(filter(None, map(self._text, NAME_CLAIMS)), self.subject)

    @property
    def expires_at(self) -> datetime | None:
        """The time of expiry, if the token tells one."""
        seconds = self.payload.get("exp")
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int | float) else None

    @property
    def audience(self) -> tuple[str, ...]:
        """The clients that the token is for: ``aud``, or ``client_id`` in Cognito's access tokens."""
        found = self.payload.get("aud") or self.payload.get("client_id")
        return tuple(found) if isinstance(found, list) else (str(found),) if found else ()

    @property
    def admin(self) -> bool:
        """True if the service treats the caller as an administrator: by scope, or by group of the Cognito pool."""
        groups = self.payload.get("cognito:groups")
        names = groups if isinstance(groups, list) else re.split(r"[\s,]+", str(groups or "").strip("[]"))
        return ADMIN_SCOPE in str(self.payload.get("scope") or "").split() or ADMIN_GROUP in names

    def _text(self, name: str) -> str | None:
        value = self.payload.get(name)
        return value if isinstance(value, str) and value else None
