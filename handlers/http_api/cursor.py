"""Page cursor: the position of a listing as opaque text.

A cursor holds a time and a job id, never an owner, so a forged one still reads only its caller's jobs.
"""

import base64
import json
from typing import Annotated

from pydantic import Field, TypeAdapter

from darkroom.contract.jobs import JobId

_position: TypeAdapter[tuple[str, str]] = TypeAdapter(tuple[Annotated[str, Field(min_length=1, max_length=40)], JobId])


def encode(position: tuple[str, str] | None) -> str | None:
    """Return the cursor of a position (created_at as stored, job_id); None at the end."""
    return None if position is None else base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def decode(cursor: str) -> tuple[str, str]:
    """Return the position of a cursor. Raises ``ValueError`` for text that ``encode`` did not produce.

    >>> decode(encode(("2026-01-01T00:00:00.000000+00:00", "0" * 32)))
    ('2026-01-01T00:00:00.000000+00:00', '00000000000000000000000000000000')
    """
    try:
        return _position.validate_json(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except ValueError as error:
        raise ValueError("not a cursor that this API gave out") from error


def check(cursor: str | None) -> str | None:
    """Return the cursor unchanged. Raises ``ValueError`` as ``decode`` does."""
    if cursor is not None:
        decode(cursor)
    return cursor
