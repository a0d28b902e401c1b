"""Where burned subtitles stand, and how large they are, in pixels of the frame."""

import numpy as np
import pytest

from pipeline.subtitles.burner import SubtitleBurner
from pipeline.subtitles.cues import Cue
from pipeline.subtitles.typesetting import DESCENT

SIZES = {(720, 1280): 0.055 * 720, (1280, 720): 0.055 * 720, (720, 720): 0.047 * 720}


def letters(size: tuple[int, int], *lines: str, background: int = 128) -> np.ndarray:
    """Burn a cue into an even frame: True where the letters are."""
    frame = np.full((size[1], size[0], 3), background, np.uint8)
    SubtitleBurner([Cue(0, 1, lines)], *size, "en-US").burn(frame, 0.5)
    return frame[..., 0] > 200


@pytest.mark.parametrize("size", SIZES)
def test_the_baseline_stands_above_the_margin_in_the_middle(size: tuple[int, int]) -> None:
    where = letters(size, "HOHOH")
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    margin = 0.14 if size == (720, 1280) else 0.07
    assert rows[-1] + 1 == pytest.approx(size[1] * (1 - margin) - DESCENT * SIZES[size], abs=2)
    assert columns[0] + columns[-1] + 1 == pytest.approx(size[0], abs=3)


def test_letters_are_as_large_as_the_frames_shorter_side_asks() -> None:
    heights = {size: np.count_nonzero(letters(size, "HHH").any(1)) for size in SIZES}
    assert heights[(720, 1280)] == heights[(1280, 720)]
    assert heights[(720, 720)] / heights[(1280, 720)] == pytest.approx(0.047 / 0.055, abs=0.04)
    assert heights[(1280, 720)] == pytest.approx(0.7 * SIZES[(1280, 720)], abs=2.5), "capitals are 0.7 of the size"


def test_baselines_are_124_percent_of_the_size_apart() -> None:
    rows = letters((1280, 720), "HHH", "HHH").any(1)
    feet = np.flatnonzero(np.diff(rows.astype(int)) == -1)
    assert len(feet) == 2
    assert feet[1] - feet[0] == pytest.approx(1.24 * SIZES[(1280, 720)], abs=1.1)


def test_letters_have_a_dark_outline_and_a_shadow_below() -> None:
    size = SIZES[(1280, 720)]
    frame = np.full((720, 1280, 3), 240, np.uint8)
    SubtitleBurner([Cue(0, 1, ("HHHHHH",))], 1280, 720, "en-US").burn(frame, 0)
    grey = frame[..., 0].astype(int)
    changed = np.flatnonzero((grey != 240).any(1))
    column = grey[:, 640 - 60 : 640 + 60]
    foot = changed[0] + np.flatnonzero(np.ptp(column[changed[0] :], axis=1) > 150)[-1]  # the outline's end
    head = changed[0] + np.flatnonzero(np.ptp(column[changed[0] :], axis=1) > 150)[0]
    assert grey[:, 540:740].min() < 12, "the outline is black"
    below, above = column[foot + 4].mean(), column[head - 4].mean()
    assert below < above - 10
    assert 0.3 * size < foot - head < 1.2 * size
