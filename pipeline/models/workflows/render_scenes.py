"""``render_scenes`` on the models engine: with generated pictures, and talking portraits by a network."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.scenes import AvatarScene, GeneratedScene, Scene
from darkroom.contract.video_params import RenderScenesParams
from pipeline.core.artifacts import SAVED
from pipeline.core.networks import Network
from pipeline.core.stages import Artifact, Plan, Slot, Stage, StageContext
from pipeline.models.network_registry import TRANSCRIBER
from pipeline.models.stages.animate import AnimateByNetwork
from pipeline.models.stages.scene_pictures import SCENE_PICTURES, GenerateScenePictures
from pipeline.models.stages.transcribe import transcribe_with_note
from pipeline.scenes.join import JoinScenes
from pipeline.scenes.load import LoadScenes
from pipeline.scenes.render import RenderClips
from pipeline.scenes.speech import SynthesiseSceneSpeech, TranscribeScenes
from pipeline.speech.types import Samples, Transcript


class TranscribeScenesByNetwork(TranscribeScenes):
    """Time the words of each scene, and transcribe recordings without a script."""

    slot = Slot.COMPUTE
    networks = (TRANSCRIBER,)

    def transcribe_recording(self, context: StageContext, samples: Samples, language: str | None) -> Transcript:
        """Transcribe mono float32 in [-1, 1] at ``SAMPLE_RATE``; a ``language`` of None is detected."""
        return transcribe_with_note(context, samples, language)


class MakeScenesByNetwork(RenderClips):
    """Render a video clip of each scene, including generated pictures. Portraits take turns on the device."""

    slot = Slot.COMPUTE
    requires = (*RenderClips.requires, SCENE_PICTURES)
    networks = AnimateByNetwork.networks
    # Optional, so that scenes without portraits also work where the animator is missing or its licence not accepted.
    optional_networks = AnimateByNetwork.networks

    def __init__(self) -> None:
        super().__init__(AnimateByNetwork())

    def required_networks(self, params: BaseModel, /) -> tuple[Network[Any], ...]:
        """Return the animator if there is an avatar scene."""
        assert isinstance(params, RenderScenesParams)
        return self.networks if any(isinstance(scene, AvatarScene) for scene in params.scenes) else ()

    def picture(self, context: StageContext, index: int, scene: Scene) -> Path:
        """Return the file of the picture that scene number ``index``, from 0, shows."""
        return (
            context[SCENE_PICTURES][index]
            if isinstance(scene, GeneratedScene)
            else super().picture(context, index, scene)
        )


def plan() -> Plan:
    """Build the plan."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadScenes(Engine.MODELS), 0.03),
        (SynthesiseSceneSpeech(), 0.03),
        (GenerateScenePictures(), 0.15),
        (TranscribeScenesByNetwork(), 0.04),
        (MakeScenesByNetwork(), 0.55),
        (JoinScenes(), 0.2),
    )
    results: tuple[Artifact[Any], ...] = (SAVED,)
    return Plan(Kind.RENDER_SCENES, Engine.MODELS, steps, results=results)
