"""``render_scenes`` on the models engine: pictures may be drawn from words, and portraits speak by a network."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from darkroom.contract.engine import Engine
from darkroom.contract.requests import Kind
from darkroom.contract.video_params import AvatarScene, GeneratedScene, RenderScenesParams, Scene
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
    """Find out when each word is said, and what nobody wrote down."""

    slot = Slot.COMPUTE
    networks = (TRANSCRIBER,)

    def transcribe_recording(self, work: StageContext, samples: Samples, language: str | None) -> Transcript:
        """What is said in mono float32 in [-1, 1] at ``SAMPLE_RATE``; ``language`` None: found out."""
        return transcribe_with_note(work, samples, language)


class MakeScenesByNetwork(RenderClips):
    """Make a video of each scene, also of pictures that were drawn: portraits take turns on the device."""

    slot = Slot.COMPUTE
    requires = (*RenderClips.requires, SCENE_PICTURES)
    networks = AnimateByNetwork.networks
    # Who may not use the animator, or does not have it, has scenes without portraits all the same.
    optional_networks = AnimateByNetwork.networks

    def __init__(self) -> None:
        super().__init__(AnimateByNetwork())

    def required_networks(self, params: BaseModel, /) -> tuple[Network[Any], ...]:
        """The animator, where a portrait speaks."""
        assert isinstance(params, RenderScenesParams)
        return self.networks if any(isinstance(scene, AvatarScene) for scene in params.scenes) else ()

    def picture(self, work: StageContext, index: int, scene: Scene) -> Path:
        """The file of the picture that a scene, counted from 0, shows."""
        return work[SCENE_PICTURES][index] if isinstance(scene, GeneratedScene) else super().picture(work, index, scene)


def plan() -> Plan:
    """The stages, with the share of the time that each takes."""
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
