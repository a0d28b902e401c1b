"""Request bodies that create assets."""

from typing import Any


def asset_request(**upload_: Any) -> dict[str, Any]:
    return {"name": "The hall", "upload": {"content_type": "image/jpeg", **upload_}}
