"""``render_video`` on the preview engine: an animated still, whose mouth opens as its voice is loud."""

from math import floor
from typing import Any

from darkroom.contract.engine import Engine
from darkroom.contract.requests import Kind
from darkroom.contract.video_params import RenderVideoParams
from pipeline.core.artifacts import SAVED
from pipeline.core.stages import Artifact, Plan, Slot, Stage, Work
from pipeline.preview.faces.animation import animate
from pipeline.video.files import EncodeVideo
from pipeline.video.talking_portrait import CLIP, PORTRAIT, SPEECH, LoadAvatar, Speak, Subtitle, Transcribe, frames_in


class AnimateStill(Stage):
    """Move the camera over the portrait, open its mouth as the voice is loud, and let it blink."""

    name = "animate"
    message = "Animating"
    slot = Slot.CPU  # it takes minutes: beside it, pictures go on, if slower
    requires = (PORTRAIT, SPEECH)
    provides = (CLIP,)

    def run(self, work: Work) -> None:
        params, speech = work.params_as(RenderVideoParams), work[SPEECH]
        width, height = params.resolution.size(params.aspect)
        work.notes.append("A preview: a still whose mouth follows how loud the voice is, not what it says.")

        def report(fraction: float) -> None:
            work.report(fraction, f"Animating: {floor(fraction * speech.seconds)} of {speech.seconds:.0f} s")

        work[CLIP] = animate(
            work[PORTRAIT],
            speech.samples,
            width,
            height,
            work.folder / "clip.mp4",
            frames=frames_in(speech),
            seed=params.seed,
            report=report,
            show=work.show,
            note=work.notes.append,
        )


def plan() -> Plan:
    """The stages, with the share of the time that each takes."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadAvatar(Engine.PREVIEW), 0.05),
        (Speak(), 0.05),
        (AnimateStill(), 0.6),
        (Transcribe(), 0.02),
        (Subtitle(), 0.01),
        (EncodeVideo(), 0.27),
    )
    results: tuple[Artifact[Any], ...] = (SAVED,)
    return Plan(Kind.RENDER_VIDEO, Engine.PREVIEW, steps, results=results)
