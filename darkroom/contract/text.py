"""Display names: text on one line that shows as it is, wherever it is shown."""

from typing import Annotated

from pydantic import Field

MAX_NAME_CHARACTERS = 200
# Control characters (C0 with escape sequences, C1), line and paragraph separators, and what overrides or isolates the
# direction of text: a name with one of them can show as another, or change the terminal that prints it.
_REFUSED = (
    r"\u0000-\u001f\u007f-\u009f"
    r"\u2028\u2029"
    r"\u202a-\u202e\u2066-\u2069"
)
DISPLAY_NAME = rf"^[^{_REFUSED}]*$"

DisplayName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_NAME_CHARACTERS,
        pattern=DISPLAY_NAME,
    ),
]
