"""Comparison of API and WebSocket answers without their links, which each answer signs anew."""

from typing import Any


def unlinked(value: Any) -> Any:
    """The same, with whether there is a link in the place of each link; only what was not yet received has none."""
    if isinstance(value, dict):
        return {name: _is_link(value) if name == "url" else unlinked(value) for name, value in value.items()}
    if isinstance(value, list):
        return [unlinked(value) for value in value]
    return value


def _is_link(linked: dict[str, Any]) -> bool:
    assert (linked["url"] or "").startswith("http") or linked.get("received") is False, linked
    return linked["url"] is not None
