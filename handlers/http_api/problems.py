"""Errors of the API as problem details (RFC 9457)."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from handlers.http_api.error_codes import ERROR_CODES

CONTENT_TYPE = "application/problem+json"
# Statuses of the codes that routes answer with.
STATUSES: Mapping[ErrorCode, HTTPStatus] = {
    code: each.status for code, each in ERROR_CODES.items() if each.status is not None
}


class FieldError(BaseModel):
    """Error in one field of a request."""

    field: str = Field(description="A path in the body such as `params.style`, or the name of a parameter.")
    message: str


class Problem(BaseModel):
    """Problem details (RFC 9457). ``code`` is the stable part; ``detail`` is for people."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: ErrorCode
    errors: list[FieldError] | None = Field(None, description="The errors of each field.")


class GatewayError(BaseModel):
    """Error of API Gateway, which rejects missing and invalid tokens before the API is called. It has no ``code``."""

    message: str


def problem(code: ErrorCode, detail: str, errors: list[FieldError] | None = None) -> Problem:
    """Return the problem of a code.

    >>> problem(ErrorCode.NOT_FOUND, "You have no job with this id.").status
    404
    """
    status = STATUSES.get(code, HTTPStatus.INTERNAL_SERVER_ERROR)
    return Problem(title=ERROR_CODES[code].title, status=status, detail=detail, code=code, errors=errors)


def of_error(error: DarkroomError) -> Problem:
    """Return the problem of a ``DarkroomError``."""
    return problem(error.detail.code, error.detail.message)


def of_validation(errors: Iterable[Mapping[str, Any]]) -> Problem:
    """Return the problem of pydantic's errors.

    If nothing else is wrong, an unsupported content type is 415 ``unsupported_media`` and a declared size over the
    limit is 413 ``too_large``. Everything else is 422 ``invalid_request``.
    """
    errors = list(errors)
    fields = [FieldError(field=_field(error), message=_message(error)) for error in errors]
    codes = {_code(error) for error in errors}
    code = codes.pop() if len(codes) == 1 else ErrorCode.INVALID_REQUEST
    detail = "; ".join(f"{field.field}: {field.message}" for field in fields[:5])
    return problem(code, detail[:1000] or "The request is not valid.", fields)


def _field(error: Mapping[str, Any]) -> str:
    """Return the field's path as the caller wrote it, without pydantic's request part and union tags."""
    source, *path = (str(part) for part in error["loc"])
    if source == "body" and path and path[0] in {kind.value for kind in Kind}:
        path = path[1:]
    if path[:1] == ["uploads"] and path[2:3] in (["upload"], ["asset"]):
        path = [*path[:2], *path[3:]]
    if error["type"].startswith("union_tag"):
        path = [*path, error["ctx"]["discriminator"].strip("'")]
    return ".".join(path) or source


def _message(error: Mapping[str, Any]) -> str:
    # Enumerations show as <Kind.UPSCALE: 'upscale'>; callers only know the values.
    return re.sub(r"<[\w.]+: ('\w+')>", r"\1", str(error["msg"])).removeprefix("Value error, ")


def _code(error: Mapping[str, Any]) -> ErrorCode:
    location, last = set(error["loc"]), error["loc"][-1]
    if {"upload", "uploads"} & location and last == "content_type" and error["type"] == "literal_error":
        return ErrorCode.UNSUPPORTED_MEDIA
    if {"upload", "uploads"} & location and last == "size" and error["type"] == "less_than_equal":
        return ErrorCode.TOO_LARGE
    return ErrorCode.INVALID_REQUEST
