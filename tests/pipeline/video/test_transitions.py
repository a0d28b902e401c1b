"""Transitions, on frames whose grey identifies their clip."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.contract.scenes import Transition
from pipeline.core.arrays import Rgb
from pipeline.video.transitions import join_clips, overlaps

WIDTH, HEIGHT = 40, 8


def clip(grey: int, frames: int) -> list[Rgb]:
    return [np.full((HEIGHT, WIDTH, 3), grey, np.uint8) for _ in range(frames)]


def greys(joined: Iterator[Rgb]) -> list[float]:
    return [float(frame.mean()) for frame in joined]


class TrackedClip:
    """Clip that counts its frames still in memory, and records whether it was closed."""

    def __init__(self, grey: int, frames: int) -> None:
        self.given, self.closed = 0, False
        self.frames = self._frames(grey, frames)

    def _frames(self, grey: int, frames: int) -> Iterator[Rgb]:
        try:
            for frame in clip(grey, frames):
                self.given += 1
                yield frame
        finally:
            self.closed = True


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    frames=st.integers(0, 20),
    data=st.data(),
)
def test_the_joined_length_is_the_sum_minus_the_overlaps(lengths: list[int], frames: int, data: st.DataObject) -> None:
    kinds = data.draw(
        st.lists(st.sampled_from(Transition), min_size=len(lengths) - 1, max_size=len(lengths) - 1), label="kinds"
    )
    shared = overlaps(lengths, kinds, frames)
    joined = list(join_clips([clip(100, length) for length in lengths], lengths, kinds, frames))
    assert len(joined) == sum(lengths) - sum(shared)
    assert all(0 <= each <= frames for each in shared)
    for number, length in enumerate(lengths):
        assert sum(shared[max(number - 1, 0) : number + 1]) <= length or len(lengths) == 1
    assert all((frame == 100).all() for frame in joined)


def test_a_cut_has_no_overlap() -> None:
    assert greys(join_clips([clip(10, 3), clip(200, 2)], [3, 2], [Transition.CUT], 12)) == [10, 10, 10, 200, 200]


def test_a_fade_is_linear() -> None:
    joined = greys(join_clips([clip(0, 20), clip(200, 20)], [20, 20], [Transition.FADE], 9))
    assert joined[:11] == [0] * 11
    assert joined[11:20] == pytest.approx([20 * step for step in range(1, 10)], abs=1)
    assert joined[15] == 100
    assert joined[20:] == [200] * 11


def test_a_slide_pushes_the_old_clip_to_the_left() -> None:
    ramp = np.repeat(np.arange(WIDTH, dtype=np.uint8)[None, :, None], HEIGHT, 0).repeat(3, 2)
    joined = list(join_clips([[ramp] * 30, [ramp + 100] * 30], [30, 30], [Transition.SLIDE], 15))
    seen = [int((frame[0, :, 0] >= 100).sum()) for frame in joined]
    assert seen[:15] == [0] * 15
    assert seen[30:] == [WIDTH] * 15
    assert seen == sorted(seen)
    assert seen[22] == WIDTH // 2
    steps = np.diff(seen[15:30])
    assert steps.max() > max(steps[0], steps[-1])
    both = np.concatenate([ramp, ramp + 100], axis=1)
    for frame, moved in zip(joined, seen, strict=True):
        assert np.array_equal(frame, both[:, moved : moved + WIDTH])


def test_each_clip_keeps_its_own_transition() -> None:
    clips = [clip(0, 10), clip(100, 10), clip(200, 10)]
    joined = greys(join_clips(clips, [10, 10, 10], [Transition.CUT, Transition.FADE], 3))
    assert joined == pytest.approx([0] * 10 + [100] * 7 + [125, 150, 175] + [200] * 7, abs=1)


def test_short_clips_hold_their_last_frame_and_long_ones_are_cut() -> None:
    joined = greys(join_clips([clip(10, 2), clip(200, 9)], [4, 3], [Transition.CUT], 0))
    assert joined == [10, 10, 10, 10, 200, 200, 200]


def test_a_clip_without_frames_raises_value_error() -> None:
    with pytest.raises(ValueError, match="no frames"):
        list(join_clips([[]], [3], [], 0))


def test_clips_are_read_lazily_and_closed_when_finished() -> None:
    clips = [TrackedClip(grey, 20) for grey in (0, 100, 200)]
    joined = join_clips([each.frames for each in clips], [20] * 3, [Transition.FADE, Transition.SLIDE], 5)
    list(islice(joined, 15))
    assert [each.given for each in clips] == [15, 0, 0]
    list(islice(joined, 10))
    assert [each.given for each in clips] == [20, 10, 0]
    assert [each.closed for each in clips] == [True, False, False]
    joined.close()
    assert clips[1].closed
