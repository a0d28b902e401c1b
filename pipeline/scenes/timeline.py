"""When each scene of a video begins and ends, and when it speaks: whole frames, so that nothing drifts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.video_params import MAX_VIDEO_SECONDS, RenderScenesParams, Transition
from pipeline.video import FPS
from pipeline.video.talking_portrait import LEAD_FRAMES, TAIL_FRAMES

SILENT_SECONDS = 4.0  # of a scene that has neither words nor a length of its own


@dataclass(frozen=True)
class SceneDuration:
    """What decides how long a scene lasts, in seconds: what is said, None for nothing, and the least that was asked
    for, None for none."""

    speech: float | None
    least: float | None


@dataclass(frozen=True)
class SceneSpan:
    """Where a scene lies in the video, in frames: it is there from ``start`` for ``frames``.

    It shares the first ``overlap_before`` of them with the scene before and the last ``overlap_after`` with the next.
    """

    start: int
    frames: int
    overlap_before: int
    overlap_after: int

    @property
    def lead_frames(self) -> int:
        """Frames of the scene before it speaks."""
        return self.overlap_before + LEAD_FRAMES

    @property
    def speech_start(self) -> float:
        """When it begins to speak: seconds from the video's start."""
        return (self.start + self.lead_frames) / FPS

    @property
    def transition_start(self) -> float:
        """When the next scene begins to show, or the video ends: seconds from the video's start."""
        return (self.start + self.frames - self.overlap_after) / FPS


@dataclass(frozen=True)
class Timeline:
    """The spans of all scenes, in their order.

    Voices never meet: each is heard while its scene is seen alone, ``LEAD_FRAMES`` frames later and ``TAIL_FRAMES``
    frames less.
    """

    spans: tuple[SceneSpan, ...]

    @property
    def frames(self) -> int:
        """Of the whole video."""
        return self.spans[-1].start + self.spans[-1].frames

    @property
    def seconds(self) -> float:
        """Of the whole video."""
        return self.frames / FPS


def transitions_of(params: RenderScenesParams) -> tuple[Transition, ...]:
    """How each scene but the first takes the place of the one before: one less than there are scenes."""
    return tuple(scene.transition or params.transition for scene in params.scenes[1:])


def transition_frames(params: RenderScenesParams) -> int:
    """How many frames two scenes share where one does not end with a cut."""
    return round(params.transition_seconds * FPS)


def timeline_of(params: RenderScenesParams, spoken: Mapping[int, float]) -> Timeline:
    """The timeline of a video whose scenes say what lasts ``spoken`` seconds, by scene from 0.

    Scenes that are to speak and are not among them count with the least that they can last. Raises ``DarkroomError``
    (``script_too_long_error``) beyond the limit.
    """
    to_speak = [bool(scene.script or scene.voice_track) for scene in params.scenes]
    lengths = [
        SceneDuration(spoken.get(index, 0.0) if speaks else None, scene.seconds)
        for index, (scene, speaks) in enumerate(zip(params.scenes, to_speak, strict=True))
    ]
    timeline = build_timeline(lengths, transitions_of(params), transition_frames(params))
    if timeline.seconds > MAX_VIDEO_SECONDS:
        known = len(spoken) == sum(to_speak)
        raise DarkroomError(
            ErrorCode.TOO_LONG,
            f"The video would last {'' if known else 'at least '}{timeline.seconds:.2f} seconds; "
            f"{MAX_VIDEO_SECONDS} are the limit. Shorten what is said, or make several videos of it.",
        )
    return timeline


def build_timeline(lengths: Sequence[SceneDuration], transitions: Sequence[Transition], shared: int) -> Timeline:
    """The shortest timeline of scenes, one ``SceneDuration`` each, that ``transitions`` of ``shared`` frames join.

    A scene lasts as long as was asked for at least, 4 seconds if it says nothing and nothing was asked for, and in
    any case long enough to be seen alone between the transitions, in which time it says all of its words.
    """
    overlaps = [0, *(0 if transition is Transition.CUT else shared for transition in transitions), 0]
    spans: list[SceneSpan] = []
    start = 0
    for length, before, after in zip(lengths, overlaps[:-1], overlaps[1:], strict=True):
        least = SILENT_SECONDS if length.speech is None and length.least is None else length.least or 0
        alone = LEAD_FRAMES + _frames(length.speech or 0) + TAIL_FRAMES
        # Neither transition may take more than half of a scene.
        frames = max(_frames(least), before + alone + after, 2 * before, 2 * after)
        spans.append(SceneSpan(start, frames, before, after))
        start += frames - after
    return Timeline(tuple(spans))


def _frames(seconds: float) -> int:
    # Ten decimals: 0.28 × 25 is 7, whatever floating point makes of it.
    return ceil(round(seconds * FPS, 10))
