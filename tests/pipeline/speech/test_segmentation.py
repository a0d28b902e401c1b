"""Phrases, words and grapheme clusters."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.speech.segmentation import clusters, phrase_starts, word_starts


def cut(text: str, starts: frozenset[int]) -> list[str]:
    edges = [0, *sorted(starts), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


@pytest.mark.parametrize(
    ("language", "text", "phrases"),
    [
        ("ja-JP", "今日はダウンロードが必要です。", ["今日は", "ダウンロードが", "必要です。"]),
        ("und", "新しい部屋の写真", ["新しい", "部屋の", "写真"]),
        ("zh-CN", "地板墙壁和天花板都换了。", ["地板", "墙壁", "和", "天花板", "都", "换了。"]),
        ("zh-TW", "我們更換了地板和牆壁", ["我們", "更換", "了", "地板", "和", "牆壁"]),
    ],
)
def test_han_and_kana_are_cut_between_phrases_alone(language: str, text: str, phrases: list[str]) -> None:
    found = cut(text, phrase_starts(text, language))
    assert found == phrases


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("วันนี้เราจะไปดูบ้าน", ["วัน", "นี้", "เรา", "จะ", "ไป", "ดู", "บ้าน"]),
        ("ພວກເຮົາຈະໄປເບິ່ງເຮືອນ", ["ພວກ", "ເຮົາ", "ຈະ", "ໄປ", "ເບິ່ງ", "ເຮືອນ"]),
        ("យើងនឹងទៅមើលផ្ទះថ្មី", ["យើង", "នឹង", "ទៅ", "មើល", "ផ្ទះ", "ថ្មី"]),
        ("အိမ်အသစ်ကိုသွား", ["အိမ်", "အသစ်", "ကို", "သွား"]),
    ],
)
def test_thai_lao_khmer_and_burmese_are_cut_between_words(text: str, words: list[str]) -> None:
    assert cut(text, word_starts(text)) == words


def test_clusters_hold_marks_conjuncts_and_joined_emoji() -> None:
    assert clusters("क्षत्रिय") == ["क्ष", "त्रि", "य"]
    assert clusters("👩\u200d👩\u200d👧e\u0301") == ["👩\u200d👩\u200d👧", "e\u0301"]


@given(st.text(max_size=40))
def test_clusters_are_the_whole_text(text: str) -> None:
    assert "".join(clusters(text)) == text
