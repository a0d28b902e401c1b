"""Line breaking in each script: where a line may break, how wide it is, and how evenly the text is shared."""

import pytest

from pipeline.subtitles.line_breaking import (
    FORBIDDEN,
    balance_lines,
    break_penalty,
    breakable_pieces,
    display_width,
    ideographic,
    normalise_text,
    separator,
    split_to_width,
    unwrap_lines,
    visible_length,
)


def pieces(text: str) -> list[str]:
    return [piece.separator + piece.text for piece in breakable_pieces(text, "")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("これは「字幕」です。はい。", ["こ", "れ", "は", "「字", "幕」", "で", "す。", "は", "い。"]),
        ("我们说OK吗？好的", ["我", "们", "说", "OK", "吗？", "好", "的"]),
        ("チョコレート", ["チョ", "コ", "レー", "ト"]),  # small kana and the long mark begin no line
        ("ｶﾞｽ", ["ｶﾞ", "ｽ"]),
        ("한국어 자막은 단어로", ["한국어", " 자막은", " 단어로"]),
        ("ﾊﾝｸﾞﾙ 한글", ["ﾊ", "ﾝ", "ｸﾞ", "ﾙ", " 한글"]),
        ("ᄒᆞᆫ글 ㄱㄴㄷ ꥠꥡ", ["ᄒᆞᆫ글", " ㄱㄴㄷ", " ꥠꥡ"]),  # old jamo, compatibility jamo, extended jamo
        ("שלום עולם", ["שלום", " עולם"]),
        ("नमस्ते दुनिया", ["नमस्ते", " दुनिया"]),
        ("ok😀ok", ["ok😀ok"]),
        ("𠀀𠀁", ["𠀀", "𠀁"]),  # Han beyond the basic plane
        ("a", ["a"]),
    ],
)
def test_a_line_breaks_between_words_or_between_ideographs(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


@pytest.mark.parametrize("character", list("、。」）】ー々っョ％！？…ｰﾞ｣"))
def test_closing_marks_begin_no_line(character: str) -> None:
    assert break_penalty("字", f"{character}字", "ja-JP") == FORBIDDEN


@pytest.mark.parametrize("character", list("「（【『￥＄“«｢"))
def test_opening_marks_end_no_line(character: str) -> None:
    assert break_penalty(f"字{character}", "字", "ja-JP") == FORBIDDEN


@pytest.mark.parametrize("mark", ["\u0301", "\u3099", "\u094d", "\u20dd"])
def test_a_combining_mark_stays_with_its_letter(mark: str) -> None:
    assert break_penalty("e", mark, "hi-IN") == FORBIDDEN


@pytest.mark.parametrize(
    ("first", "last", "ideographs"),
    [
        ("\u1100", "\u11ff", False),  # hangul jamo
        ("\u3130", "\u318f", False),  # hangul compatibility jamo
        ("\ua960", "\ua97f", False),  # hangul jamo extended A
        ("\uac00", "\ud7a3", False),  # hangul syllables
        ("\U0001f300", "\U0001fad6", False),  # emoji
        ("\u3041", "\u3096", True),  # hiragana
        ("\u30a1", "\u30fa", True),  # katakana
        ("\u4e00", "\u9fff", True),  # Han
        ("\uff61", "\uff9f", True),  # half width katakana
        ("\U00020000", "\U0002a6df", True),  # Han, extension B
        ("a", "z", False),
        ("\u05d0", "\u05ea", False),  # Hebrew
    ],
)
def test_blocks_of_ideographs_end_where_unicode_ends_them(first: str, last: str, ideographs: bool) -> None:
    assert (ideographic(first), ideographic(last)) == (ideographs, ideographs)


@pytest.mark.parametrize(
    ("text", "columns", "visible"),
    [
        ("字幕", 4, 2),
        ("한글", 4, 2),
        ("ｶﾅ", 2, 2),
        ("Ａ１", 4, 2),
        ("שָׁלוֹם", 4, 4),
        ("السَّلام", 6, 6),
        ("नमस्ते", 4, 4),
        ("e\u0301", 1, 1),
        ("a\u200bb", 2, 2),
        ("", 0, 0),
    ],
)
def test_width_and_length_leave_out_what_takes_no_room(text: str, columns: int, visible: int) -> None:
    assert (display_width(text), visible_length(text)) == (columns, visible)


@pytest.mark.parametrize(
    ("before", "after", "language", "between"),
    [
        ("字", "幕", "en-US", ""),
        ("字", "ok", "zh-CN", ""),
        ("ok", "字", "ja-JP", ""),
        ("字", "ok", "ko-KR", " "),
        ("자막", "字", "ko-KR", " "),
        ("two", "words", "zh-CN", " "),
        ("", "word", "en-US", ""),
        ("word", "", "en-US", ""),
    ],
)
def test_words_are_parted_as_their_script_does(before: str, after: str, language: str, between: str) -> None:
    assert separator(before, after, language) == between


def test_lines_are_joined_as_their_script_does() -> None:
    assert unwrap_lines(["これは", "字幕です"], "ja-JP") == "これは字幕です"
    assert unwrap_lines(["이것은", "자막"], "ko-KR") == "이것은 자막"


def test_a_text_keeps_its_no_break_spaces_and_loses_what_is_unseen() -> None:
    assert normalise_text("  10\u00a0%\t a\u202fb \u2066c\u2069\ufeff\x07 ") == "10\u00a0% a\u202fb c"
    assert normalise_text("e\u0301") == "é"


@pytest.mark.parametrize(
    ("before", "after", "language", "rank"),
    [
        ("dog,", "and", "en-US", 0),
        ("slept.", "The", "en-US", 0),
        ("schläft.", "Der", "de-DE", 0),
        ("睡了。", "狗", "zh-CN", 0),
        ("dog", "and", "en-US", 1),
        ("red", "dog", "en-US", 2),
        ("and", "dog", "de-DE", 2),  # the openers of phrases are English
        ("the", "dog", "en-US", 3),
        ("with", "dogs", "en-US", 3),
        ("Dr.", "Smith", "en-US", 2),
    ],
)
def test_the_best_breaks_follow_punctuation_then_open_a_phrase(
    before: str, after: str, language: str, rank: int
) -> None:
    assert break_penalty(before, after, language) == (0.0, 0.02, 0.06, 0.12)[rank]


def lines(found: list[slice] | None) -> list[tuple[int, int]] | None:
    return None if found is None else [(part.start, part.stop) for part in found]


def test_lines_are_of_about_equal_length() -> None:
    assert lines(balance_lines([5, 5, 5, 5], [0, 1, 1, 1], [0] * 4, 17, 2)) == [(0, 2), (2, 4)]
    assert lines(balance_lines([9, 1, 1, 9], [0, 1, 1, 1], [0] * 4, 13, 2)) == [(0, 2), (2, 4)]
    assert lines(balance_lines([2] * 6, [0] + [1] * 5, [0] * 6, 8, 3)) == [(0, 2), (2, 4), (4, 6)]


def test_the_space_at_a_break_takes_no_room() -> None:
    assert lines(balance_lines([4, 4], [9, 9], [0, 0], 4, 2)) == [(0, 1), (1, 2)]
    assert lines(balance_lines([4, 4, 4], [0, 1, 1], [0] * 3, 9, 2)) is not None
    assert balance_lines([4, 4, 4], [0, 1, 1], [0] * 3, 8, 2) is None, "two words of four and a space are nine"


def test_a_forbidden_break_is_used_only_where_nothing_else_fits() -> None:
    assert lines(balance_lines([4] * 4, [0, 1, 1, 1], [0, 0.0, FORBIDDEN, 0.0], 15, 2)) != [(0, 2), (2, 4)]
    assert lines(balance_lines([4] * 4, [0, 1, 1, 1], [0, 0.0, FORBIDDEN, 0.0], 9, 2)) == [(0, 2), (2, 4)]


def test_a_text_that_fits_one_line_can_be_shared_by_two() -> None:
    assert lines(balance_lines([3, 3], [0, 1], [0, 0], 40, 2)) == [(0, 1), (1, 2)]
    assert balance_lines([3], [0], [0], 40, 2) is None, "one word is no two lines"


def test_a_cluster_wider_than_a_line_is_split() -> None:
    joined = "क\u094d" * 60 + "क"
    parts = split_to_width(joined, 42)
    assert "".join(parts) == joined
    assert max(map(display_width, parts)) <= 42
