"""``render_scenes`` on the preview engine: Ken Burns clips of pictures, and portraits as animated stills."""

from typing import Any

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from pipeline.core.artifacts import SAVED
from pipeline.core.stages import Artifact, Plan, Stage
from pipeline.preview.workflows.render_video import AnimateStill
from pipeline.scenes.join import JoinScenes
from pipeline.scenes.load import LoadScenes
from pipeline.scenes.render import RenderClips
from pipeline.scenes.speech import SynthesiseSceneSpeech, TranscribeScenes


def plan() -> Plan:
    """Return the plan: each stage with its share of the time."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadScenes(Engine.PREVIEW), 0.05),
        (SynthesiseSceneSpeech(), 0.05),
        (TranscribeScenes(), 0.02),
        (RenderClips(AnimateStill(), keeps_portraits=False), 0.13),
        (JoinScenes(), 0.75),
    )
    results: tuple[Artifact[Any], ...] = (SAVED,)
    return Plan(Kind.RENDER_SCENES, Engine.PREVIEW, steps, results=results)
