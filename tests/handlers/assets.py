"""Requests for assets."""

from typing import Any


def wish(**upload_: Any) -> dict[str, Any]:
    return {"name": "The hall", "upload": {"content_type": "image/jpeg", **upload_}}
