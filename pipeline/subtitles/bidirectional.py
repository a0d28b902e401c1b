"""Bidirectional text: splits a line into runs in visual order by Unicode's bidirectional algorithm (UAX #9)."""

import unicodedata
from dataclasses import dataclass

from bidi import get_display

_RIGHT_TO_LEFT = ("R", "AL")
_LANGUAGES = ("ar", "fa", "he", "ur", "yi")
# Two marks that combine with a character and take its direction (rule W1). ``typesetting`` removes them from texts.
_MARKS = "\ufe00\ufe01"


@dataclass(frozen=True)
class TextRun:
    """Run of characters with one direction, in logical order."""

    text: str
    left_to_right: bool


def is_left_to_right(text: str, language: str) -> bool:
    """Return True for a left-to-right paragraph, by its first letter.

    Any right-to-left text makes it right-to-left in a language written that way.

    >>> is_left_to_right("Darkroom אומר", "en-US"), is_left_to_right("Darkroom אומר", "he-IL")
    (True, False)
    """
    directions = [kind for kind in map(unicodedata.bidirectional, text) if kind in ("L", *_RIGHT_TO_LEFT)]
    leftward = language.partition("-")[0] in _LANGUAGES
    if leftward and any(kind in _RIGHT_TO_LEFT for kind in directions):
        return False
    return directions[0] == "L" if directions else not leftward


def visual_runs(line: str, *, rightward: bool) -> list[TextRun]:
    """Split a line into runs, in visual order from left to right; ``rightward`` is the paragraph's direction.

    python-bidi returns the visual line, but neither the position nor the direction of each character, which shaping
    needs. Both are probed by two marks after a character: by their position, and by whether they appear reversed.
    """
    base = "L" if rightward else "R"
    if rightward and all(unicodedata.bidirectional(each) not in (*_RIGHT_TO_LEFT, "AN") for each in line):
        return [TextRun(line, True)]
    visual = get_display(line, base_dir=base)
    places: list[tuple[int, bool]] = []  # visual position of each character, and whether it runs rightward
    for end in range(1, len(line) + 1):
        with_marks = get_display(line[:end] + _MARKS + line[end:], base_dir=base)
        first, second = (with_marks.index(mark) for mark in _MARKS)
        if "".join(each for each in with_marks if each not in _MARKS) != visual:
            # A separator that joins two numbers only if adjacent (rule W4): it follows the previous character.
            places.append((places[-1][0] + 1, True))
        else:
            places.append((first - 1, True) if first < second else (second, False))
    runs: list[tuple[int, TextRun]] = []
    start = 0
    for end in range(1, len(line) + 1):
        (place, character_rightward) = places[end - 1]
        step = 1 if character_rightward else -1
        if end == len(line) or places[end] != (place + step, character_rightward):
            runs.append((min(places[start][0], place), TextRun(line[start:end], character_rightward)))
            start = end
    return [run for _place, run in sorted(runs, key=lambda each: each[0])]
