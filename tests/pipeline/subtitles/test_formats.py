"""Subtitle files: parsed back unchanged."""

import re
import unicodedata
from pathlib import Path

import av
from hypothesis import given
from hypothesis import strategies as st

from pipeline.subtitles.cues import Cue
from pipeline.subtitles.formats import srt, vtt

LINES = st.lists(
    st.text("ab &<>-123:,.שלוםسلام字幕;#amp", min_size=1, max_size=42).map(str.strip).filter(bool),
    min_size=1,
    max_size=2,
)


WRITTEN = str.maketrans("\u2212＜＞＆", "-<>&")


@st.composite
def many_cues(draw: st.DrawFn) -> list[Cue]:
    """Cues in order, at whole milliseconds, up to some hours."""
    found, now = [], 0
    for lines, wait, lasts in draw(st.lists(st.tuples(LINES, st.integers(0, 2_000_000), st.integers(40, 7000)))):
        found.append(Cue((now + wait) / 1000, (now + wait + lasts) / 1000, tuple(lines)))
        now += wait + lasts
    return found


def seconds(clock: str) -> float:
    hours, minutes, rest = clock.replace(",", ".").split(":")
    return (int(hours) * 3_600_000 + int(minutes) * 60_000 + round(float(rest) * 1000)) / 1000


def parsed(block: str) -> Cue:
    times, *lines = block.split("\n")
    start, end = times.split(" --> ")
    return Cue(seconds(start), seconds(end), tuple(lines))


@given(many_cues())
def test_srt_is_parsed_back_unchanged(cues: list[Cue]) -> None:
    text = srt(cues)
    assert "\n" not in text.replace("\r\n", "")
    blocks = text.split("\r\n\r\n")[:-1]
    found = []
    for number, block in enumerate(blocks, 1):
        first, rest = block.replace("\r\n", "\n").split("\n", 1)
        assert first == str(number)
        assert re.match(r"\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}\n", rest)
        assert rest.count("-->") == 1
        found.append(parsed(rest))
    # Its look-alikes are compatible with what was written.
    as_written = [Cue(cue.start, cue.end, tuple(line.translate(WRITTEN) for line in cue.lines)) for cue in found]
    assert as_written == cues


@given(many_cues())
def test_webvtt_is_parsed_back_unchanged(cues: list[Cue]) -> None:
    header, *blocks = vtt(cues, "he-IL").removesuffix("\n").split("\n\n")
    assert header.split("\n")[0] == "WEBVTT"
    assert "Language: he-IL" in header
    found = []
    for block in blocks:
        assert block.count("-->") == 1
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", block.replace("-->", "", 1))
        plain = block.split("\n", 1)[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        found.append(parsed(f"{block.split(chr(10), 1)[0]}\n{plain}"))
    assert found == cues


def test_without_cues_the_files_are_valid() -> None:
    assert srt([]) == ""
    assert vtt([], "en-US") == "WEBVTT\nLanguage: en-US\n"


TEXTS = ("Use List<String> & x<y --> 5 > 3", r"and {\an8}<b>bold</b> {y:i} C:\new &lt;", "a -> b, 5 > 3")


def test_players_show_markup_in_srt_as_words(tmp_path: Path) -> None:
    path = tmp_path / "subtitles.srt"
    path.write_text(srt([Cue(number, number + 1, (line,)) for number, line in enumerate(TEXTS)]), "utf-8", newline="")
    with av.open(str(path)) as container:
        events = [event for packet in container.demux() for event in packet.decode()]
    # FFmpeg's decoder makes events of SubStation Alpha, whose readers hide {…} and read \\N as a line break.
    shown = [re.sub(r"\{[^}]*\}", "", event.ass.decode().split(",", 8)[8]) for event in events]
    assert not any(re.search(r"\\[Nnh]", text) for text in shown)
    plain = [unicodedata.normalize("NFKC", text).replace("\u2060", "").replace("\u2212", "-") for text in shown]
    assert plain == list(TEXTS)


def test_only_markup_is_replaced_in_srt() -> None:
    assert "5 > 3 & a -> b\r\n" in srt([Cue(0, 1, ("5 > 3 & a -> b",))])
    assert "List＜String＞" in srt([Cue(0, 1, ("List<String>",))])


def test_webvtt_names_a_language_that_is_known_alone() -> None:
    assert vtt([], "und") == "WEBVTT\n"
    assert "Language: hi" in vtt([], "hi")
