"""Burned subtitles: within the safe area, without overlaps, readable on any background."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.contract.video_params import Resolution, VideoAspect
from pipeline.core.arrays import Rgb
from pipeline.subtitles.burner import SubtitleBurner, SubtitleOverlay, safe_area
from pipeline.subtitles.cues import Cue

SIZES = st.builds(
    lambda resolution, aspect: resolution.size(aspect), st.sampled_from(Resolution), st.sampled_from(VideoAspect)
)
LANGUAGES = st.sampled_from(["en-US", "ar", "he-IL", "zh-CN", "ja-JP", "ko-KR"])
LATIN = st.text("abcmW gy.,!", min_size=1, max_size=42)
LINE = st.one_of(
    LATIN,
    st.text("שלום עברית,12.5()", min_size=1, max_size=42),
    st.text("السلام عليكم، ١٢", min_size=1, max_size=42),
    st.text("字幕的。，「」ひらカタ", min_size=1, max_size=21),
    st.text("한국어 자막", min_size=1, max_size=21),
    st.text(max_size=20),
).map(str.strip)
LINES = st.lists(LINE.filter(bool), min_size=1, max_size=2)


def frame(width: int, height: int) -> Rgb:
    """Return noise, on which every change is visible."""
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


def box_of(overlay: SubtitleOverlay) -> tuple[int, int, int, int]:
    height, width = overlay.background_weight.shape[:2]
    return overlay.left, overlay.top, overlay.left + width, overlay.top + height


@given(LINES, SIZES, LANGUAGES)
@settings(max_examples=60, deadline=None)
def test_any_text_is_drawn_within_the_safe_area(lines: list[str], size: tuple[int, int], language: str) -> None:
    overlay = SubtitleBurner([Cue(0, 1, tuple(lines))], *size, language).overlay(0.5)
    if overlay is None:
        return
    left, top, right, bottom = box_of(overlay)
    inner_left, inner_top, inner_right, inner_bottom = safe_area(*size)
    assert inner_left <= left < right <= inner_right
    assert inner_top <= top < bottom <= inner_bottom
    assert top > size[1] / 2
    # Nothing was cut off: no letter reaches the overlay's edge.
    letters = overlay.premultiplied.copy()
    letters[1:-1, 1:-1] = 0
    assert not letters.any()


@given(LATIN.filter(str.strip), SIZES)
@settings(max_examples=20, deadline=None)
def test_letters_are_white_and_their_surroundings_dark(text: str, size: tuple[int, int]) -> None:
    white = np.full((size[1], size[0], 3), 255, np.uint8)
    burned = SubtitleBurner([Cue(0, 1, (text + "m",))], *size, "en-US").burn(white, 0)
    assert burned.min() < 30
    black = SubtitleBurner([Cue(0, 1, (text + "m",))], *size, "en-US").burn(np.zeros_like(white), 0)
    assert black.max() > 225


@pytest.mark.parametrize("aspect", VideoAspect)
@pytest.mark.parametrize("resolution", Resolution)
def test_no_pixel_changes_outside_the_text(aspect: VideoAspect, resolution: Resolution) -> None:
    width, height = resolution.size(aspect)
    burner = SubtitleBurner([Cue(1, 2, ("Two lines of text", "of which this is one"))], width, height, "en-US")
    before = frame(width, height)
    for moment in (0.0, 0.99, 2.0, 3.0):
        assert np.array_equal(burner.burn(before.copy(), moment), before)
    after = before.copy()
    assert burner.burn(after, 1.0) is after
    left, top, right, bottom = safe_area(width, height)
    changed = (after != before).any(axis=2)
    assert changed[top:bottom, left:right].any()
    changed[top:bottom, left:right] = False
    assert not changed.any()


def test_a_long_line_has_a_readable_size_on_a_phone() -> None:
    line = "forty-two columns of text are a full line."
    tall = SubtitleBurner([Cue(0, 1, (line, line))], 720, 1280, "en-US").overlay(0)
    short = SubtitleBurner([Cue(0, 1, ("short.",))], 720, 1280, "en-US").overlay(0)
    assert tall is not None
    assert short is not None
    # Wrapped again into three or four lines of the same letters, instead of two of smaller ones.
    assert 2.5 < (tall.background_weight.shape[0] - 30) / (short.background_weight.shape[0] - 30) < 4.5


def test_two_full_lines_stay_two_on_a_wide_picture() -> None:
    one, two = (
        SubtitleBurner([Cue(0, 1, ("The picture that you have uploaded today",) * lines)], 1280, 720, "en-US").overlay(
            0
        )
        for lines in (1, 2)
    )
    assert one is not None
    assert two is not None
    assert one.background_weight.shape[1] == two.background_weight.shape[1]


def test_a_too_long_word_is_set_smaller() -> None:
    overlay = SubtitleBurner([Cue(0, 1, ("W" * 42,))], 360, 640, "en-US").overlay(0)
    assert overlay is not None
    assert overlay.background_weight.shape[1] > 250


def test_each_time_shows_its_own_cue() -> None:
    cues = [Cue(0, 1, ("first",)), Cue(1, 2, ("the second one",)), Cue(3, 4, ("🦜",))]
    burner = SubtitleBurner(cues, 640, 360, "en-US")
    first, second = burner.overlay(0.5), burner.overlay(1.0)
    assert first is not None
    assert second is not None
    assert first.background_weight.shape[1] < second.background_weight.shape[1]
    assert burner.overlay(1.9) is second
    assert burner.overlay(2.5) is None
    assert burner.overlay(3.5) is None
    again = burner.overlay(0.5)
    assert again is not None
    assert np.array_equal(again.background_weight, first.background_weight)


@pytest.mark.parametrize(("text", "language", "leftmost"), [("שלום.", "he-IL", True), ("Hello.", "en-US", False)])
def test_the_full_stop_is_at_the_end_in_reading_direction(text: str, language: str, leftmost: bool) -> None:
    overlay = SubtitleBurner([Cue(0, 1, (text,))], 1280, 720, language).overlay(0)
    assert overlay is not None
    inked = np.argwhere(overlay.premultiplied.any(axis=2))
    at_left = inked[inked[:, 1] < inked[:, 1].min() + 4, 0]
    at_right = inked[inked[:, 1] > inked[:, 1].max() - 4, 0]
    # It is lower than letters are.
    assert (at_left.min() > at_right.min()) == leftmost
