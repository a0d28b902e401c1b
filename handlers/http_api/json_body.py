"""JSON body check before routing: powertools would also accept forms, and the first element of a list."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from darkroom.contract.errors import ErrorCode
from handlers.http_api.problems import FieldError, Problem, problem

JSON = "application/json"
# Far more than any valid request; longer bodies are not parsed.
MAX_CHARACTERS = 200_000


def check_json_body(event: Mapping[str, Any]) -> Problem | None:
    """Return the problem with an HTTP API event (payload format 2.0) whose body should be a JSON object, or None."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    media = headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media != JSON:
        return problem(ErrorCode.UNSUPPORTED_MEDIA, f"The body's content type is {media[:100]!r}; send {JSON}.")
    body = event.get("body") or ""
    if len(body) > MAX_CHARACTERS:
        return problem(ErrorCode.TOO_LARGE, f"The body has {len(body)} characters; {MAX_CHARACTERS} is the limit.")
    try:
        if event.get("isBase64Encoded"):
            body = base64.b64decode(body, validate=True).decode()
        parsed = json.loads(body)
    except (ValueError, RecursionError, binascii.Error) as error:
        return _invalid("The body is not JSON.", f"not JSON: {error}")
    if not isinstance(parsed, dict):
        return _invalid("The body is not a JSON object.", "not a JSON object")
    return None


def _invalid(detail: str, message: str) -> Problem:
    return problem(ErrorCode.INVALID_REQUEST, detail, [FieldError(field="body", message=message[:300])])
