"""Where a listing goes on, as an opaque text.

A cursor says a time and a job id, never an owner: whoever makes one up reads on in their own jobs only.
"""

import base64
import binascii
import json

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import DarkroomError, ErrorCode
from pipeline.jobs import JobId

_position: TypeAdapter[tuple[str, str]] = TypeAdapter(tuple[str, JobId])


def encode(position: tuple[str, str] | None) -> str | None:
    """A position (created_at as stored, job_id) as a cursor."""
    return None if position is None else base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def decode(cursor: str | None) -> tuple[str, str] | None:
    """The position of a cursor. Raises ``DarkroomError`` (``invalid_request``) for what ``encode`` did not make."""
    if cursor is None:
        return None
    try:
        position = _position.validate_json(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, ValidationError) as error:
        raise DarkroomError(ErrorCode.INVALID_REQUEST, "cursor: not one that this API gave out.") from error
    if not 0 < len(position[0]) <= 40:
        raise DarkroomError(ErrorCode.INVALID_REQUEST, "cursor: not one that this API gave out.")
    return position
