"""HTTP request as the guard examines it."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from infra.local.access.refusals import Refused

# Headers that decide on access: of duplicates, the guard and MiniStack could each read a different one.
_SINGLE = frozenset({"host", "origin", "authorization", "content-type", "content-length"})
_CREDENTIALS_IN_QUERY = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "AWSAccessKeyId")
_BUCKET = re.compile(r"/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/?")


@dataclass(frozen=True)
class Request:
    """A request without its body. Header names are in lower case; ``query`` is the result of ``parse_qs``."""

    method: str
    path: str
    raw_path: str
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, scope: Any) -> "Request":
        """Return the request of an ASGI scope. Raises ``Refused`` for ambiguous requests."""
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), _text(raw_value)
            if name not in headers:
                headers[name] = value
            elif name in _SINGLE or name.startswith("x-amz-"):
                raise Refused(400, "InvalidRequest", f"The header {name} must be sent once.")
            else:
                headers[name] += f",{value}"
        query = parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"), keep_blank_values=True)
        for known in _CREDENTIALS_IN_QUERY:
            named = [name for name in query if name.lower() == known.lower()]
            if named not in ([], [known]) or len(query.get(known, [])) > 1:
                raise Refused(400, "InvalidRequest", f"The query parameter {known} must be named so, and once.")
        raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        return cls(scope.get("method", "GET"), scope["path"], raw_path, headers, query)

    @property
    def authorization(self) -> str:
        """The ``Authorization`` header, empty without one."""
        return self.headers.get("authorization", "")

    @property
    def signed(self) -> bool:
        """True if the ``Authorization`` header names an access key."""
        return self.authorization.startswith("AWS")

    @property
    def presigned(self) -> bool:
        """True if the query names an access key."""
        return any(name in self.query for name in _CREDENTIALS_IN_QUERY)

    @property
    def form(self) -> bool:
        """True for a form posted to a bucket by a browser, whose credentials are among the form's fields."""
        return (
            self.method == "POST"
            and _BUCKET.fullmatch(self.path) is not None
            and self.headers.get("content-type", "").startswith("multipart/form-data")
            and not self.query
            and not self.authorization
            and not self.amazon_headers
        )

    @property
    def amazon_headers(self) -> list[str]:
        """Names of the ``x-amz-`` headers, which can change the operation of a request."""
        return [name for name in self.headers if name.startswith("x-amz-")]


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
