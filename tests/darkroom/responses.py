"""Response builders: answers as the service and its storage word them."""

from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse, Response

START = datetime(2025, 6, 1, tzinfo=UTC)


def problem(
    status: int,
    code: str,
    detail: str,
    errors: list[dict[str, str]] | None = None,
    *,
    headers: dict[str, str] | None = None,
) -> Response:
    """Problem details as the service gives them."""
    body: dict[str, Any] = {"type": "about:blank", "title": "Problem", "status": status, "detail": detail, "code": code}
    return JSONResponse(
        {**body, **({"errors": errors} if errors else {})},
        status,
        headers=headers,
        media_type="application/problem+json",
    )


def s3_error(status: int, code: str, message: str = "") -> Response:
    """An error as S3 words it."""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(text, status, media_type="application/xml")
