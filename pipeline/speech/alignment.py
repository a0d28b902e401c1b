"""Forced alignment by loudness: aligns the words of a known script to a recording of it.

No speech is recognised: words are spread over the voiced parts by their estimated lengths, and pauses are matched to
punctuation. The result is right to a few tenths of a second if the script is what is said.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.speech.audio import detect_voice
from pipeline.speech.sentences import ends_clause, ends_sentence
from pipeline.speech.types import SAMPLE_RATE, Samples, Word
from pipeline.speech.word_timing import distribute_words
from pipeline.speech.words import split_words, spoken_length

PAUSE = 0.15  # seconds; shorter pauses may lie within a word
WINDOW = 40  # words before and after the expected one where a pause may be placed
# Costs, in seconds of difference between a part and its words: for a pause after a word without punctuation (and per
# second of that pause), and for a sentence that ends without any pause.
UNMARKED, UNMARKED_SHARE, MISSING_PAUSE = 0.3, 0.5, 0.3


def align_words(script: str, samples: Samples, language: str) -> tuple[Word, ...]:
    """Align every word of the script, in order, within the recording and without overlaps.

    ``samples`` are mono float32 at ``SAMPLE_RATE``. If no voice is detected, the words are spread over the whole.
    """
    texts = split_words(script, language)
    if not texts:
        return ()
    parts = detect_voice(samples, max_pause=PAUSE)
    if not len(parts):
        parts = np.array([[0.0, len(samples) / SAMPLE_RATE]])
    words: list[Word] = []
    edges = _edges(texts, parts)
    for (start, end), first, last in zip(parts.tolist(), edges[:-1], edges[1:], strict=True):
        words += distribute_words(texts[first:last], start, end)
    return tuple(words)


def _edges(texts: list[str], parts: NDArray[np.float64]) -> list[int]:
    """Return the index of the first word of each voiced part, then the number of words.

    Dynamic programming over the parts minimises the total cost of all ways to place the pauses.
    """
    positions = np.cumsum([0.0, *(spoken_length(text) for text in texts)])
    lengths = parts[:, 1] - parts[:, 0]
    positions *= lengths.sum() / positions[-1]  # now seconds
    sentence_ends = np.cumsum([0, *(ends_sentence(text) for text in texts)])
    unmarked = np.array([0, *(not (ends_sentence(text) or ends_clause(text)) for text in texts)], bool)
    expected = np.searchsorted(positions, np.cumsum(lengths))
    before, cost = np.array([0]), np.array([0.0])  # possible ends of the parts so far, and their costs
    steps: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for part, length in enumerate(lengths):
        last = part == len(parts) - 1
        middle = int(expected[part])
        after = np.arange(max(middle - WINDOW, 0), min(middle + WINDOW, len(texts)) + 1)
        if last:
            after = np.array([len(texts)])
        mismatch = np.abs(positions[after][:, None] - positions[before] - length)
        # Only the last word of a part should end a sentence.
        mismatch += MISSING_PAUSE * np.maximum(
            sentence_ends[np.maximum(after - 1, 0)][:, None] - sentence_ends[before], 0
        )
        total = np.where(before <= after[:, None], cost + mismatch, np.inf)
        best = total.argmin(axis=1)
        steps.append((after, before[best]))
        before, cost = after, total.min(axis=1)
        if not last:
            pause = parts[part + 1, 0] - parts[part, 1]
            cost = cost + np.where(unmarked[after], UNMARKED + UNMARKED_SHARE * pause, 0)
    edges = [len(texts)]
    for after, previous in reversed(steps):
        edges.append(int(previous[np.searchsorted(after, edges[-1])]))
    return edges[::-1]
