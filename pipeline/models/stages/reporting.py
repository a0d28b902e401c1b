"""What stages say while they paint: which words were not read, and now and then how the picture is going to look."""

from math import ceil
from typing import Protocol

from pipeline.core.best_effort import best_effort
from pipeline.core.stages import StageContext
from pipeline.models.denoise_request import MakeProgressImage

MAX_PROGRESS_IMAGES = 5  # at most, while one job is painted


class PromptTokenizer(Protocol):
    """Reads the beginning of a text."""

    def truncated_tail(self, text: str, /) -> str:
        """The end that it does not read; empty when it reads all."""


def note_truncated_prompt(work: StageContext, reader: PromptTokenizer, prompt: str, negative_prompt: str) -> None:
    """Say in the result which words are beyond what ``reader`` reads."""
    for name, words in (("prompt", prompt), ("negative prompt", negative_prompt)):
        if unread := reader.truncated_tail(words):
            work.add_note(f"The {name} is too long: “{unread}” was not read.")


def report_some_progress_images(work: StageContext, done: int, total: int, look: MakeProgressImage) -> None:
    """Show a look after a step, if its turn has come. After the last step there is the picture itself."""
    if done < total and done % ceil(total / MAX_PROGRESS_IMAGES) == 0:
        with best_effort("progress picture"):
            work.report_progress_image(look())
