"""Subtitle cues: groups timed words into lines and display times by broadcasting rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from pipeline.speech.segmentation import ZERO_WIDTH_SPACE
from pipeline.speech.sentences import ends_clause, ends_sentence
from pipeline.speech.types import Word
from pipeline.subtitles.line_breaking import (
    FORBIDDEN,
    balance_lines,
    breakable_pieces,
    display_width,
    normalise_text,
    separator,
    split_to_width,
    visible_length,
)

MAX_COLUMNS = 42
MAX_LINES = 2
MIN_SECONDS, MAX_SECONDS = 1.0, 7.0
CHARACTERS_PER_SECOND = 20.0
PAUSE = 0.5  # seconds of silence that separate two phrases
HOLD_SECONDS = 0.5  # seconds that a cue may stay after its last word
MIN_GAP = 0.1  # seconds: shorter gaps between two cues are closed
MIN_DURATION = 0.04  # seconds: the shortest cue lasts one frame

# Penalties of a cue, on one scale. Breaking a rule outweighs any bad place to break.
_BROKEN_RULE = 1000.0  # per second too short or too long
_CUE = 1.0  # per cue, to keep their number small
_SHORT = 1.5  # for an almost empty cue; less with more text
_SENTENCE_WITHIN = 3.0  # for a sentence end inside a cue
_PAUSE_WITHIN = 2.0  # per second of a pause inside a cue
_CLAUSE_END = 0.75  # for a cue that ends with a clause, not a sentence
_PHRASE_END = 50.0  # for a cue that ends with neither: factor of the line break penalty there


@dataclass(frozen=True)
class Cue:
    """Subtitle of one or two lines in logical order, each at most ``MAX_COLUMNS`` wide.

    It is shown from ``start`` to ``end`` (seconds).
    """

    start: float
    end: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Unit:
    """Unbreakable unit of text: a word, or a part of one, with the separator before it.

    ``context`` is the text from the last possible break to the unit's end.
    """

    text: str
    context: str
    start: float
    end: float
    separator: str
    break_penalty: float


def build_cues(words: Sequence[Word], language: str, *, video_end: float) -> tuple[Cue, ...]:
    """Build the cues of a speech, in order, without overlaps, and not beyond ``video_end`` (seconds, positive).

    Two lines of 42 columns (a wide character takes two), 1 to 7 seconds, at most 20 characters per second, following
    the guidelines of BBC and Netflix. Cues end with sentences if possible, else with clauses or pauses of half a
    second. A cue begins with its first word and is held up to half a second after its last one, or as long as its
    length requires.

    If not all rules can be kept, text, order and width take precedence:

    - Continuous speech faster than 20 characters per second is shown as fast as it is heard.
    - A cue with less than a second before the next starts a little early if there is room, else it is shorter.
    - A word that lasts longer than 7 seconds disappears before its end.
    - A word wider than a line is split.
    - Words beyond ``video_end`` are shown just before it.

    ``language`` is a BCP 47 tag.
    """
    units = _units(words, language)
    if not units:
        return ()
    bounds = _best_bounds(units, video_end)
    parts = [units[start:end] for start, end in pairwise(bounds)]
    texts = [_lines(part, language) for part in parts]
    return _timed(parts, texts, video_end)


def _units(words: Sequence[Word], language: str) -> list[_Unit]:
    """Split the words into unbreakable units: where a line may break, and also if they are wider than a line."""
    text, last_start = "", 0.0
    times: list[tuple[float, float]] = []  # by character: when it is heard
    for word in words:
        own = normalise_text(word.text)
        if not visible_length(own.replace(" ", "")):
            continue
        gap = separator(text, own, language)
        own = own.removeprefix(ZERO_WIDTH_SPACE)
        start = max(word.start, last_start)
        each = (max(word.end, start) - start) / len(own)
        last_start = start
        times += [(start, start)] * len(gap)
        times += [(start + index * each, start + (index + 1) * each) for index in range(len(own))]
        text += gap + own
    units: list[_Unit] = []
    at = 0
    for piece in breakable_pieces(text, language) if text else ():
        at += len(piece.separator)
        own_separator, penalty, context = piece.separator, piece.penalty, piece.context.removesuffix(piece.text)
        for part in split_to_width(piece.text, MAX_COLUMNS):
            end = at + len(part)
            context += part
            units.append(_Unit(part, context, times[at][0], times[end - 1][1], own_separator, penalty))
            at, own_separator, penalty = end, "", FORBIDDEN
    return units


def _best_bounds(units: list[_Unit], video_end: float) -> list[int]:
    """Choose the start of each cue, and the end of the last, by dynamic programming with the least total penalty."""
    count = len(units)
    width_before = [0, *accumulate(display_width(unit.separator + unit.text) for unit in units)]
    characters_before = [0, *accumulate(visible_length(unit.separator + unit.text) for unit in units)]
    ending = [_ending_penalty(one, two) for one, two in pairwise(units)]
    within = [0.0, *accumulate(_continuation_penalty(one, two) for one, two in pairwise(units))]

    def width(first: int, last: int) -> int:
        return width_before[last] - width_before[first] - len(units[first].separator)

    best = [0.0] + [float("inf")] * count
    origin = [0] * (count + 1)
    for first in range(count):
        start, second_line = units[first].start, first  # second_line: start of the second line if the first one is full
        for last in range(first + 1, count + 1):
            if width(first, last) <= MAX_COLUMNS:
                second_line = last
            elif width(second_line, last) > MAX_COLUMNS:
                break
            room = (units[last].start if last < count else video_end) - start
            needed = _needed(characters_before[last] - characters_before[first] - len(units[first].separator))
            excess = max(units[last - 1].end - start - MAX_SECONDS, 0.0)
            free = 1 - width(first, last) / (MAX_LINES * MAX_COLUMNS)
            cost = best[first] + _CUE + _SHORT * free**2 + within[last - 1] - within[first]
            cost += _BROKEN_RULE * (max(needed - room, 0.0) + excess)
            cost += ending[last - 1] if last < count else 0.0
            if cost < best[last]:
                best[last], origin[last] = cost, first
    bounds = [count]
    while bounds[-1]:
        bounds.append(origin[bounds[-1]])
    return bounds[::-1]


def _ending_penalty(one: _Unit, two: _Unit) -> float:
    """Return the penalty of ending a cue between two neighbours."""
    if two.break_penalty < FORBIDDEN and ends_sentence(one.context):
        return 0.0
    if two.break_penalty < FORBIDDEN and (ends_clause(one.context) or two.start - one.end >= PAUSE):
        return _CLAUSE_END
    return _PHRASE_END * two.break_penalty


def _continuation_penalty(one: _Unit, two: _Unit) -> float:
    """Return the penalty of having both in one cue."""
    silence = two.start - one.end
    return (_SENTENCE_WITHIN if ends_sentence(one.context) else 0.0) + (
        _PAUSE_WITHIN * silence if silence >= PAUSE else 0
    )


def _needed(length: int) -> float:
    """Return the least display time in seconds of so many characters."""
    return max(MIN_SECONDS, length / CHARACTERS_PER_SECOND)


def _lines(units: list[_Unit], language: str) -> tuple[str, ...]:
    """Break a cue's text into one line if it fits, else into two of about equal length."""
    widths = [display_width(unit.text) for unit in units]
    gaps = [len(unit.separator) for unit in units]
    penalty = [unit.break_penalty for unit in units]
    for lines in range(1, MAX_LINES + 1):
        found = balance_lines(widths, gaps, penalty, MAX_COLUMNS, lines)
        if found is not None:
            lines_text = [
                "".join(unit.separator + unit.text for unit in units[part])[gaps[part.start] :] for part in found
            ]
            for index, part in enumerate(found[1:]):
                if not gaps[part.start] and separator(lines_text[index], lines_text[index + 1], language):
                    lines_text[index] += ZERO_WIDTH_SPACE  # otherwise the lines would be joined with a space again
            return tuple(lines_text)
    raise AssertionError("the bounds were chosen so that two lines hold it")


