"""Comparison of API and WebSocket answers without their links, which each answer signs anew."""

from typing import Any


def unlinked(answer: Any) -> Any:
    """Return the answer with True for each link, and False for the missing link of a file not yet received."""
    if isinstance(answer, dict):
        return {name: _is_link(answer) if name == "url" else unlinked(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [unlinked(value) for value in answer]
    return answer


def _is_link(linked: dict[str, Any]) -> bool:
    assert (linked["url"] or "").startswith("http") or linked.get("received") is False, linked
    return linked["url"] is not None
