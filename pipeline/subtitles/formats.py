"""Subtitles as files that players read beside a video."""

import re
from collections.abc import Iterable

from pipeline.subtitles.cues import Cue

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_ARROW = re.compile(r"-(?=->)")


def srt(cues: Iterable[Cue]) -> str:
    """SubRip: cues numbered from 1, times with a comma, lines that end as on Windows, which is what its readers expect.

    The format has no way to escape: an arrow in the text, which would be taken for times, gets a real minus.
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
    """WebVTT (https://www.w3.org/TR/webvtt1/): ``&``, ``<`` and ``>`` as entities, lines in logical order.

    ``language`` is a BCP 47 tag, given in the header.
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
    """Hours, minutes, seconds and milliseconds.

    >>> _clock(3723.4567, ",")
    '01:02:03,457'
    """
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}{mark}{milliseconds % 1000:03}"