def _timed(parts: list[list[_Unit]], texts: list[tuple[str, ...]], video_end: float) -> tuple[Cue, ...]:
    """Time each cue: as long as it is heard, longer if required and possible, and never over the next one."""
    count = len(parts)
    starts = _in_order([part[0].start for part in parts], video_end)
    limits = [*starts[1:], video_end]
    ends: list[float] = []
    for index, (part, text) in enumerate(zip(parts, texts, strict=True)):
        needed = _needed(visible_length(" ".join(text)))
        end = min(max(part[-1].end, starts[index] + needed), limits[index], starts[index] + MAX_SECONDS)
        before = ends[-1] if ends else 0.0
        starts[index] = max(min(starts[index], end - needed), min(before, starts[index]))
        ends.append(max(end, starts[index]))
    for index in range(count):
        limit = starts[index + 1] if index + 1 < count else video_end
        latest = min(limit, starts[index] + MAX_SECONDS)
        end = max(ends[index], min(parts[index][-1].end + HOLD_SECONDS, latest))
        ends[index] = latest if 0 < latest - end < MIN_GAP else end
    return tuple(Cue(*each) for each in zip(starts, ends, texts, strict=True))


def _in_order(starts: list[float], video_end: float) -> list[float]:
    """Space the starts at least a frame apart, and the last a frame before the end, as far as time permits."""
    least = min(MIN_DURATION, video_end / len(starts))
    ordered = [max(starts[0], 0.0)]
    for start in starts[1:]:
        ordered.append(max(start, ordered[-1] + least))
    latest = video_end
    for index in reversed(range(len(ordered))):
        latest = ordered[index] = max(min(ordered[index], latest - least), 0.0)
    return ordered
