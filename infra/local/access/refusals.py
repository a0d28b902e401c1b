"""Refusals of the request guard, as AWS error answers."""

import json
from xml.sax.saxutils import escape


class Refused(Exception):
    """A request that is not let through. ``code`` is AWS's error code, where AWS has one."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def unsigned() -> Refused:
    """The refusal of a request that is not signed, or in a way that means nothing to AWS."""
    return Refused(
        403,
        "MissingAuthenticationToken",
        "The request is not signed; `darkroom status` says how to sign requests to this stack.",
    )


def too_large(most_bytes: int) -> Refused:
    """The refusal of a body that is longer than callers of its kind may send."""
    return Refused(413, "RequestEntityTooLarge", f"The body is longer than {most_bytes} bytes.")


def unknown_key(key: str) -> Refused:
    """The refusal of an access key that is not one of this stack."""
    return Refused(
        403,
        "InvalidClientTokenId",
        f"The access key {key!r} is not one of this stack; `darkroom status` says how to sign requests to it.",
    )


def render(refused: Refused, *, content_type: str, service: str) -> tuple[str, bytes]:
    """The answer's media type and body, in the form that the AWS SDKs read for the request's service.

    ``content_type`` is the request's, ``service`` the one of its credential scope, empty when there is none.

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
