"""Bidirectional text: runs in visual order from left to right."""

import pytest
from bidi import get_display
from hypothesis import given
from hypothesis import strategies as st

from pipeline.subtitles.bidirectional import TextRun, is_left_to_right, visual_runs

MIXED = st.text("abג דה،عر ١٢12.,-+%()[]\"'!?:/字é\u05b8\u064e", max_size=42).map(str.strip)


@given(MIXED, st.booleans())
def test_runs_place_every_character_as_the_bidirectional_algorithm_does(line: str, rightward: bool) -> None:
    found = visual_runs(line, rightward=rightward)
    shown = "".join(run.text if run.left_to_right else run.text[::-1] for run in found)
    assert shown == get_display(line, base_dir="L" if rightward else "R")
    assert sorted("".join(run.text for run in found)) == sorted(line)


def test_hebrew_runs_are_right_to_left_and_numbers_left_to_right() -> None:
    assert visual_runs("שלום 12.5 עולם", rightward=False) == [
        TextRun(" עולם", False),
        TextRun("12.5", True),
        TextRun("שלום ", False),
    ]


def test_brackets_around_english_in_hebrew_stay_around_it() -> None:
    found = visual_runs("גרסה Darkroom (beta) חדשה", rightward=False)
    assert TextRun("Darkroom (beta)", True) in found


def test_an_arabic_number_and_its_separator_stay_together() -> None:
    assert TextRun("١٢٫٥", True) in visual_runs("عام ١٢٫٥ نعم", rightward=False)


@pytest.mark.parametrize(
    ("text", "language", "rightward"),
    [
        ("Hello שלום", "en-US", True),
        ("שלום Hello", "en-US", False),
        ("iPhone הוא טלפון", "he-IL", False),
        ("iPhone", "he-IL", True),
        ("12.5", "ar", False),
        ("12.5", "en-US", True),
        ("字幕", "zh-CN", True),
    ],
)
def test_a_paragraph_has_the_direction_of_its_language_or_of_its_first_letter(
    text: str, language: str, rightward: bool
) -> None:
    assert is_left_to_right(text, language) is rightward
