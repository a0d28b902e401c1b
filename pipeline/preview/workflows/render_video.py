"""``render_video`` on the preview engine: an animated still whose mouth follows the loudness of the voice."""

from typing import Any

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.video_params import RenderVideoParams
from pipeline.core.artifacts import SAVED
from pipeline.core.stages import Artifact, Plan, Slot, Stage, StageContext
from pipeline.preview.faces.animation import animate_portrait
from pipeline.video.files import EncodeVideo
from pipeline.video.talking_portrait import (
    CLIP,
    PORTRAIT,
    SPEECH,
    BuildSubtitles,
    LoadAvatar,
    SynthesiseSpeech,
    Transcribe,
    frame_count,
)


class AnimateStill(Stage):
    """Plan the portrait's animation: a camera move, a mouth that follows the loudness of the voice, and blinks.

    Its frames are rendered while the video is encoded.
    """

    name = "animate"
    message = "Animating"
    slot = Slot.CPU
    requires = (PORTRAIT, SPEECH)
    provides = (CLIP,)

    def run(self, context: StageContext) -> None:
        params, speech = context.params_as(RenderVideoParams), context[SPEECH]
        width, height = params.resolution.size(params.aspect)
        context.notes.append("A preview: a still whose mouth follows how loud the voice is, not what it says.")
        context[CLIP] = animate_portrait(
            context[PORTRAIT],
            speech.samples,
            width,
            height,
            frames=frame_count(speech),
            seed=params.seed,
            add_note=context.notes.append,
        )


def plan() -> Plan:
    """Return the plan: each stage with its share of the time."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadAvatar(Engine.PREVIEW), 0.05),
        (SynthesiseSpeech(), 0.05),
        (AnimateStill(), 0.05),
        (Transcribe(), 0.02),
        (BuildSubtitles(), 0.01),
        (EncodeVideo(), 0.82),
    )
    results: tuple[Artifact[Any], ...] = (SAVED,)
    return Plan(Kind.RENDER_VIDEO, Engine.PREVIEW, steps, results=results)
