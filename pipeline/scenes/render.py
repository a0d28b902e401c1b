"""Rendering stage of ``render_scenes``: renders one clip per scene, several in parallel."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from darkroom.contract.scenes import AvatarScene, Scene
from darkroom.contract.video_params import RenderScenesParams
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

    def run(self, context: StageContext) -> None:
        """Render. Raises the ``DarkroomError`` of the first scene that fails, naming it."""
        scenes = context.params_as(RenderScenesParams).scenes
        specs = [self._clip_spec(context, index) for index in range(len(scenes))]
        if context.network_provider is not None and any(spec.voice is not None for spec in specs):
            # Includes the models behind clips of earlier attempts.
            context.models_used |= dict.fromkeys(context.network_provider.models_used(self.networks))
        tasks = [
            SceneTask(
                scene_label(number, scene),
                spec.frames,
                partial(self._render_clip, context, spec, _path(context, number)),
            )
            for number, (scene, spec) in enumerate(zip(scenes, specs, strict=True), 1)
        ]
        notes = run_scenes(
            context, tasks, stage=self.name, message=lambda done: f"Making the scenes: {done} of {len(tasks)} done"
        )
        context.notes.extend(merge_notes(notes))
        context[CLIPS] = tuple(_path(context, number) for number in range(1, len(scenes) + 1))

    def picture(self, context: StageContext, index: int, scene: Scene) -> Path:  # noqa: ARG002 - as overridden
        """Return the file of the picture that a scene, counted from 0, shows."""
        assert scene.picture_role is not None
        return context.files[scene.picture_role]

    def _clip_spec(self, context: StageContext, index: int) -> ClipSpec:
        params = context.params_as(RenderScenesParams)
        scene, span, speech = params.scenes[index], context[TIMELINE].spans[index], context[SPEECHES][index]
        width, height = params.resolution.size(params.aspect)
        voice, renderer = None, CAMERA
        if isinstance(scene, AvatarScene):
            assert speech is not None
            voice, renderer = pad_voice(span, speech.samples), self._animator(context)
        return ClipSpec(self.picture(context, index, scene), span.frames, width, height, params.seed, voice, renderer)

    def _animator(self, context: StageContext) -> str:
        networks = (
            context.network_provider.digest(self.networks)
            if context.network_provider is not None and self.networks
            else ""
        )
        return f"{type(self._animate).__qualname__} {networks}"

    def _render_clip(
        self, context: StageContext, spec: ClipSpec, path: Path, scene_context: SceneContext
    ) -> tuple[str, ...]:
        def make(path: Path) -> Sequence[str]:
            return (
                render_pan_clip(spec, path, scene_context)
                if spec.voice is None
                else render_talking_clip(self._animate, context, spec, path, scene_context)
            )

        name = intermediate_name("clip", spec.cache_key(), path.suffix)
        notes = get_or_create(context.intermediates, name, path, make, spec.matches)
        with best_effort("progress picture"):
            scene_context.show_progress_image(thumbnail(next(decode_frames(path))))
        return notes


def _path(context: StageContext, number: int) -> Path:
    return context.folder / f"scene-{number}.mp4"
