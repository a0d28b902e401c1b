"""The words of a known script laid over a recording of it, by loudness alone.

Nobody listens to what is said: words are spread over the parts with a voice by their lengths, and pauses are matched
to punctuation. That is an approximation, right to a few tenths of a second where the script is what is said.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.speech.audio import detect_voice
from pipeline.speech.types import SAMPLE_RATE, Samples, Word
from pipeline.speech.word_timing import distribute_words
from pipeline.speech.words import ends_clause, ends_sentence, split_words, spoken_length

PAUSE = 0.15  # seconds; what is shorter may lie within a word
WINDOW = 40  # words before and after the expected one, between which a pause is looked for
# What fits badly, in seconds that a part may differ from its words instead: a pause after a word without punctuation,
# beside a share of its length, and a sentence that ends without any pause.
UNMARKED, UNMARKED_SHARE, RUN_ON = 0.3, 0.5, 0.3


def align_words(script: str, samples: Samples, language: str) -> tuple[Word, ...]:
    """Every word of the script in its order, each within the recording and none before the last has ended.

    ``samples`` are mono float32 at ``SAMPLE_RATE``. Where nobody is heard, the words are spread over the whole.
    """
    texts = split_words(script, language)
    if not texts:
        return ()
    parts = detect_voice(samples, bridged=PAUSE)
    if not len(parts):
        parts = np.array([[0.0, len(samples) / SAMPLE_RATE]])
    words: list[Word] = []
    edges = _edges(texts, parts)
    for (start, end), first, last in zip(parts.tolist(), edges[:-1], edges[1:], strict=True):
        words += distribute_words(texts[first:last], start, end)
    return tuple(words)


def _edges(texts: list[str], parts: NDArray[np.float64]) -> list[int]:
    """The index of the first word of each part, and how many words there are.

    Dynamic programming over the parts: the sum of what fits badly is the least of all ways to place the pauses.
    """
    spoken = np.cumsum([0.0, *(spoken_length(text) for text in texts)])
    lengths = parts[:, 1] - parts[:, 0]
    spoken *= lengths.sum() / spoken[-1]  # now seconds
    stops = np.cumsum([0, *(ends_sentence(text) for text in texts)])
    unmarked = np.array([0, *(not (ends_sentence(text) or ends_clause(text)) for text in texts)], bool)
    expected = np.searchsorted(spoken, np.cumsum(lengths))
    before, cost = np.array([0]), np.array([0.0])  # where the parts so far may end, and at what cost
    ways: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for part, length in enumerate(lengths):
        last = part == len(parts) - 1
        middle = int(expected[part])
        after = np.arange(max(middle - WINDOW, 0), min(middle + WINDOW, len(texts)) + 1)
        if last:
            after = np.array([len(texts)])
        badness = np.abs(spoken[after][:, None] - spoken[before] - length)
        # The last word of a part ends its sentence where it should.
        badness += RUN_ON * np.maximum(stops[np.maximum(after - 1, 0)][:, None] - stops[before], 0)
        total = np.where(before <= after[:, None], cost + badness, np.inf)
        best = total.argmin(axis=1)
        ways.append((after, before[best]))
        before, cost = after, total.min(axis=1)
        if not last:
            pause = parts[part + 1, 0] - parts[part, 1]
            cost = cost + np.where(unmarked[after], UNMARKED + UNMARKED_SHARE * pause, 0)
    edges = [len(texts)]
    for after, origin in reversed(ways):
        edges.append(int(origin[np.searchsorted(after, edges[-1])]))
    return edges[::-1]
