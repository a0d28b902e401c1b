"""JSON body check before routing: powertools would also accept forms, and the first element of a list.

Media type and header names are compared without regard to case. Parameters of the type are ignored, a charset too:
JSON is UTF-8 (RFC 8259, sections 8.1 and 11).
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from darkroom.contract.errors import ErrorCode
from darkroom.contract.media_types import essence
from handlers.http_api.problems import FieldError, Problem, problem

JSON = "application/json"
# Far more than any valid request; longer bodies are not parsed.
MAX_CHARACTERS = 200_000


def with_lower_case_headers(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an HTTP API event (payload format 2.0) whose header names are lower-case."""
    headers = event.get("headers") or {}
    return {**event, "headers": {name.lower(): value for name, value in headers.items()}}


def with_json_content_type(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event whose content type is JSON's, for the router, which compares it as it came.

    The type was checked before, or the request has no body.
    """
    return {**event, "headers": {**event["headers"], "content-type": JSON}}


def check_json_body(event: Mapping[str, Any]) -> Problem | None:
    """Return the problem with an event, with lower-case headers, whose body should be a JSON object, or None."""
    media = essence(event["headers"].get("content-type", JSON))
    if media != JSON:
        return problem(ErrorCode.UNSUPPORTED_MEDIA, f"The body's content type is {media[:100]!r}; send {JSON}.")
    body = event.get("body") or ""
    if len(body) > MAX_CHARACTERS:
        return problem(ErrorCode.TOO_LARGE, f"The body has {len(body)} characters; {MAX_CHARACTERS} is the limit.")
    try:
        # API Gateway encodes a body that is not text to it.
        text = base64.b64decode(body, validate=True).decode() if event.get("isBase64Encoded") else body
        parsed = json.loads(text)
    except UnicodeDecodeError as error:
        return _invalid("The body is not UTF-8, which JSON has to be, whatever charset is declared.", str(error))
    except (ValueError, RecursionError, binascii.Error) as error:
        return _invalid("The body is not JSON.", f"not JSON: {error}")
    if not isinstance(parsed, dict):
        return _invalid("The body is not a JSON object.", "not a JSON object")
    return None


def _invalid(detail: str, message: str) -> Problem:
    return problem(ErrorCode.INVALID_REQUEST, detail, [FieldError(field="body", message=message[:300])])
