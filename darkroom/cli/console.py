"""Console: tables and live lines of rich, whose text is neutralised as ``output.py`` does it."""

import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from darkroom.cli.output import BROKEN_PIPE_EXIT_CODE, discard, fail_output, neutralised

# Columns of a table that is not printed to a terminal.
PIPED_WIDTH = 160


class SafeConsole(Console):
    """Console of rich that neutralises text, reads no markup or emoji codes in it, and fails as ``echo`` does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"highlight": False, "markup": False, "emoji": False, **options})

    def render_str(self, text: str, **options: Any) -> Text:
        """Return neutralised text, as every string in a table or a line is rendered."""
        return super().render_str(neutralised(text), **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as ``Console.print``. Raises what ``echo`` raises."""
        try:
            super().print(*objects, **options)
        except OSError as error:
            if not self.stderr:
                fail_output(error)

    def on_broken_pipe(self) -> None:
        """Print nothing more, as the reader of the pipe has gone. Exits silently if it read stdout."""
        self.quiet = True
        discard(sys.stderr if self.stderr else sys.stdout)
        if not self.stderr:
            raise SystemExit(BROKEN_PIPE_EXIT_CODE)


def console() -> Console:
    """Return a console for stdout, wide enough for a whole row if it is no terminal."""
    found = SafeConsole()
    return found if found.is_terminal else SafeConsole(width=PIPED_WIDTH)
