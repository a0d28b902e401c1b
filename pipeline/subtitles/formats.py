"""Subtitle file formats: SubRip and WebVTT."""

import re
from collections.abc import Iterable, Iterator

from darkroom.contract.languages import UNDETERMINED
from pipeline.speech.segmentation import ZERO_WIDTH_SPACE
from pipeline.subtitles.cues import Cue

_VTT_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# SubRip has no escapes. Players hide what looks like a tag, an override of SubStation Alpha or an entity, known or not:
# mpv and FFmpeg `{…}`, VLC any `<…>`. Full-width forms are shown by all of them, and are the same character to a search
# (NFKC). Between two ASCII characters, nothing invisible is safe: VLC also hides `<`, zero-width space, `b>`.
_FULL_WIDTH = str.maketrans("<>{}", "＜＞｛｝")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_OVERRIDE = re.compile(r"\\(?=[Nnh])")  # line breaks and spaces of SubStation Alpha
_ARROW = re.compile(r"-(?=->)")
_MINUS, _WORD_JOINER = "\u2212", "\u2060"


def srt(cues: Iterable[Cue]) -> str:
    """Format cues as SubRip: numbered from 1, times with a comma, and CRLF line ends, which its readers expect.

    The format has no escapes. What players would take for markup gets look-alikes: full-width brackets, a word joiner
    after a backslash, and a real minus sign in an arrow, which would be read as a time line.
    """
    blocks = (
        "\r\n".join(
            (
                str(number),
                f"{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}",
                *_plain_lines(cue),
                "",
                "",
            )
        )
        for number, cue in enumerate(cues, 1)
    )
    return "".join(blocks)


def vtt(cues: Iterable[Cue], language: str) -> str:
    """Format cues as WebVTT (https://www.w3.org/TR/webvtt1/), lines in logical order.

    ``&``, ``<`` and ``>`` become entities. ``language`` is a BCP 47 tag, given in the header if it is determined.
    """
    header = "WEBVTT\n" if language == UNDETERMINED else f"WEBVTT\nLanguage: {language}\n"
    blocks = (
        "\n".join(
            (
                f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}",
                *(line.rstrip(ZERO_WIDTH_SPACE).translate(_VTT_ENTITIES) for line in cue.lines),
                "",
            )
        )
        for cue in cues
    )
    return "\n".join((header, *blocks))


def _plain_lines(cue: Cue) -> Iterator[str]:
    """Yield the lines of a cue as SubRip's readers show them as they are."""
    # Without an opening bracket nothing is a tag: "5 > 3" and "a -> b" stay.
    tagged = any("<" in line for line in cue.lines)
    for line in cue.lines:
        text = _OVERRIDE.sub(lambda found: found.group() + _WORD_JOINER, line.rstrip(ZERO_WIDTH_SPACE))
        text = _ENTITY.sub("＆", _ARROW.sub(_MINUS, text))
        yield "".join(each.translate(_FULL_WIDTH) if tagged or each != ">" else each for each in text)


def _clock(seconds: float, mark: str) -> str:
    """Format a time as hours, minutes, seconds and milliseconds.

    >>> _clock(3723.4567, ",")
    '01:02:03,457'
    """
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}{mark}{milliseconds % 1000:03}"
