"""Subtitle cues: all words, and broadcasting rules if the speech allows them."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.speech.types import Word
from pipeline.speech.word_timing import distribute_words
from pipeline.speech.words import split_words
from pipeline.subtitles.cues import CHARACTERS_PER_SECOND, MAX_COLUMNS, Cue, build_cues
from pipeline.subtitles.line_breaking import display_width, unwrap_lines, visible_length

ANY_WORD = st.one_of(
    st.text("abcdefgh.,'-", min_size=1, max_size=60),
    st.text("字幕的一是。，「」", min_size=1, max_size=30),
    st.text("ひらがなカタカナー、。", min_size=1, max_size=8),
    st.text("한국어자막", min_size=1, max_size=6),
    st.text("שלוםעברית", min_size=1, max_size=9),
    st.text("السلامعليكم", min_size=1, max_size=9),
    st.text(max_size=12),
)
LANGUAGES = st.sampled_from(["en-US", "de-DE", "ar", "he-IL", "zh-CN", "ja-JP", "ko-KR"])
SECONDS = st.floats(0, 3)


@st.composite
def any_speech(draw: st.DrawFn) -> tuple[list[Word], float]:
    """Words of any characters and speed, some overlapping, and the video's end."""
    words: list[Word] = []
    now = 0.0
    for text, wait, lasts, back in draw(
        st.lists(st.tuples(ANY_WORD, SECONDS, st.floats(0, 9), st.booleans()), max_size=40)
    ):
        now += wait
        words.append(Word(text, now, now + lasts))
        now += 0 if back else lasts
    return words, draw(st.floats(0.5, now + 5))


@st.composite
def calm_speech(draw: st.DrawFn) -> tuple[list[Word], float]:
    """Ordinary words at 8 to 15 characters a second with ordinary pauses, and silence after them."""
    rate = draw(st.floats(8, 15))
    texts = draw(st.lists(st.text("aeinorst", min_size=1, max_size=14), min_size=3, max_size=80))
    words: list[Word] = []
    now = draw(SECONDS)
    for text in texts:
        punctuated = text + draw(st.sampled_from(["", "", "", "", ",", "."]))
        lasts = (len(punctuated) + 1) / rate
        words.append(Word(punctuated, now, now + lasts))
        now += lasts + (draw(st.floats(0, 2)) if punctuated != text else 0)
    return words, now + 1


def seen(text: str) -> str:
    """Return a text's characters without spaces, controls and directional formatting."""
    return "".join(each for each in unicodedata.normalize("NFC", text) if unicodedata.category(each)[0] not in "CZ")


def spoken_words(text: str, *, rate: float = 14.0, pause: float = 0.3) -> list[Word]:
    """A text spoken at so many characters a second, with a pause after each sentence."""
    words, now = [], 0.0
    for each in text.split():
        lasts = len(each) / rate
        words.append(Word(each, now, now + lasts))
        now += lasts + (pause if each[-1] in ".?!" else 0.05)
    return words


@given(any_speech(), LANGUAGES)
def test_cues_keep_all_text_fit_the_width_and_never_overlap(speech: tuple[list[Word], float], language: str) -> None:
    words, until = speech
    cues = build_cues(words, language, video_end=until)
    # A word of nothing but marks has nothing to be seen on.
    assert seen("".join(line for cue in cues for line in cue.lines)) == seen(
        "".join(word.text for word in words if visible_length(word.text.strip()) and seen(word.text))
    )
    for cue in cues:
        assert 1 <= len(cue.lines) <= 2
        assert all(line == line.strip() and line for line in cue.lines)
        assert all(display_width(line) <= MAX_COLUMNS for line in cue.lines)
        assert 0 <= cue.start < cue.end <= until
        assert cue.end - cue.start <= 7 + 1e-9
    for one, two in pairwise(cues):
        assert one.end <= two.start
        gap = two.start - one.end
        assert gap == 0 or gap >= 0.1 or one.end - one.start > 6.9


@given(calm_speech())
@settings(max_examples=200)
def test_calm_speech_keeps_every_rule(speech: tuple[list[Word], float]) -> None:
    words, until = speech
    cues = build_cues(words, "en-US", video_end=until)
    assert " ".join(line for cue in cues for line in cue.lines).split() == [word.text for word in words]
    for cue in cues:
        assert 1 - 1e-9 <= cue.end - cue.start <= 7 + 1e-9, cue
        assert visible_length(" ".join(cue.lines)) / (cue.end - cue.start) <= CHARACTERS_PER_SECOND + 1e-9, cue


