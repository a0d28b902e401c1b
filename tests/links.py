"""Comparison of API and WebSocket answers without their links, which each answer signs anew."""

from typing import Any


def unlinked(told: Any) -> Any:
    """The same, with whether there is a link in the place of each link; only what was not yet received has none."""
    if isinstance(told, dict):
        return {name: _is_link(told) if name == "url" else unlinked(value) for name, value in told.items()}
    if isinstance(told, list):
        return [unlinked(value) for value in told]
    return told


def _is_link(linked: dict[str, Any]) -> bool:
    assert (linked["url"] or "").startswith("http") or linked.get("received") is False, linked
    return linked["url"] is not None
