"""Refusals of the request guard, as AWS error responses."""

import json
from xml.sax.saxutils import escape


class Refused(Exception):
    """Raised for a rejected request. ``code`` is AWS's error code, if AWS has one."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def unsigned() -> Refused:
    """Return the refusal of a request without a signature of AWS."""
    return Refused(
        403,
        "MissingAuthenticationToken",
        "The request is not signed; `darkroom status` says how to sign requests to this stack.",
    )


def too_large(max_bytes: int) -> Refused:
    """Return the refusal of a body over the limit."""
    return Refused(413, "RequestEntityTooLarge", f"The body is longer than {max_bytes} bytes.")


def unknown_key(key: str) -> Refused:
    """Return the refusal of an unknown access key."""
    return Refused(
        403,
        "InvalidClientTokenId",
        f"The access key {key!r} is not one of this stack; `darkroom status` says how to sign requests to it.",
    )


def under_repair() -> Refused:
    """Return the refusal of a call to the API while ``darkroom up`` repairs the stack."""
    return Refused(503, "ServiceUnavailable", "The stack is starting; try again in a moment.")


def render(refused: Refused, *, content_type: str, service: str) -> tuple[str, bytes]:
    """Return media type and body of the response, in the format that AWS SDKs expect from the service.

    ``content_type`` is the request's; ``service`` is that of its credential scope, empty without one.

    >>> render(Refused(403, "AccessDenied", "No."), content_type="application/json", service="lambda")[0]
    'application/json'
    """
    code, message = escape(refused.code), escape(refused.message)
    if service == "s3" or content_type.startswith("multipart/form-data"):
        return "application/xml", f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    if content_type.startswith("application/x-www-form-urlencoded"):
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        return "text/xml", f"<ErrorResponse>{error}</ErrorResponse>".encode()
    body = {"__type": refused.code, "message": refused.message}
    return "application/json", json.dumps(body).encode()