@given(calm_speech())
def test_a_cue_is_shown_while_its_words_are_heard(speech: tuple[list[Word], float]) -> None:
    words, until = speech
    rest = iter(words)
    for cue in build_cues(words, "en-US", video_end=until):
        own = [next(rest) for _ in " ".join(cue.lines).split()]
        assert cue.start <= own[0].start
        assert own[0].start - cue.start < 1
        assert cue.end >= own[-1].end - 1e-9
        assert cue.end <= own[-1].end + 1.5


def lines_of(words: list[Word], language: str = "en-US") -> list[tuple[str, ...]]:
    return [cue.lines for cue in build_cues(words, language, video_end=words[-1].end + 1)]


def test_sentences_are_cues_of_their_own() -> None:
    assert lines_of(spoken_words("This is the first sentence. And here is another one! Is it the last?")) == [
        ("This is the first sentence.",),
        ("And here is another one!",),
        ("Is it the last?",),
    ]


def test_short_answers_share_a_cue() -> None:
    cues = build_cues(spoken_words("No. Yes. It does. Of course.", pause=0.05), "en-US", video_end=3)
    assert cues[0].lines == ("No. Yes. It does.",)
    assert all(cue.end - cue.start >= 1 for cue in cues)


def test_an_abbreviated_title_ends_no_sentence() -> None:
    assert lines_of(spoken_words("We asked Dr. Smith.")) == [("We asked Dr. Smith.",)]


def test_a_long_sentence_is_split_at_its_comma() -> None:
    cues = lines_of(
        spoken_words(
            "When the upload has arrived in the bucket of the service, a worker takes the job and makes the picture"
        )
    )
    assert cues[0][-1].endswith("service,")


def test_a_pause_splits_text_without_punctuation() -> None:
    words = [Word("so", 0, 0.3), Word("then", 0.3, 0.8), Word("nothing", 4.0, 4.5), Word("happened", 4.5, 5.2)]
    cues = build_cues(words, "en-US", video_end=8)
    assert [cue.lines for cue in cues] == [("so then",), ("nothing happened",)]
    assert cues[0].end < 2
    assert cues[1].start == 4.0


def test_two_lines_are_balanced_and_the_second_starts_a_phrase() -> None:
    (lines,) = lines_of(spoken_words("The picture that you have uploaded is kept here for seven days.", rate=16))
    assert abs(len(lines[0]) - len(lines[1])) <= 12
    (lines,) = lines_of(spoken_words("A finished picture takes its place on the wall of the room.", rate=16))
    assert lines == ("A finished picture takes its place", "on the wall of the room.")


def test_chinese_and_japanese_have_no_spaces_but_korean_does() -> None:
    def spoken(units: list[str]) -> list[Word]:
        return [Word(unit, index * 0.4, index * 0.4 + 0.4) for index, unit in enumerate(units)]

    assert lines_of(spoken(["你", "好", "世", "界。"]), "zh-CN") == [("你好世界。",)]
    assert lines_of(spoken(["これ", "は", "AI", "です。"]), "ja-JP") == [("これはAIです。",)]
    assert lines_of(spoken(["안녕하세요", "여러분."]), "ko-KR") == [("안녕하세요 여러분.",)]
    assert lines_of(spoken(["say", "茶", "now"]), "en-US") == [("say 茶 now",)]


def test_no_line_starts_with_closing_punctuation() -> None:
    units = [*"今天我要向大家展示如何把一张房间的照片变成", "」", "。", *"非常简单而且很快就能完成这个工作", "。"]
    words = [Word(unit, index * 0.15, index * 0.15 + 0.15) for index, unit in enumerate(units)]
    for lines in lines_of(words, "zh-CN"):
        assert all(line[0] not in "」。" for line in lines)


def test_right_to_left_text_stays_in_logical_order() -> None:
    assert lines_of(spoken_words("שלום לכולם, זה Darkroom 2.", rate=10), "he-IL") == [("שלום לכולם, זה Darkroom 2.",)]


def test_a_word_wider_than_a_line_is_split() -> None:
    (lines,) = lines_of([Word("x" * 60, 0, 4)])
    assert lines == ("x" * 42 + "\u200b", "x" * 18)  # joined again without a space


