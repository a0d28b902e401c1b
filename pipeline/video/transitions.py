"""Transitions: joins clips into one video with cuts, fades and slides."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import pairwise

import cv2
import numpy as np

from darkroom.contract.scenes import Transition
from pipeline.core.arrays import Rgb


def overlaps(lengths: Sequence[int], transitions: Sequence[Transition], frames: int) -> tuple[int, ...]:
    """Return the frames that each clip shares with the next: one number less than there are clips.

    ``frames`` for each transition, 0 for a cut, and at most half of either clip's length, so that no frame belongs to
    three clips. ``transitions`` are those between the clips.

    >>> overlaps([100, 20, 100], [Transition.FADE, Transition.CUT], 12)
    (10, 0)
    """
    return tuple(
        0 if transition is Transition.CUT else min(frames, one // 2, other // 2)
        for (one, other), transition in zip(pairwise(lengths), transitions, strict=True)
    )


def join_clips(
    clips: Sequence[Iterable[Rgb]], lengths: Sequence[int], transitions: Sequence[Transition], frames: int
) -> Generator[Rgb, None, None]:
    """Yield the frames of the joined clips: ``sum(lengths) - sum(overlaps(lengths, transitions, frames))``.

    Clip i counts ``lengths[i]`` frames (at least 1), H×W×3 uint8, all of one size: further frames are dropped, and a
    shorter clip holds its last frame. A fade dissolves one clip into the next. A slide moves the new clip in from the
    right, with easing, and pushes the old one out. At most one frame of each of two clips is held in memory. Generators
    are closed when they are finished, or when this one is closed.
    """
    shared = (0, *overlaps(lengths, transitions, frames), 0)
    outgoing: Iterator[Rgb] | None = None
    incoming: Iterator[Rgb] | None = None
    try:
        for number, (clip, length) in enumerate(zip(clips, lengths, strict=True)):
            outgoing, incoming = incoming, _exact_length(clip, length)
            overlap_in, overlap_out = shared[number], shared[number + 1]
            for step in range(overlap_in):
                assert outgoing is not None
                yield _transition_frame(
                    next(outgoing), next(incoming), transitions[number - 1], (step + 1) / (overlap_in + 1)
                )
            _close(outgoing)
            outgoing = None
            for _ in range(length - overlap_in - overlap_out):
                yield next(incoming)
    finally:
        _close(outgoing)
        _close(incoming)


def _exact_length(clip: Iterable[Rgb], length: int) -> Iterator[Rgb]:
    """Yield exactly ``length`` frames."""
    frames = iter(clip)
    frame: Rgb | None = None
    try:
        for _ in range(length):
            frame = next(frames, frame)
            if frame is None:
                raise ValueError("a clip has no frames")
            yield frame
    finally:
        _close(frames)


def _transition_frame(old: Rgb, new: Rgb, transition: Transition, part: float) -> Rgb:
    """Render a transition between two pictures, ``part`` from 0 to 1."""
    if transition is Transition.FADE:
        return cv2.addWeighted(old, 1 - part, new, part, 0).astype(np.uint8, copy=False)
    width = old.shape[1]
    # Cubic easing; whole pixels suffice at this speed.
    offset = round(width * part * part * (3 - 2 * part))
    return np.concatenate([old[:, offset:], new[:, :offset]], axis=1)


def _close(frames: Iterator[Rgb] | None) -> None:
    close = getattr(frames, "close", None)
    if close is not None:
        close()
