"""``render_video`` on the models engine: a network has the portrait speak, another writes down what a voice says."""

from typing import Any

from pipeline.artifacts import SAVED
from pipeline.engine import Engine
from pipeline.models.animate import AnimateByNetwork
from pipeline.models.transcribe import TranscribeByNetwork
from pipeline.requests import Kind
from pipeline.stages import Artifact, Plan, Stage
from pipeline.talk import LoadAvatar, Speak, Subtitle
from pipeline.video_files import EncodeVideo


def plan() -> Plan:
    """The stages, with the share of the time that each takes."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadAvatar(Engine.MODELS), 0.02),
        (Speak(), 0.03),
        (AnimateByNetwork(), 0.76),
        (TranscribeByNetwork(), 0.05),
        (Subtitle(), 0.01),
        (EncodeVideo(), 0.13),
    )
    results: tuple[Artifact[Any], ...] = (SAVED,)
    return Plan(Kind.RENDER_VIDEO, Engine.MODELS, steps, results=results)
