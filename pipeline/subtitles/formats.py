"""Subtitle file formats: SubRip and WebVTT."""

import re
from collections.abc import Iterable

from pipeline.subtitles.cues import Cue

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_ARROW = re.compile(r"-(?=->)")


def srt(cues: Iterable[Cue]) -> str:
    """Format cues as SubRip: numbered from 1, times with a comma, and CRLF line ends, which its readers expect.

    The format has no escaping: an arrow in the text, which would be read as a time line, gets a real minus sign.
    """
    blocks = (
        "\r\n".join(
            (
                str(number),
                f"{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}",
                *(_ARROW.sub("\u2212", line) for line in cue.lines),
                "",
                "",
            )
        )
        for number, cue in enumerate(cues, 1)
    )
    return "".join(blocks)


def vtt(cues: Iterable[Cue], language: str) -> str:
    """Format cues as WebVTT (https://www.w3.org/TR/webvtt1/), lines in logical order.

    ``&``, ``<`` and ``>`` become entities. ``language`` is a BCP 47 tag, given in the header.
    """
    blocks = (
        "\n".join(
            (
                f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}",
                *(line.translate(_ESCAPES) for line in cue.lines),
                "",
            )
        )
        for cue in cues
    )
    return "\n".join((f"WEBVTT\nLanguage: {language}\n", *blocks))


def _clock(seconds: float, mark: str) -> str:
    """Format a time as hours, minutes, seconds and milliseconds.

    >>> _clock(3723.4567, ",")
    '01:02:03,457'
    """
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}{mark}{milliseconds % 1000:03}"
