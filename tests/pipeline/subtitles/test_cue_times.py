"""Times of subtitle cues, to the hundredth of a second, as the documented rules give them."""

import pytest

from pipeline.speech.types import Word
from pipeline.subtitles.cues import build_cues


def times(*words: tuple[str, float, float], video_end: float = 60.0) -> list[tuple[float, float]]:
    """Return start and end of each cue of these words."""
    cues = build_cues([Word(*word) for word in words], "en-US", video_end=video_end)
    return [(round(cue.start, 2), round(cue.end, 2)) for cue in cues]


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        (("Hello.", 1.0, 1.4), (1.0, 2.0)),  # a second at least
        (("Hello.", 1.0, 3.0), (1.0, 3.5)),  # held half a second after the word
        (("Hello.", 1.0, 11.0), (1.0, 8.0)),  # seven seconds at most
        (("Hello.", 1.0, 7.8), (1.0, 8.0)),  # also when held
        (("e" * 30 + " " + "e" * 30, 1.0, 2.0), (1.0, 4.05)),  # twenty characters a second
    ],
)
def test_a_single_cue_lasts_as_long_as_its_rule_says(
    word: tuple[str, float, float], wanted: tuple[float, float]
) -> None:
    assert times(word) == [wanted]


@pytest.mark.parametrize(
    ("following", "end"),
    [
        (2.7, 2.5),  # held half a second
        (2.61, 2.5),  # a gap of 0.11 s stays
        (2.59, 2.59),  # one of 0.09 s is closed
        (2.52, 2.52),
    ],
)
def test_short_gaps_between_cues_are_closed(following: float, end: float) -> None:
    assert times(("One, then.", 0.0, 2.0), ("Two, then.", following, following + 2)) == [
        (0.0, end),
        (following, round(following + 2.5, 2)),
    ]


def test_at_the_videos_end_a_cue_begins_earlier_to_be_readable() -> None:
    assert times(("Bye.", 1.0, 1.2), video_end=1.5) == [(0.5, 1.5)]
    assert times(("Bye.", 0.2, 0.4), video_end=0.6) == [(0.0, 0.6)]


def test_words_at_one_time_are_shown_a_frame_apart() -> None:
    found = times(*[("e" * 42, 3.0, 3.0)] * 6)
    assert [start for start, _ in found[1:]] == [3.04, 3.08, 3.12, 3.16]
    assert found[-1][1] == pytest.approx(3.16 + 85 / 20, abs=0.011)
