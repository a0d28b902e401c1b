"""The first stage of ``render_scenes``: every file is looked at before anything is made of any."""

from collections.abc import Mapping

from darkroom.contract.engine import Engine
from darkroom.contract.video_params import MUSIC, RenderScenesParams
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.imaging.codec import decode
from pipeline.scenes.clip import label_scene_errors
from pipeline.scenes.timeline import timeline_of
from pipeline.speech.types import SAMPLE_RATE, Samples
from pipeline.video.decoder import decode_stereo, decode_voice

VOICES: Artifact[dict[str, Samples]] = Artifact(
    "voices", "the recorded voices by role: mono float32 in [-1, 1] at 48,000 Hz, together no longer than a video"
)


class LoadScenes(Stage):
    """Decode every picture, to see that it can be, and every recorded voice. Nothing is made if one is no good.

    ``engine`` is who does the job: what it cannot do is told here as well.
    """

    name = "load"
    message = "Opening the files"
    slot = Slot.CPU
    provides = (VOICES,)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, work: StageContext) -> None:
        """Raises ``DarkroomError``: of a file, naming the scene; ``script_too_long_error`` for what the voices alone
        would make; ``engine_unavailable``."""
        params = work.params_as(RenderScenesParams)
        params.check_engine(self._engine, work.files)
        if params.scenes[0].transition is not None:
            work.notes.append("Scene 1: Its transition had no effect: no scene comes before it.")
        if MUSIC in work.files:
            next(iter(decode_stereo(work.files[MUSIC])))
        voices: dict[str, Samples] = {}
        looked_at: set[str] = set()
        for index, scene in enumerate(params.scenes):

            def report(fraction: float, index: int = index) -> None:
                work.report((index + fraction) / len(params.scenes), f"Opening the files of scene {index + 1}")

            report(0.0)
            with label_scene_errors(index + 1, scene):
                if scene.picture_role is not None and scene.picture_role not in looked_at:
                    decode(work.files[scene.picture_role])
                    looked_at.add(scene.picture_role)
                if scene.voice_track is not None and scene.voice_track not in voices:
                    voices[scene.voice_track] = decode_voice(work.files[scene.voice_track], report=report)
            # Ends what is too long before all of it is in memory.
            timeline_of(params, recorded_seconds(params, voices))
        work[VOICES] = voices


def recorded_seconds(params: RenderScenesParams, voices: Mapping[str, Samples]) -> dict[int, float]:
    """How long each scene, from 0, speaks whose recorded voice, by role, is there."""
    return {
        index: len(voices[scene.voice_track]) / SAMPLE_RATE
        for index, scene in enumerate(params.scenes)
        if scene.voice_track is not None and scene.voice_track in voices
    }
