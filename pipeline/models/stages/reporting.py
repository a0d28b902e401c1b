"""Reporting during denoising: notes on truncated prompts, and occasional progress images."""

from math import ceil
from typing import Protocol

from pipeline.core.best_effort import best_effort
from pipeline.core.stages import StageContext
from pipeline.models.denoise_request import MakeProgressImage

MAX_PROGRESS_IMAGES = 5  # per request


class PromptTokenizer(Protocol):
    """Tokenizer that reads a limited number of tokens."""

    def truncated_tail(self, text: str, /) -> str:
        """Return the end of a text that it does not read; an empty string if it reads all."""


def note_truncated_prompt(context: StageContext, reader: PromptTokenizer, prompt: str, negative_prompt: str) -> None:
    """Add a note to the result for each prompt that ``reader`` truncates, with the words cut off."""
    for name, words in (("prompt", prompt), ("negative prompt", negative_prompt)):
        if truncated := reader.truncated_tail(words):
            context.add_note(f"The {name} is too long: “{truncated}” was not read.")


def report_some_progress_images(
    context: StageContext, done: int, total: int, make_progress_image: MakeProgressImage
) -> None:
    """Report a progress image after some of the steps; not after the last one, which gives the picture itself."""
    if done < total and done % ceil(total / MAX_PROGRESS_IMAGES) == 0:
        with best_effort("progress picture"):
            context.report_progress_image(make_progress_image())
