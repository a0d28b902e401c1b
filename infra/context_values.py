"""Context values: parsers and checks of what the command line gives as texts."""

import json
import re
from typing import Annotated

from pydantic import HttpUrl, TypeAdapter, UrlConstraints

_ORIGIN = re.compile(
    r"(?!https://[^:]+:443$)(?!http://[^:]+:80$)[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:]+\])(:\d{1,5})?"
)
_HTTPS_URL = TypeAdapter(Annotated[HttpUrl, UrlConstraints(allowed_schemes=["https"])])


def words(value: object) -> object:
    """Return the comma-separated words of a text; another value as it is."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def json_object(value: object) -> object:
    """Parse the JSON of a text; return another value as it is. Raises ``ValueError``."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from error


def stage_name(stage: str) -> str:
    """Check the name of a stage. Raises ``ValueError``."""
    if stage.endswith("-"):
        raise ValueError("SageMaker's names may not end in a hyphen")
    if stage.endswith(("-gpu", "-studio")):
        raise ValueError("the stacks of another stage end in -gpu and -studio")
    return stage


def number(value: object) -> object:
    """Parse a whole number of the command line, whose values are texts; a ``Literal`` takes numbers only."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def web_origins(origins: list[str]) -> list[str]:
    """Check web origins (RFC 6454): browsers send scheme, host and a port other than the scheme's own."""
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is no web origin: https://app.example.com, in lower case, without path, final slash and "
                "default port, or * for all"
            )
    if "*" in origins and len(origins) > 1:
        raise ValueError("* allows every origin: leave out the others, or the *")
    return origins


def https_url(url: str) -> str:
    """Check an address and return it as it was typed: a parsed URL would gain a slash after the host."""
    parsed = _HTTPS_URL.validate_python(url)
    if parsed.query or parsed.fragment:
        raise ValueError("an address without query and fragment is required")
    return url
