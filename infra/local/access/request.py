"""HTTP requests as the guard examines them."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from infra.local.access.refusals import Refused

# What decides who may do what: told twice, two readers could each believe another one.
_SINGLE = frozenset(
    {"host", "origin", "authorization", "content-type", "x-amz-target", "x-amz-date"}
    | {"x-amz-security-token", "x-amz-content-sha256"}
)
_CREDENTIALS_IN_QUERY = frozenset({"x-amz-algorithm", "x-amz-credential", "x-amz-signature", "awsaccesskeyid"})


@dataclass(frozen=True)
class Request:
    """A request without its body. Names of headers are in lower case; ``query`` is as ``parse_qs`` gives it."""

    method: str
    path: str
    raw_path: str
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, scope: Any) -> "Request":
        """The request of an ASGI scope. Raises ``Refused`` when a header that matters is there twice."""
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), _text(raw_value)
            if name not in headers:
                headers[name] = value
            elif name in _SINGLE:
                raise Refused(400, "InvalidRequest", f"The header {name} must be sent once.")
            else:
                headers[name] += f",{value}"
        query = parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"), keep_blank_values=True)
        raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        return cls(scope.get("method", "GET"), scope["path"], raw_path, headers, query)

    @property
    def presigned(self) -> bool:
        """Whether the query names an access key."""
        return any(name.lower() in _CREDENTIALS_IN_QUERY for name in self.query)

    @property
    def signed(self) -> bool:
        """Whether the ``Authorization`` header names an access key."""
        return self.headers.get("authorization", "").startswith("AWS")

    @property
    def form(self) -> bool:
        """Whether this may be a form that a browser posts to S3."""
        return self.method == "POST" and self.headers.get("content-type", "").startswith("multipart/form-data")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
