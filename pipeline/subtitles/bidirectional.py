"""From the logical order of a line to the order in which it is seen: Unicode's bidirectional algorithm (UAX #9)."""

import unicodedata
from dataclasses import dataclass

from bidi import get_display

_RIGHT_TO_LEFT = ("R", "AL")
_LANGUAGES = ("ar", "fa", "he", "ur", "yi")
# Two marks that stand on a character and take its direction (rule W1). No text has them: ``typesetting`` removes them.
_MARKS = "\ufe00\ufe01"


@dataclass(frozen=True)
class TextRun:
    """Characters of one direction, in logical order."""

    text: str
    left_to_right: bool


def is_left_to_right(text: str, language: str) -> bool:
    """Whether a paragraph begins at the left: as its first letter says, and never in a language written from right to
    left when there is any of that in it.

    >>> is_left_to_right("Darkroom אומר", "en-US"), is_left_to_right("Darkroom אומר", "he-IL")
    (True, False)
    """
    strong = [kind for kind in map(unicodedata.bidirectional, text) if kind in ("L", *_RIGHT_TO_LEFT)]
    leftward = language.partition("-")[0] in _LANGUAGES
    if leftward and any(kind in _RIGHT_TO_LEFT for kind in strong):
        return False
    return strong[0] == "L" if strong else not leftward


def visual_runs(line: str, *, rightward: bool) -> list[TextRun]:
    """The runs of a line from left to right, as they are seen in a paragraph that begins at the left, or not.

    python-bidi tells how the line looks, but neither where each character went nor its direction, which shaping needs.
    Two marks behind a character show both: their place, and whether they come in reverse.
    """
    base = "L" if rightward else "R"
    if rightward and all(unicodedata.bidirectional(each) not in (*_RIGHT_TO_LEFT, "AN") for each in line):
        return [TextRun(line, True)]
    shown = get_display(line, base_dir=base)
    places: list[tuple[int, bool]] = []  # of each character, and whether it reads to the right
    for end in range(1, len(line) + 1):
        probed = get_display(line[:end] + _MARKS + line[end:], base_dir=base)
        first, second = (probed.index(mark) for mark in _MARKS)
        if "".join(each for each in probed if each not in _MARKS) != shown:
            # It joins two numbers as long as nothing comes between (rule W4): it goes with the one before.
            places.append((places[-1][0] + 1, True))
        else:
            places.append((first - 1, True) if first < second else (second, False))
    found: list[tuple[int, TextRun]] = []
    start = 0
    for end in range(1, len(line) + 1):
        (place, rightward_here) = places[end - 1]
        step = 1 if rightward_here else -1
        if end == len(line) or places[end] != (place + step, rightward_here):
            found.append((min(places[start][0], place), TextRun(line[start:end], rightward_here)))
            start = end
    return [run for _place, run in sorted(found, key=lambda each: each[0])]
