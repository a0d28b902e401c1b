"""``render_video`` on the preview engine: an animated still whose mouth follows the loudness of the voice."""

from math import floor
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
    """Animate the portrait: a camera move, a mouth that follows the loudness of the voice, and blinks."""

    name = "animate"
    message = "Animating"
    slot = Slot.CPU  # it takes minutes, during which other jobs' pictures continue, if slower
    requires = (PORTRAIT, SPEECH)
    provides = (CLIP,)

    def run(self, context: StageContext) -> None:
        params, speech = context.params_as(RenderVideoParams), context[SPEECH]
        width, height = params.resolution.size(params.aspect)
        context.notes.append("A preview: a still whose mouth follows how loud the voice is, not what it says.")

        def report(fraction: float) -> None:
            context.report(fraction, f"Animating: {floor(fraction * speech.seconds)} of {speech.seconds:.0f} s")

        context[CLIP] = animate_portrait(
            context[PORTRAIT],
            speech.samples,
            width,
            height,
            context.folder / "clip.mp4",
            frames=frame_count(speech),
            seed=params.seed,
            report=report,
            show_progress_image=context.report_progress_image,
            add_note=context.notes.append,
        )


def plan() -> Plan:
    """Return the plan: each stage with its share of the time."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadAvatar(Engine.PREVIEW), 0.05),
        (SynthesiseSpeech(), 0.05),
        (AnimateStill(), 0.6),
        (Transcribe(), 0.02),
        (BuildSubtitles(), 0.01),
        (EncodeVideo(), 0.27),
    )
    results: tuple[Artifact[Any], ...] = (SAVED,)
    return Plan(Kind.RENDER_VIDEO, Engine.PREVIEW, steps, results=results)
