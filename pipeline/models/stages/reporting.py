"""What stages say while they paint: which words were not read, and now and then how the picture is going to look."""

from math import ceil
from typing import Protocol

from pipeline.core.best_effort import decoration
from pipeline.core.stages import Work
from pipeline.models.denoise_request import Look

LOOKS = 5  # at most, while one job is painted


class Reader(Protocol):
    """Reads the beginning of a text."""

    def unread(self, text: str, /) -> str:
        """The end that it does not read; empty when it reads all."""


def note_unread(work: Work, reader: Reader, prompt: str, negative_prompt: str) -> None:
    """Say in the result which words are beyond what ``reader`` reads."""
    for name, words in (("prompt", prompt), ("negative prompt", negative_prompt)):
        if unread := reader.unread(words):
            work.note(f"The {name} is too long: “{unread}” was not read.")


def show_some(work: Work, done: int, total: int, look: Look) -> None:
    """Show a look after a step, if its turn has come. After the last step there is the picture itself."""
    if done < total and done % ceil(total / LOOKS) == 0:
        with decoration("progress picture"):
            work.show(look())