def test_too_fast_speech_stays_synchronous() -> None:
    words = spoken_words("many many words without any rest at all " * 8, rate=60)
    cues = build_cues(words, "en-US", video_end=words[-1].end)
    rest = iter(words)
    for cue in cues:
        own = [next(rest) for _ in " ".join(cue.lines).split()]
        assert cue.start == pytest.approx(own[0].start, abs=1)
    assert next(rest, None) is None


def test_words_beyond_the_videos_end_are_shown_before_it() -> None:
    cues = build_cues([Word("late", 9.0, 9.5)], "en-US", video_end=8.0)
    assert cues == (Cue(7.0, 8.0, ("late",)),)


def test_french_punctuation_stays_with_its_word() -> None:
    words = [
        Word(text, index * 0.5, index * 0.5 + 0.5) for index, text in enumerate(["« Ça", "va\u202f? »", "10\u00a0000"])
    ]
    assert lines_of(words, "fr-FR") == [("« Ça va\u202f? »",), ("10\u00a0000",)]
    for lead in range(30, 44):
        for cue in lines_of([Word("x" * lead, 0, 2), Word("« mot » !", 2, 4)], "fr-FR"):
            assert all(line[0] not in "»!" and line[-1] != "«" for line in cue)


def test_a_greeting_is_a_cue_of_its_own() -> None:
    text = "大家好，今天我要向大家展示如何把一张房间的照片变成另一种风格的完成图片。"
    words = [Word(each, index * 0.2, index * 0.2 + 0.2) for index, each in enumerate(text)]
    assert all(len("".join(lines)) > 5 for lines in lines_of(words, "zh-CN"))


def test_directional_formatting_and_control_characters_are_left_out() -> None:
    assert lines_of([Word("\u202bשלום\u202c", 0, 1), Word("a\x00b\u2060c", 1, 2)]) == [("שלום abc",)]


def test_without_words_there_are_no_cues() -> None:
    assert build_cues([], "en-US", video_end=3) == ()
    assert build_cues([Word(" ", 0, 1)], "en-US", video_end=3) == ()


@given(st.lists(st.text("字幕ab 。", min_size=1, max_size=9).map(str.strip).filter(bool), min_size=1, max_size=3))
def test_unwrapped_lines_keep_all_characters(lines: list[str]) -> None:
    assert unwrap_lines(lines, "zh-CN").replace(" ", "") == "".join(lines).replace(" ", "")


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        (
            "ja-JP",
            "新しいソフトウェアのダウンロードが必要です。設定画面からアップデートしてください。",
            ["ダウンロード", "アップデート"],
        ),
        (
            "zh-CN",
            "我们更换了客厅里的地板墙壁和天花板，整个房间看起来完全不一样了。",
            ["地板", "墙壁", "天花板", "房间"],
        ),
        ("th", "สวัสดีครับวันนี้เราจะไปดูบ้านหลังใหม่ด้วยกันนะครับบ้านหลังนี้สวยมาก", ["บ้าน", "หลัง", "สวัสดี"]),
        ("km", "សួស្តីថ្ងៃនេះយើងនឹងទៅមើលផ្ទះថ្មីជាមួយគ្នាហើយផ្ទះនេះស្អាតណាស់", ["ផ្ទះ", "យើង"]),
        ("lo", "ສະບາຍດີມື້ນີ້ພວກເຮົາຈະໄປເບິ່ງເຮືອນຫຼັງໃໝ່ນຳກັນເຮືອນນີ້ງາມຫຼາຍ", ["ເຮືອນ", "ພວກ"]),
    ],
)
def test_lines_of_scripts_without_spaces_end_between_words(language: str, text: str, words: list[str]) -> None:
    cues = build_cues(tuple(distribute_words(split_words(text, language), 0, 8)), language, video_end=9)
    lines = [line.strip("\u200b") for cue in cues for line in cue.lines]
    assert len(lines) > 1
    assert "".join(lines) == text
    assert sum(line.count(word) for line in lines for word in words) == sum(text.count(word) for word in words)


def test_a_long_address_is_split_after_its_punctuation() -> None:
    address = "http://example.com/a_very_long/path?with=query&and=more#fragment-that-goes-on"
    lines = [line.strip("\u200b") for lines in lines_of([Word(address, 0, 6)]) for line in lines]
    assert "".join(lines) == address
    assert all(line[-1] in "/?&=-_.#" for line in lines[:-1])


def test_a_word_of_invisible_characters_is_no_cue() -> None:
    assert lines_of([Word("\u200d \ufe0f \u200b", 0, 1)]) == []
