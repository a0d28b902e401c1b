"""Conditional requests to S3: a reader of one object takes no other that was put under its key since."""

from typing import TypedDict

# Error codes of S3. A HEAD has no body, so its code is the status.
MISSING_CODES = ("NoSuchKey", "404")
REPLACED_CODES = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")


class IfMatch(TypedDict, total=False):
    """Arguments of a request that succeeds only for one object."""

    IfMatch: str


class CopyCondition(TypedDict, total=False):
    """Arguments of a copy that succeeds only for one source."""

    CopySourceIfMatch: str


def if_match(etag: str | None) -> IfMatch:
    """Return the arguments of a request for the object with this ETag; none if it is not known.

    >>> if_match('"1b"'), if_match(None)
    ({'IfMatch': '"1b"'}, {})
    """
    return {} if etag is None else {"IfMatch": etag}


def copy_if_match(etag: str | None) -> CopyCondition:
    """Return the arguments of a copy of the object with this ETag; none if it is not known.

    >>> copy_if_match('"1b"'), copy_if_match(None)
    ({'CopySourceIfMatch': '"1b"'}, {})
    """
    return {} if etag is None else {"CopySourceIfMatch": etag}
