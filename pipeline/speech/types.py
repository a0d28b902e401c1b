"""What was said: samples, and when each word is heard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from darkroom.contract.voices import Voice

Samples = NDArray[np.float32]

SAMPLE_RATE = 48_000  # samples a second, of every voice within the pipeline


@dataclass(frozen=True)
class Word:
    """A word as it is written, with the punctuation that touches it, and when it is heard: seconds from the start."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Speech:
    """A voice: ``samples`` are mono float32 in [-1, 1] at ``SAMPLE_RATE``. ``words`` are in their order."""

    samples: Samples
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / SAMPLE_RATE


@dataclass(frozen=True)
class Transcript:
    """What was said, to be read: ``words`` in their order, and the ``language`` they are in, a BCP 47 tag."""

    words: tuple[Word, ...]
    language: str


def shift_words(words: Sequence[Word], seconds: float) -> tuple[Word, ...]:
    """The words, heard so much later."""
    return tuple(Word(word.text, word.start + seconds, word.end + seconds) for word in words)


class SpeechSynthesiser(Protocol):
    """Who turns a script into speech. Safe to share between threads."""

    @property
    def about(self) -> str:
        """What it is and which version of it: changes when it would speak otherwise."""

    def synthesise(self, script: str, voice: Voice, report: Callable[[float], None] = lambda _fraction: None) -> Speech:
        """Say ``script`` (not empty). ``report`` hears how much of it was said, 0 to 1, and may raise to end it.

        Raises ``DarkroomError``: ``script_too_long_error`` beyond ``MAX_VOICE_SECONDS``, ``invalid_request`` where
        the script has nothing that the voice could say, ``engine_unavailable`` when it cannot speak here at all.
        """
