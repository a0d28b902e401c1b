"""Sentence ends: one rule for speech, requests to a synthesiser and subtitles."""

import pytest

from pipeline.speech.sentences import ends_clause, ends_sentence


@pytest.mark.parametrize(
    ("word", "sentence", "clause"),
    [
        ("end.”", True, False),
        ("终。」", True, False),
        ("है।", True, False),
        ("ነው።", True, False),
        ("ផ្ទះ។", True, False),
        ("ہے۔", True, False),
        ("Այո։", True, False),
        ("wait…", True, False),
        ("wait‥", True, False),
        ("ｶﾅ｡", True, False),
        ("va ? » —", True, False),
        ("well,", False, True),
        ("e.g.,", False, True),
        ("ｶﾅ､", False, True),
        ("no —", False, True),
        ("no -", False, True),
        ("two-", False, False),
        ("3.5", False, False),
        ("plain", False, False),
        ("", False, False),
    ],
)
def test_punctuation_ends_sentences_and_clauses(word: str, *, sentence: bool, clause: bool) -> None:
    assert (ends_sentence(word), ends_clause(word)) == (sentence, clause)


@pytest.mark.parametrize("word", ["Mr.", "(Dr.", "“St.", "¿Sra.", "z.B.", "J.", "J.R.R.", "U.S.", "e.g.", "vs.", "И."])
def test_an_abbreviation_ends_no_sentence(word: str) -> None:
    assert not ends_sentence(word)
    assert not ends_clause(word)


@pytest.mark.parametrize("word", ["mind.", "art.", "2024.", "etc.", "3.", "no.", "is!", "是."])
def test_a_word_that_is_no_abbreviation_ends_its_sentence(word: str) -> None:
    assert ends_sentence(word)
