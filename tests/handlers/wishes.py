"""Requests for jobs."""

from typing import Any


def wish(photo: dict[str, Any] | None = None, params: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A request for a restyling, with anything else you say."""
    return {
        "kind": "restyle_room",
        "params": {"style": "scandinavian", **(params or {})},
        "uploads": {"photo": {"content_type": "image/jpeg", **(photo or {})}},
        **more,
    }
