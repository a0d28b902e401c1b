"""From the marks that a synthesiser gives to words and when each is heard."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.speech.audio import detect_voice
from pipeline.speech.types import SAMPLE_RATE, Samples, Word
from pipeline.speech.words import split_words, spoken_length, word_spans

SLACK = 0.05  # seconds that a mark may be beside its sound


@dataclass(frozen=True)
class SpeechMark:
    """That a voice says, from ``seconds`` on, what stands at ``index`` of the script (characters, from 0)."""

    index: int
    seconds: float


def time_words(script: str, language: str, marks: Iterable[SpeechMark], samples: Samples) -> tuple[Word, ...]:
    """Every word of the script with its time: what the marks say, and between two of them by the words' lengths.

    A word ends where the next one begins or, before a pause, where the voice falls silent.
    """
    texts, places, parts = split_words(script, language), word_spans(script, language), detect_voice(samples)
    words: list[Word] = []
    for (first, last), (start, end) in _groups(places, marks, len(samples) / SAMPLE_RATE):
        words += distribute_words(texts[first:last], start, _silent_from(parts, start, end))
    return tuple(words)


def distribute_words(texts: Sequence[str], start: float, end: float) -> Iterator[Word]:
    """Words one after the other from ``start`` to ``end`` (seconds), each as long as its estimate says."""
    if not texts:
        return
    edges = np.cumsum([0.0, *(spoken_length(text) for text in texts)])
    edges = np.clip(start + (end - start) * edges / edges[-1], start, end)
    for text, (begin, until) in zip(texts, pairwise(edges.tolist()), strict=True):
        yield Word(text, begin, until)


def _groups(
    places: Sequence[tuple[int, int]], marks: Iterable[SpeechMark], seconds: float
) -> Iterator[tuple[tuple[int, int], tuple[float, float]]]:
    """Runs of words of which the first alone has a mark: from which word to which, from when to when."""
    begins = np.array([start for start, _ in places])
    firsts: list[tuple[int, float]] = []
    for mark in sorted(marks, key=lambda mark: mark.index):
        word = max(int(np.searchsorted(begins, mark.index, "right")) - 1, 0)
        # Of several marks within a word the first counts.
        if mark.seconds < seconds and (not firsts or (word > firsts[-1][0] and mark.seconds > firsts[-1][1])):
            firsts.append((word, mark.seconds))
    firsts = [(0, firsts[0][1] if firsts else 0.0), *firsts[1:]]
    for (word, start), (following, end) in pairwise([*firsts, (len(places), seconds)]):
        yield (word, following), (start, end)


def _silent_from(parts: NDArray[np.float64], start: float, end: float) -> float:
    """When the voice has fallen silent for good between ``start`` and ``end``; ``end`` where it never does."""
    # What begins just before the end belongs to the next word, what ends just after the start to the one before.
    heard = parts[(parts[:, 0] < end - SLACK) & (parts[:, 1] > start + SLACK)]
    return min(end, float(heard[-1, 1])) if len(heard) else end
