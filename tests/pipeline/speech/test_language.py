"""Language detection of a text without a stated language."""

import pytest

from pipeline.speech.language import detect_language, resolve_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("今天天气很好，我们去公园。", "zh"),
        ("我们用 Darkroom 吧", "zh"),
        ("今日はDarkroomです", "ja"),
        ("안녕하세요", "ko"),
        ("שלום Darkroom", "he"),
        ("مرحبا", "ar"),
        ("Καλημέρα", "el"),
        ("Доброе утро", "ru"),
        ("Good evening", None),
        ("The sign 愛 means love, and that is all that I know of it.", None),
        ("3, 2, 1 … 😀", None),
        ("", None),
    ],
)
def test_the_language_is_detected_from_the_letters(text: str, language: str | None) -> None:
    assert detect_language(text) == language


def test_a_stated_language_overrides_the_detected_one() -> None:
    assert resolve_language("今天", "ja-JP") == "ja-JP"
    assert resolve_language("今天", None) == "zh"
    assert resolve_language("Bonjour", None) == "en-US"
