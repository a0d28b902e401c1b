"""``render_video`` on the models engine: a talking portrait, with recordings transcribed by a network."""

from typing import Any

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from pipeline.core.artifacts import SAVED
from pipeline.core.stages import Artifact, Plan, Stage
from pipeline.models.stages.animate import AnimateByNetwork
from pipeline.models.stages.transcribe import TranscribeByNetwork
from pipeline.video.files import EncodeVideo
from pipeline.video.talking_portrait import BuildSubtitles, LoadAvatar, SynthesiseSpeech


def plan() -> Plan:
    """Build the plan."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadAvatar(Engine.MODELS), 0.02),
        (SynthesiseSpeech(), 0.03),
        # Before the minutes of animation, which would be lost if the voice cannot be transcribed.
        (TranscribeByNetwork(), 0.05),
        (AnimateByNetwork(), 0.76),
        (BuildSubtitles(), 0.01),
        (EncodeVideo(), 0.13),
    )
    results: tuple[Artifact[Any], ...] = (SAVED,)
    return Plan(Kind.RENDER_VIDEO, Engine.MODELS, steps, results=results)
