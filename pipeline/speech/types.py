"""Speech types: words, speech, transcripts and the synthesiser protocol."""

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
    """Word as written, with adjacent punctuation, and the seconds from the start in which it is heard."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Speech:
    """Recorded or synthesised voice.

    ``samples`` are mono float32 in [-1, 1] at ``SAMPLE_RATE``. ``words`` are in order.
    """

    samples: Samples
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / SAMPLE_RATE


@dataclass(frozen=True)
class Transcript:
    """Transcript: ``words`` in order, and their ``language``, a BCP 47 tag."""

    words: tuple[Word, ...]
    language: str


def shift_words(words: Sequence[Word], seconds: float) -> tuple[Word, ...]:
    """Delay the words by ``seconds``."""
    return tuple(Word(word.text, word.start + seconds, word.end + seconds) for word in words)


class SpeechSynthesiser(Protocol):
    """Speech synthesiser. Thread-safe."""

    @property
    def about(self) -> str:
        """Return its name and version, which change whenever its output would."""

    def synthesise(self, script: str, voice: Voice, report: Callable[[float], None] = lambda _fraction: None) -> Speech:
        """Synthesise ``script`` (not empty). ``report`` receives the fraction done, 0 to 1; if it raises, the work
        ends.

        Raises ``DarkroomError``: ``script_too_long_error`` beyond ``MAX_VOICE_SECONDS``, ``invalid_request`` if the
        voice can pronounce nothing of the script, ``engine_unavailable`` if synthesis does not work here at all.
        """
