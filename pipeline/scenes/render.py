"""Rendering stage of ``render_scenes``: plans or renders one clip per scene, several in parallel."""

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from darkroom.contract.scenes import AvatarScene, Scene
from darkroom.contract.video_params import RenderScenesParams
from pipeline.core.best_effort import best_effort
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.imaging.codec import thumbnail
from pipeline.scenes.clip import (
    ClipSpec,
    animated_clip,
    merge_notes,
    pad_voice,
    plan_pan_clip,
    scene_label,
    write_talking_clip,
)
from pipeline.scenes.intermediate_files import get_or_create, intermediate_name
from pipeline.scenes.parallel_scenes import SceneContext, SceneTask, run_scenes
from pipeline.scenes.speech import SPEECHES, TIMELINE
from pipeline.video.clip import Clip, ClipFile

CLIPS: Artifact[tuple[Clip, ...]] = Artifact(
    "clips", "the frames of each scene, of the size of the whole, as many as the scene lasts"
)


class RenderClips(Stage):
    """Provide the clip of each scene.

    ``animate`` is the stage of the engine's ``render_video`` that animates portraits. If ``keeps_portraits``, its clips
    are written to files that the job's next attempt reuses. All other frames are rendered while the scenes are joined,
    as storing a frame costs more than rendering it.
    """

    name = "scenes"
    message = "Making the scenes"
    slot = Slot.CPU
    requires: ClassVar[tuple[Artifact[Any], ...]] = (SPEECHES, TIMELINE)
    provides = (CLIPS,)

    def __init__(self, animate: Stage, *, keeps_portraits: bool = True) -> None:
        self._animate = animate
        self._keeps_portraits = keeps_portraits

    def run(self, context: StageContext) -> None:
        """Plan or render. Raises the ``DarkroomError`` of the first scene that fails, naming it."""
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
        clips = run_scenes(
            context, tasks, stage=self.name, message=lambda done: f"Making the scenes: {done} of {len(tasks)} done"
        )
        context.notes.extend(merge_notes([notes for _clip, notes in clips]))
        context[CLIPS] = tuple(clip for clip, _notes in clips)

    def picture(self, context: StageContext, index: int, scene: Scene) -> Path:  # noqa: ARG002 - as overridden
        """Return the file of the picture that a scene, counted from 0, shows."""
        assert scene.picture_role is not None
        return context.files[scene.picture_role]

    def _clip_spec(self, context: StageContext, index: int) -> ClipSpec:
        params = context.params_as(RenderScenesParams)
        scene, span, speech = params.scenes[index], context[TIMELINE].spans[index], context[SPEECHES][index]
        width, height = params.resolution.size(params.aspect)
        voice = None
        if isinstance(scene, AvatarScene):
            assert speech is not None
            voice = pad_voice(span, speech.samples)
        return ClipSpec(self.picture(context, index, scene), span.frames, width, height, params.seed, voice)

    def _renderer(self, context: StageContext) -> str:
        networks = (
            context.network_provider.digest(self.networks)
            if context.network_provider is not None and self.networks
            else ""
        )
        return f"{type(self._animate).__qualname__} {networks}"

    def _render_clip(
        self, context: StageContext, spec: ClipSpec, path: Path, scene_context: SceneContext
    ) -> tuple[Clip, Sequence[str]]:
        clip: Clip
        notes: Sequence[str] = ()
        if spec.voice is None:
            clip = plan_pan_clip(spec, scene_context)
        elif self._keeps_portraits:
            clip, notes = self._kept_clip(context, spec, path, scene_context)
        else:
            clip, notes = animated_clip(self._animate, context, spec, context.folder, scene_context)
        with best_effort("progress picture"), closing(clip.frames()) as frames:
            scene_context.show_progress_image(thumbnail(next(frames)))
        return clip, notes

    def _kept_clip(
        self, context: StageContext, spec: ClipSpec, path: Path, scene_context: SceneContext
    ) -> tuple[Clip, Sequence[str]]:
        def make(path: Path) -> Sequence[str]:
            return write_talking_clip(self._animate, context, spec, path, scene_context)

        name = intermediate_name("clip", spec.cache_key(self._renderer(context)), path.suffix)
        return ClipFile(path), get_or_create(context.intermediates, name, path, make, spec.matches)


def _path(context: StageContext, number: int) -> Path:
    return context.folder / f"scene-{number}.mp4"
