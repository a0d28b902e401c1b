"""Rendering stage of ``render_scenes``: renders one clip per scene, several in parallel."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from darkroom.contract.video_params import AvatarScene, RenderScenesParams, Scene
from pipeline.core.best_effort import best_effort
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.imaging.codec import thumbnail
from pipeline.scenes.clip import ClipSpec, merge_notes, pad_voice, render_pan_clip, render_talking_clip, scene_label
from pipeline.scenes.intermediate_files import get_or_create, intermediate_name
from pipeline.scenes.parallel_scenes import SceneContext, SceneTask, run_scenes
from pipeline.scenes.speech import SPEECHES, TIMELINE
from pipeline.video.decoder import decode_frames

CLIPS: Artifact[tuple[Path, ...]] = Artifact(
    "clips", "a video file of each scene without sound, of the size of the whole, as long as the scene"
)
CAMERA = "camera"  # renderer of the clips of pictures


class RenderClips(Stage):
    """Render the clip of each scene, unless an earlier attempt did.

    ``animate`` is the stage of the engine's ``render_video`` that animates portraits.
    """

    name = "scenes"
    message = "Making the scenes"
    slot = Slot.CPU
    requires: ClassVar[tuple[Artifact[Any], ...]] = (SPEECHES, TIMELINE)
    provides = (CLIPS,)

    def __init__(self, animate: Stage) -> None:
        self._animate = animate

    def run(self, work: StageContext) -> None:
        """Render. Raises the ``DarkroomError`` of the first scene that fails, naming it."""
        scenes = work.params_as(RenderScenesParams).scenes
        shots = [self._shot(work, index) for index in range(len(scenes))]
        if work.network_provider is not None and any(shot.voice is not None for shot in shots):
            # Includes the models behind clips of earlier attempts.
            work.models_used |= dict.fromkeys(work.network_provider.models_used(self.networks))
        tasks = [
            SceneTask(scene_label(number, scene), shot.frames, partial(self._made, work, shot, _path(work, number)))
            for number, (scene, shot) in enumerate(zip(scenes, shots, strict=True), 1)
        ]
        notes = run_scenes(
            work, tasks, stage=self.name, message=lambda done: f"Making the scenes: {done} of {len(tasks)} done"
        )
        work.notes.extend(merge_notes(notes))
        work[CLIPS] = tuple(_path(work, number) for number in range(1, len(scenes) + 1))

    def picture(self, work: StageContext, index: int, scene: Scene) -> Path:  # noqa: ARG002 - as overridden
        """Return the file of the picture that a scene, counted from 0, shows."""
        assert scene.picture_role is not None
        return work.files[scene.picture_role]

    def _shot(self, work: StageContext, index: int) -> ClipSpec:
        params = work.params_as(RenderScenesParams)
        scene, span, speech = params.scenes[index], work[TIMELINE].spans[index], work[SPEECHES][index]
        width, height = params.resolution.size(params.aspect)
        voice, maker = None, CAMERA
        if isinstance(scene, AvatarScene):
            assert speech is not None
            voice, maker = pad_voice(span, speech.samples), self._animator(work)
        return ClipSpec(self.picture(work, index, scene), span.frames, width, height, params.seed, voice, maker)

    def _animator(self, work: StageContext) -> str:
        networks = (
            work.network_provider.digest(self.networks) if work.network_provider is not None and self.networks else ""
        )
        return f"{type(self._animate).__qualname__} {networks}"

    def _made(self, work: StageContext, shot: ClipSpec, path: Path, bench: SceneContext) -> tuple[str, ...]:
        def make(path: Path) -> Sequence[str]:
            return (
                render_pan_clip(shot, path, bench)
                if shot.voice is None
                else render_talking_clip(self._animate, work, shot, path, bench)
            )

        name = intermediate_name("clip", shot.cache_key(), path.suffix)
        notes = get_or_create(work.intermediates, name, path, make, shot.matches)
        with best_effort("progress picture"):
            bench.show_progress_image(thumbnail(next(decode_frames(path))))
        return notes


def _path(work: StageContext, number: int) -> Path:
    return work.folder / f"scene-{number}.mp4"
