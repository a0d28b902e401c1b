"""Request bodies that create jobs."""

from typing import Any


def job_request(
    photo: dict[str, Any] | None = None, params: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Return a request for a restyling, with other fields."""
    return {
        "kind": "restyle_room",
        "params": {"style": "scandinavian", **(params or {})},
        "uploads": {"photo": {"content_type": "image/jpeg", **(photo or {})}},
        **more,
    }
