"""Fonts of burned-in subtitles: what they have, and what the contract says that they have."""

import pytest

from darkroom.contract.subtitle_characters import CHARACTERS_FILE, missing_characters
from pipeline.subtitles.burner import SubtitleBurner
from pipeline.subtitles.character_table import font_characters, table_of
from pipeline.subtitles.cues import Cue
from pipeline.subtitles.font_files import FONTS
from pipeline.subtitles.typesetting import Typesetter

SCRIPTS = {
    "hi": "नमस्ते, यह एक छोटा परीक्षण है। क्षत्रिय ₹५००",
    "bn": "নমস্কার, এটি একটি ছোট পরীক্ষা।",
    "th": "สวัสดีครับ บ้านหลังนี้สวยมาก ผู้ใหญ่ น้ำ ฿100",
    "ta": "வணக்கம், இது ஒரு சிறிய சோதனை.",
    "te": "నమస్కారం, ఇది ఒక చిన్న పరీక్ష.",
    "gu": "નમસ્તે, આ એક નાની કસોટી છે.",
    "kn": "ನಮಸ್ಕಾರ, ಇದು ಒಂದು ಸಣ್ಣ ಪರೀಕ್ಷೆ.",
    "ml": "നമസ്കാരം, ഇത് ഒരു ചെറിയ പരീക്ഷണമാണ്.",
    "pa": "ਸਤ ਸ੍ਰੀ ਅਕਾਲ, ਇਹ ਇੱਕ ਛੋਟੀ ਪਰਖ ਹੈ।",
    "or": "ନମସ୍କାର, ଏହା ଏକ ଛୋଟ ପରୀକ୍ଷା ଅଟେ।",
    "si": "ආයුබෝවන්, ශ්\u200dරී ලංකා.",
    "my": "မင်္ဂလာပါ ကျွန်ုပ်တို့အိမ်။",
    "km": "សួស្តី ថ្ងៃនេះយើងនឹងទៅ។",
    "lo": "ສະບາຍດີ ມື້ນີ້ພວກເຮົາ",
    "bo": "བཀྲ་ཤིས་བདེ་ལེགས།",
    "am": "ሰላም፣ ይህ ትንሽ ሙከራ ነው።",
    "ka": "გამარჯობა, ეს პატარა ტესტია.",
    "hy": "Բարեւ, սա փոքրիկ փորձ է։",
    "ur": "یہ ایک چھوٹا سا امتحان ہے۔",
    "ar": "ٱلسَّلَامُ عَلَيْكُمْ ۖ",
    "dv": "އައްސަލާމް",
    "chr": "ᎣᏏᏲ",
}


def test_the_contracts_table_is_that_of_the_fonts() -> None:
    assert CHARACTERS_FILE.read_text("utf-8") == table_of(font_characters())


def test_every_font_has_its_licence() -> None:
    licences = "".join(path.read_text("utf-8") for path in FONTS.glob("*.md"))
    assert {"LICENSE-DejaVu.txt", "LICENSE-OFL.txt"} <= {path.name for path in FONTS.iterdir()}
    assert [path.name for path in FONTS.glob("*.[ot]tf") if path.name not in licences] == []


@pytest.mark.parametrize("language", SCRIPTS)
def test_a_script_is_drawn_without_a_box(language: str) -> None:
    setter = Typesetter(40.0, language)
    text = setter.drawable(SCRIPTS[language])
    assert missing_characters(SCRIPTS[language]) == ""
    assert all(each.glyph != 0 for each in setter.line(text, rightward=language not in ("ar", "ur", "dv")).glyphs)


@pytest.mark.parametrize("language", SCRIPTS)
def test_a_line_of_any_script_has_room_for_its_marks(language: str) -> None:
    lines = (SCRIPTS[language],) * 2
    (overlay,) = [SubtitleBurner([Cue(0, 2, lines)], 1280, 720, language).overlay(1.0)]
    assert overlay is not None
    edges = (overlay.premultiplied[:2], overlay.premultiplied[-2:])
    assert not any(edge.any() for edge in edges)


def test_letters_that_one_font_lacks_are_joined_in_another() -> None:
    # DejaVu Sans lacks alef wasla: the whole word is in the font that has it.
    (fonts,) = [{each.font for each in Typesetter(40.0, "ar").line("ٱلسلام", rightward=False).glyphs}]
    assert len(fonts) == 1
