"""First stage of ``render_scenes``: validates every input file before any work starts."""

from collections.abc import Mapping
from contextlib import closing

from darkroom.contract.engine import Engine
from darkroom.contract.video_params import MUSIC, RenderScenesParams
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.decoding.client import decode_picture
from pipeline.scenes.clip import label_scene_errors
from pipeline.scenes.timeline import timeline_of
from pipeline.speech.types import SAMPLE_RATE, Samples
from pipeline.video.decoder import decode_stereo, decode_voice

VOICES: Artifact[dict[str, Samples]] = Artifact(
    "voices", "the recorded voices by role: mono float32 in [-1, 1] at 48,000 Hz, together no longer than a video"
)


class LoadScenes(Stage):
    """Decode every picture and every recorded voice, so that a bad file fails the job before any work.

    ``engine`` runs the job: unsupported requests are rejected here as well.
    """

    name = "load"
    message = "Opening the files"
    slot = Slot.CPU
    provides = (VOICES,)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, context: StageContext) -> None:
        """Validate the inputs.

        Raises ``DarkroomError``: for a file, naming its scene; ``script_too_long_error`` if the recordings alone are
        too long; ``engine_unavailable``.
        """
        params = context.params_as(RenderScenesParams)
        params.check_engine(self._engine, context.files)
        if params.scenes[0].transition is not None:
            context.notes.append("Scene 1: Its transition had no effect: no scene comes before it.")
        if MUSIC in context.files:
            with closing(decode_stereo(context.files[MUSIC], context.check)) as blocks:
                next(blocks)
        voices: dict[str, Samples] = {}
        checked_roles: set[str] = set()
        for index, scene in enumerate(params.scenes):

            def report(fraction: float, index: int = index) -> None:
                context.report((index + fraction) / len(params.scenes), f"Opening the files of scene {index + 1}")

            report(0.0)
            with label_scene_errors(index + 1, scene):
                if scene.picture_role is not None and scene.picture_role not in checked_roles:
                    decode_picture(context.files[scene.picture_role], context.check)
                    checked_roles.add(scene.picture_role)
                if scene.voice_track is not None and scene.voice_track not in voices:
                    voices[scene.voice_track] = decode_voice(
                        context.files[scene.voice_track], context.check, report=report
                    )
            # Fails as soon as the total is too long, before all recordings are in memory.
            timeline_of(params, recorded_seconds(params, voices), context.max_video_seconds)
        context[VOICES] = voices


def recorded_seconds(params: RenderScenesParams, voices: Mapping[str, Samples]) -> dict[int, float]:
    """Return the duration of each scene's recorded voice, by scene from 0; ``voices`` are the recordings by role."""
    return {
        index: len(voices[scene.voice_track]) / SAMPLE_RATE
        for index, scene in enumerate(params.scenes)
        if scene.voice_track is not None and scene.voice_track in voices
    }
