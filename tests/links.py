"""What the API and the sockets tell, comparable: every answer signs its links anew."""

from typing import Any


def unlinked(told: Any) -> Any:
    """The same, with whether there is a link in the place of each link."""
    if isinstance(told, dict):
        return {name: value is not None if name == "url" else unlinked(value) for name, value in told.items()}
    if isinstance(told, list):
        return [unlinked(value) for value in told]
    return told
