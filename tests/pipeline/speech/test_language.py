"""Language of a transcript."""

from pipeline.speech.language import resolve_language


def test_a_stated_language_overrides_the_detected_one() -> None:
    assert resolve_language("今天", "ja-JP") == "ja-JP"
    assert resolve_language("今天", None) == "zh"


def test_a_language_that_is_not_known_is_undetermined() -> None:
    assert resolve_language("Hm", None) == "und"
    assert resolve_language("", None) == "und"
