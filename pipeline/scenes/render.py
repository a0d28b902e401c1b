"""The stage of ``render_scenes`` that makes the scenes: each a video of its own, several at a time."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from darkroom.contract.video_params import AvatarScene, RenderScenesParams, Scene
from pipeline.core.best_effort import decoration
from pipeline.core.stages import Artifact, Slot, Stage, Work
from pipeline.imaging.codec import thumbnail
from pipeline.scenes.clip import Shot, name_of, pan, speak, told, within
from pipeline.scenes.intermediate_files import once, part_name
from pipeline.scenes.parallel_scenes import Bench, Task, make_all
from pipeline.scenes.speech import SPEECHES, TIMELINE
from pipeline.video.decoder import frames_of

CLIPS: Artifact[tuple[Path, ...]] = Artifact(
    "clips", "a video file of each scene without sound, of the size of the whole, as long as the scene"
)
CAMERA = "camera"  # who makes the clips of pictures


class MakeScenes(Stage):
    """Make a video of each scene, unless an earlier attempt did.

    ``animate`` is the stage of the engine's ``render_video`` that has portraits speak.
    """

    name = "scenes"
    message = "Making the scenes"
    slot = Slot.CPU
    requires: ClassVar[tuple[Artifact[Any], ...]] = (SPEECHES, TIMELINE)
    provides = (CLIPS,)

    def __init__(self, animate: Stage) -> None:
        self._animate = animate

    def run(self, work: Work) -> None:
        """Raises ``DarkroomError`` as the first scene that fails does, naming it."""
        scenes = work.params_as(RenderScenesParams).scenes
        shots = [self._shot(work, index) for index in range(len(scenes))]
        if work.models is not None and any(shot.voice is not None for shot in shots):
            # Also of clips that an earlier attempt made.
            work.models_used |= dict.fromkeys(work.models.used(self.networks))
        tasks = [
            Task(name_of(number, scene), shot.frames, partial(self._made, work, shot, _path(work, number)))
            for number, (scene, shot) in enumerate(zip(scenes, shots, strict=True), 1)
        ]
        notes = make_all(
            work, tasks, stage=self.name, message=lambda done: f"Making the scenes: {done} of {len(tasks)} done"
        )
        work.notes.extend(told(notes))
        work[CLIPS] = tuple(_path(work, number) for number in range(1, len(scenes) + 1))

    def picture(self, work: Work, index: int, scene: Scene) -> Path:  # noqa: ARG002 - as overridden
        """The file of the picture that a scene, counted from 0, shows."""
        assert scene.picture_role is not None
        return work.files[scene.picture_role]

    def _shot(self, work: Work, index: int) -> Shot:
        params = work.params_as(RenderScenesParams)
        scene, span, speech = params.scenes[index], work[TIMELINE].spans[index], work[SPEECHES][index]
        width, height = params.resolution.size(params.aspect)
        voice, maker = None, CAMERA
        if isinstance(scene, AvatarScene):
            assert speech is not None
            voice, maker = within(span, speech.samples), self._animator(work)
        return Shot(self.picture(work, index, scene), span.frames, width, height, params.seed, voice, maker)

    def _animator(self, work: Work) -> str:
        networks = work.models.digest(self.networks) if work.models is not None and self.networks else ""
        return f"{type(self._animate).__qualname__} {networks}"

    def _made(self, work: Work, shot: Shot, path: Path, bench: Bench) -> tuple[str, ...]:
        def make(path: Path) -> Sequence[str]:
            return pan(shot, path, bench) if shot.voice is None else speak(self._animate, work, shot, path, bench)

        name = part_name("clip", shot.decides(), path.suffix)
        notes = once(work.intermediates, name, path, make, shot.fits)
        with decoration("progress picture"):
            bench.show(thumbnail(next(frames_of(path))))
        return notes


def _path(work: Work, number: int) -> Path:
    return work.folder / f"scene-{number}.mp4"
