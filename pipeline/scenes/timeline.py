"""Timeline of a multi-scene video: start, end and speech of each scene, in whole frames so that nothing drifts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.scenes import Transition
from darkroom.contract.video_params import MAX_VIDEO_SECONDS, RenderScenesParams
from pipeline.video import FPS
from pipeline.video.talking_portrait import LEAD_FRAMES, TAIL_FRAMES

SILENT_SECONDS = 4.0  # duration of a scene with neither speech nor a requested length


@dataclass(frozen=True)
class SceneDuration:
    """Inputs of a scene's duration, in seconds: its speech (None for silence) and the requested minimum, or None."""

    speech: float | None
    min_seconds: float | None


@dataclass(frozen=True)
class SceneSpan:
    """Span of a scene in the video, in frames: from ``start`` for ``frames``.

    It shares its first ``overlap_before`` frames with the previous scene and its last ``overlap_after`` with the next.
    """

    start: int
    frames: int
    overlap_before: int
    overlap_after: int

    @property
    def lead_frames(self) -> int:
        """Frames of the scene before its speech."""
        return self.overlap_before + LEAD_FRAMES

    @property
    def speech_start(self) -> float:
        """Start of its speech: seconds from the video's start."""
        return (self.start + self.lead_frames) / FPS

    @property
    def transition_start(self) -> float:
        """Start of the transition to the next scene, or the end of the video: seconds from the video's start."""
        return (self.start + self.frames - self.overlap_after) / FPS


@dataclass(frozen=True)
class Timeline:
    """Spans of all scenes, in order.

    Voices never overlap: each is heard while its scene alone is visible, from ``LEAD_FRAMES`` frames after that begins
    until ``TAIL_FRAMES`` frames before it ends.
    """

    spans: tuple[SceneSpan, ...]

    @property
    def frames(self) -> int:
        """Frames of the whole video."""
        return self.spans[-1].start + self.spans[-1].frames

    @property
    def seconds(self) -> float:
        """Duration of the whole video."""
        return self.frames / FPS


def transitions_of(params: RenderScenesParams) -> tuple[Transition, ...]:
    """Return the transition into each scene but the first: one less than there are scenes."""
    return tuple(scene.transition or params.transition for scene in params.scenes[1:])


def transition_frames(params: RenderScenesParams) -> int:
    """Return the frames that two scenes share in a transition other than a cut."""
    return round(params.transition_seconds * FPS)


def timeline_of(
    params: RenderScenesParams, spoken: Mapping[int, float], max_seconds: float = MAX_VIDEO_SECONDS
) -> Timeline:
    """Compute the timeline of a video, given the speech durations ``spoken`` in seconds, by scene from 0.

    Speaking scenes that are missing in ``spoken`` count with their shortest possible duration. Raises ``DarkroomError``
    (``too_long``) beyond ``max_seconds``.
    """
    speaks_by_scene = [bool(scene.script or scene.voice_track) for scene in params.scenes]
    lengths = [
        SceneDuration(spoken.get(index, 0.0) if speaks else None, scene.seconds)
        for index, (scene, speaks) in enumerate(zip(params.scenes, speaks_by_scene, strict=True))
    ]
    timeline = build_timeline(lengths, transitions_of(params), transition_frames(params))
    if timeline.seconds > max_seconds:
        all_known = len(spoken) == sum(speaks_by_scene)
        raise DarkroomError(
            ErrorCode.TOO_LONG,
            f"The video would last {'' if all_known else 'at least '}{timeline.seconds:.2f} seconds; "
            f"{max_seconds:g} are the limit. Shorten what is said, or make several videos of it.",
        )
    return timeline


def build_timeline(lengths: Sequence[SceneDuration], transitions: Sequence[Transition], shared: int) -> Timeline:
    """Compute the shortest timeline of scenes, one ``SceneDuration`` each, joined by ``transitions``.

    ``shared`` is the length of a transition in frames. A scene lasts at least as long as requested; 4 seconds if it has
    neither speech nor a request. It is always long enough to say all its words between its transitions.
    """
    overlaps = [0, *(0 if transition is Transition.CUT else shared for transition in transitions), 0]
    spans: list[SceneSpan] = []
    start = 0
    for length, before, after in zip(lengths, overlaps[:-1], overlaps[1:], strict=True):
        min_seconds = (
            SILENT_SECONDS if length.speech is None and length.min_seconds is None else length.min_seconds or 0
        )
        speech_frames = LEAD_FRAMES + _frames(length.speech or 0) + TAIL_FRAMES
        # Neither transition may take more than half of a scene.
        frames = max(_frames(min_seconds), before + speech_frames + after, 2 * before, 2 * after)
        spans.append(SceneSpan(start, frames, before, after))
        start += frames - after
    return Timeline(tuple(spans))


def _frames(seconds: float) -> int:
    # Rounded to ten decimals, so that 0.28 × 25 is 7 despite floating point.
    return ceil(round(seconds * FPS, 10))
