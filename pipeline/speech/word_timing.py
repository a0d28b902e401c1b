"""Word timing: converts a synthesiser's marks to the time of each word."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.speech.audio import detect_voice
from pipeline.speech.types import SAMPLE_RATE, Samples, Word
from pipeline.speech.words import split_words, spoken_length, word_spans

SLACK = 0.05  # seconds: tolerance between a mark and its sound


@dataclass(frozen=True)
class SpeechMark:
    """Mark of a synthesiser: the text at character ``index`` of the script (from 0) is heard from ``seconds`` on."""

    index: int
    seconds: float


def time_words(script: str, language: str, marks: Iterable[SpeechMark], samples: Samples) -> tuple[Word, ...]:
    """Time every word of the script: by the marks, and between two marks by the words' estimated lengths.

    A word ends where the next one begins or, before a pause, where the voice falls silent.
    """
    texts, places, parts = split_words(script, language), word_spans(script, language), detect_voice(samples)
    words: list[Word] = []
    for (first, last), (start, end) in _groups(places, marks, len(samples) / SAMPLE_RATE):
        words += distribute_words(texts[first:last], start, _silent_from(parts, start, end))
    return tuple(words)


def distribute_words(texts: Sequence[str], start: float, end: float) -> Iterator[Word]:
    """Distribute words from ``start`` to ``end`` (seconds), each in proportion to its estimated length."""
    if not texts:
        return
    edges = np.cumsum([0.0, *(spoken_length(text) for text in texts)])
    edges = np.clip(start + (end - start) * edges / edges[-1], start, end)
    for text, (begin, stop) in zip(texts, pairwise(edges.tolist()), strict=True):
        yield Word(text, begin, stop)


def _groups(
    places: Sequence[tuple[int, int]], marks: Iterable[SpeechMark], seconds: float
) -> Iterator[tuple[tuple[int, int], tuple[float, float]]]:
    """Group words into runs of which only the first has a mark: yields word range and time range of each."""
    begins = np.array([start for start, _ in places])
    firsts: list[tuple[int, float]] = []
    for mark in sorted(marks, key=lambda mark: mark.index):
        word = max(int(np.searchsorted(begins, mark.index, "right")) - 1, 0)
        # Only the first mark within a word counts.
        if mark.seconds < seconds and (not firsts or (word > firsts[-1][0] and mark.seconds > firsts[-1][1])):
            firsts.append((word, mark.seconds))
    firsts = [(0, firsts[0][1] if firsts else 0.0), *firsts[1:]]
    for (word, start), (following, end) in pairwise([*firsts, (len(places), seconds)]):
        yield (word, following), (start, end)


def _silent_from(parts: NDArray[np.float64], start: float, end: float) -> float:
    """Return when the voice falls silent for good between ``start`` and ``end``; ``end`` if it does not."""
    # Sound that starts just before the end belongs to the next word; just after the start, to the previous one.
    audible = parts[(parts[:, 0] < end - SLACK) & (parts[:, 1] > start + SLACK)]
    return min(end, float(audible[-1, 1])) if len(audible) else end
