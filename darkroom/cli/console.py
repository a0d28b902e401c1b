"""Console: tables and live lines of rich, whose text is neutralised as ``output.py`` does it."""

from typing import Any

from rich.console import Console
from rich.text import Text

from darkroom.cli.output import neutralised

# Columns of a table that is not printed to a terminal.
PIPED_WIDTH = 160


class SafeConsole(Console):
    """Console of rich that neutralises text and reads no markup or emoji codes in it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"highlight": False, "markup": False, "emoji": False, **options})

    def render_str(self, text: str, **options: Any) -> Text:
        """Return neutralised text, as every string in a table or a line is rendered."""
        return super().render_str(neutralised(text), **options)


def console() -> Console:
    """Return a console for stdout, wide enough for a whole row if it is no terminal."""
    found = SafeConsole()
    return found if found.is_terminal else SafeConsole(width=PIPED_WIDTH)
