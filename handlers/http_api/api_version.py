"""API version: tells callers that of the service, and refuses clients that are too old for it."""

import re
from collections.abc import Mapping
from typing import Any

from darkroom.contract.errors import ErrorCode
from darkroom.contract.version import API_VERSION, API_VERSION_HEADER, OLDEST_CLIENT
from handlers.http_api.problems import Problem, problem

# Clients of every version may read the configuration: it names the versions that are supported.
ALWAYS_OPEN = "/config"


def check_client(event: Mapping[str, Any]) -> Problem | None:
    """Return the problem of a client that is too old; None for others, and for clients that name no version."""
    version = _version(event.get("headers", {}).get(API_VERSION_HEADER.lower(), ""))
    oldest = _version(OLDEST_CLIENT)
    if version is None or oldest is None or version >= oldest or event["rawPath"] == ALWAYS_OPEN:
        return None
    named = ".".join(map(str, version))
    return problem(
        ErrorCode.CLIENT_TOO_OLD,
        f"This client was made for version {named} of the API. The service supports {OLDEST_CLIENT} to {API_VERSION}. "
        "Upgrade the client: pip install --upgrade darkroom-sdk, or load the page again.",
    )


def add_header(response: dict[str, Any]) -> dict[str, Any]:
    """Return the response with the version of the API."""
    return {**response, "headers": {**(response.get("headers") or {}), API_VERSION_HEADER: API_VERSION}}


def _version(text: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", text, re.ASCII)
    return None if match is None else (int(match[1]), int(match[2]))
