"""Typesetting: the right glyphs of the right font, in the right places."""

import unicodedata

import numpy as np
import pytest
import uharfbuzz

from pipeline.subtitles.font_files import FONTS
from pipeline.subtitles.typesetting import Glyph, Typesetter

SIZE = 40.0
DEJAVU = "DejaVuSansCondensed-Bold.ttf"


def glyphs(text: str, language: str, *, rightward: bool = True) -> tuple[Glyph, ...]:
    return Typesetter(SIZE, language).line(text, rightward=rightward).glyphs


def glyph_of(character: str) -> int:
    """The glyph that DejaVu has for a character by itself."""
    font = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(FONTS / DEJAVU))))
    return int(font.get_nominal_glyph(ord(character)))


def test_arabic_letters_are_joined() -> None:
    # The presentation forms of ب at the beginning, in the middle and at the end of a word; seen from the left.
    assert [each.glyph for each in glyphs("ببب", "ar", rightward=False)] == [
        glyph_of("\ufe90"),
        glyph_of("\ufe92"),
        glyph_of("\ufe91"),
    ]


def test_lam_and_alef_are_one_glyph() -> None:
    assert [each.glyph for each in glyphs("لا", "ar", rightward=False)] == [glyph_of("\ufefb")]


def test_joined_arabic_is_narrower_than_its_separate_letters() -> None:
    setter = Typesetter(SIZE, "ar")
    assert setter.width("السلام") < sum(setter.width(letter) for letter in "السلام") * 0.9


def test_the_last_letter_of_hebrew_is_leftmost() -> None:
    found = glyphs("שלום", "he-IL", rightward=False)
    assert [each.glyph for each in found] == [glyph_of(letter) for letter in "םולש"]
    assert [each.x for each in found] == sorted(each.x for each in found)


def test_brackets_are_mirrored_in_hebrew() -> None:
    found = [each.glyph for each in glyphs("(ש)", "he-IL", rightward=False)]
    assert found == [glyph_of("("), glyph_of("ש"), glyph_of(")")]


def test_letters_are_kerned() -> None:
    setter = Typesetter(SIZE, "en-US")
    assert setter.width("AVAVAV") < 3 * setter.width("A") + 3 * setter.width("V")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("房间的照片变成另一种风格，「很好」。", "zh-CN"),
        ("図書館で漢字とかなを読む、がんばれ！ヴァイオリン々〆", "ja-JP"),
        ("안녕하세요 뷁 똠방각하", "ko-KR"),
        ("Příliš žluťoučký kůň — Ελληνικά Русский Việt №5 €20", "en-US"),
        ("السَّلَامُ عَلَيْكُمْ ١٢٣؟", "ar"),
        ("שָׁלוֹם ₪20", "he-IL"),
        ("mixed 字幕 עברית عربي 자막 かな", "en-US"),
    ],
)
def test_no_character_of_our_languages_is_missing(text: str, language: str) -> None:
    setter = Typesetter(SIZE, language)
    assert setter.drawable(text) == unicodedata.normalize("NFC", text)
    assert all(each.glyph != 0 for each in setter.line(text, rightward=True).glyphs)


def test_a_shared_character_has_the_languages_glyph() -> None:
    chinese, japanese, traditional = (
        {each.glyph for each in glyphs("直骨", tag)} for tag in ("zh-CN", "ja-JP", "zh-TW")
    )
    assert chinese != japanese
    assert chinese != traditional


def test_emoji_are_omitted_and_unknown_letters_become_a_box() -> None:
    setter = Typesetter(SIZE, "en-US")
    assert setter.drawable("so 🧑\u200d🚀 good\ufe0f") == "so good"
    assert setter.drawable("🦜") == ""
    assert [each.glyph for each in setter.line("ꡀ", rightward=True).glyphs] == [0]


def test_variation_selectors_are_ignored() -> None:
    assert Typesetter(SIZE, "ja-JP").drawable("葛\U000e0100城") == "葛城"


def test_marks_that_no_font_has_are_omitted() -> None:
    assert Typesetter(SIZE, "he-IL").drawable("א\u0591") == "א"


def test_coverage_is_zero_outside_the_letters_and_full_inside() -> None:
    setter = Typesetter(SIZE, "en-US")
    covered = setter.rasterise([(setter.line("I", rightward=True), 10.0, 50.0)], 40, 60, 1)
    assert covered.shape == (60, 40)
    rows, columns = np.nonzero(covered)
    assert covered.max() == 255
    assert 10 <= columns.min() < columns.max() < 30
    assert 15 < rows.min() < rows.max() <= 50


def test_styled_letters_without_a_font_are_plain() -> None:
    assert Typesetter(SIZE, "ja-JP").drawable("𝓗𝓮𝓵𝓵𝓸 ㍿") == "Hello 株式会社"
