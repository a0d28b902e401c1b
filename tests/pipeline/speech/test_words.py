"""Word splitting: no word lost, none of punctuation alone; in Chinese and Japanese, one word per sign."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.speech.words import remove_controls, split_words, spoken_length, word_spans

scripts = st.text(st.sampled_from("ab1é—«»“”.,!¡¿ \n\u00a0שמ语言かナッー「」（）。、&%😀"), max_size=40)
languages = st.sampled_from(["en-US", "fr-FR", "he-IL", "zh-CN", "ja-JP"])


@pytest.mark.parametrize(
    ("language", "script", "words"),
    [
        ("en-US", "Don't stop — it's 5 % & more!", ["Don't", "stop —", "it's", "5", "%", "&", "more!"]),
        ("en-US", "( well )", ["( well )"]),
        ("fr-FR", "« Ça va ? » dit-il.", ["« Ça", "va ? »", "dit-il."]),
        ("fr-FR", "10\u202f000 euros\u202f!", ["10\u202f000", "euros\u202f!"]),
        ("es-ES", "¿Qué? ¡ Hola !", ["¿Qué?", "¡ Hola !"]),
        ("ar", "شكرا، كيف حالك؟", ["شكرا،", "كيف", "حالك؟"]),
        ("ko-KR", "안녕하세요, 세계.", ["안녕하세요,", "세계."]),
        ("zh-CN", "他说：“你好！”用iPhone 15。", ["他", "说：", "“你", "好！”", "用", "iPhone", "15。"]),
        ("ja-JP", "ちょっと、（スーパー）へ", ["ちょっ", "と、", "（スー", "パー）", "へ"]),
        ("th-TH", "สวัสดีครับ วันนี้", ["สวัสดี", "\u200bครับ", "วัน", "\u200bนี้"]),
        ("en-US", "...!?", ["...!?"]),
        ("en-US", "", []),
    ],
)
def test_words_keep_their_adjacent_punctuation(language: str, script: str, words: list[str]) -> None:
    assert split_words(script, language) == words


@given(scripts, languages)
def test_only_white_space_of_a_script_is_lost(script: str, language: str) -> None:
    assert "".join("".join(split_words(script, language)).split()) == "".join(script.split())
    ends = 0
    for start, end in word_spans(script, language):
        assert ends <= start < end
        assert not script[ends:start].strip()
        ends = end


@given(scripts, languages)
def test_no_word_is_punctuation_alone_unless_the_script_is(script: str, language: str) -> None:
    words = split_words(script, language)
    if any(character.isalnum() for character in script):
        assert all(any(each.isalnum() or each in "&%😀" for each in word) for word in words)


@given(scripts, languages)
def test_every_word_has_a_positive_length(script: str, language: str) -> None:
    assert all(spoken_length(word) > 0 for word in split_words(script, language))


def test_longer_words_numerals_and_han_take_longer_than_a_letter() -> None:
    assert spoken_length("extraordinary,") == spoken_length("extraordinary") > spoken_length("at")
    assert min(spoken_length("7"), spoken_length("言"), spoken_length("한"), spoken_length("か")) > spoken_length("a")


@given(st.text(max_size=30))
def test_remove_controls_keeps_the_length(script: str) -> None:
    text = remove_controls(script)
    assert len(text) == len(script)
    assert all(each.isprintable() or ord(each) >= 0xA0 or each == "\n" for each in text)
