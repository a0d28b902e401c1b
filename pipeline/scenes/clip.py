"""Clips of single scenes: their specification, rendering, labels and notes."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import av
import numpy as np

from darkroom.contract.errors import DarkroomError
from darkroom.contract.scenes import Scene
from darkroom.contract.video_params import RenderScenesParams, RenderVideoParams
from pipeline.core.stages import Stage, StageContext
from pipeline.decoding.client import decode_picture
from pipeline.imaging.codec import on_white
from pipeline.scenes.intermediate_files import file_digest, samples_digest
from pipeline.scenes.parallel_scenes import SceneContext, prefix_error
from pipeline.scenes.timeline import SceneSpan
from pipeline.speech.types import SAMPLE_RATE, Samples, Speech
from pipeline.video import FPS
from pipeline.video.clip import Clip, ClipFile, RenderedClip
from pipeline.video.encoder import encode_video
from pipeline.video.files import cropped_frames
from pipeline.video.ken_burns import plan_camera_move
from pipeline.video.talking_portrait import CLIP, PORTRAIT, SPEECH

ANIMATION_SHARE = 0.85  # share of a portrait's time for animation; the rest crops a file to the video's size


@dataclass(frozen=True)
class ClipSpec:
    """Specification of a scene's clip: ``frames`` frames, ``width`` × ``height``, of the picture in a file.

    ``voice`` drives the lips and is as long as the clip: mono float32 at ``SAMPLE_RATE``, or None without lip movement.
    Nothing else decides the clip but its renderer, so its position in the video does not matter.
    """

    picture: Path
    frames: int
    width: int
    height: int
    seed: int
    voice: Samples | None

    @property
    def own_seed(self) -> int:
        """Seed of this picture, so that the camera moves differently over each."""
        return (self.seed + int(self._picture_digest[:8], 16)) % 2**32

    def cache_key(self, renderer: str) -> dict[str, object]:
        """Return the specification as JSON values. ``renderer`` changes when it would render another clip."""
        return {
            "picture": self._picture_digest,
            "size": [self.frames, self.width, self.height],
            "seed": self.seed,
            "voice": None if self.voice is None else samples_digest(self.voice),
            "maker": renderer,
        }

    @cached_property
    def _picture_digest(self) -> str:
        return file_digest(self.picture)

    def matches(self, path: Path) -> bool:
        """Return True if a file is a whole video of the right size and length; frames are counted, not decoded."""
        try:
            with av.open(str(path)) as container:
                video = container.streams.video[0]
                frames = sum(1 for packet in container.demux(video) if packet.size)
        except (av.FFmpegError, IndexError, ValueError):
            return False
        return (video.width, video.height, frames) == (self.width, self.height, self.frames)


def plan_pan_clip(spec: ClipSpec, scene_context: SceneContext) -> Clip:
    """Return the clip of a picture under a moving camera, whose frames are rendered while they are read."""
    with scene_context.acquire(scene_context.shared.cpu_slots):
        picture = on_white(decode_picture(spec.picture, scene_context.check))
        move = plan_camera_move(picture, spec.width, spec.height, spec.frames, seed=spec.own_seed)
    return RenderedClip(move.render)


def animated_clip(
    animate: Stage, context: StageContext, spec: ClipSpec, folder: Path, scene_context: SceneContext
) -> tuple[Clip, Sequence[str]]:
    """Return the clip of a talking portrait and notes for the user; the clip may have another size and length.

    ``animate`` is the stage of ``render_video`` that renders a clip. One with networks waits for the device. Files are
    written into ``folder``. Raises what the stage raises.
    """
    assert spec.voice is not None
    params = context.params_as(RenderScenesParams)
    portrait_params = RenderVideoParams(aspect=params.aspect, resolution=params.resolution, seed=spec.own_seed)
    inner_context = StageContext(
        portrait_params,
        {},
        folder,
        lambda fraction, _message: scene_context.report(ANIMATION_SHARE * fraction),
        network_provider=context.network_provider,
        report_progress_image=scene_context.show_progress_image,
    )
    with scene_context.acquire(
        scene_context.shared.device_slot if animate.networks else scene_context.shared.cpu_slots
    ):
        inner_context[PORTRAIT] = on_white(decode_picture(spec.picture, scene_context.check))
        inner_context[SPEECH] = Speech(spec.voice, ())
        inner_context.enter_stage(animate)
        animate.run(inner_context)
        inner_context.enter_stage(None)
        inner_context.release(PORTRAIT)
    return inner_context[CLIP], inner_context.notes


def write_talking_clip(
    animate: Stage, context: StageContext, spec: ClipSpec, path: Path, scene_context: SceneContext
) -> Sequence[str]:
    """Write the clip of a talking portrait, of the scene's size and length; returns notes for the user.

    Raises what ``animate`` raises, see ``animated_clip``.
    """

    def report(count: int) -> None:
        scene_context.report(ANIMATION_SHARE + (1 - ANIMATION_SHARE) * count / spec.frames)

    folder = path.with_suffix("")
    folder.mkdir()
    clip, notes = animated_clip(animate, context, spec, folder, scene_context)
    if isinstance(clip, ClipFile) and spec.matches(clip.path):
        clip.path.replace(path)
    else:
        with (
            scene_context.acquire(scene_context.shared.cpu_slots),
            closing(cropped_frames(clip, spec.width, spec.height, spec.frames)) as frames,
        ):
            encode_video(path, frames, None, spec.width, spec.height, intermediate=True, on_frame=report)
    shutil.rmtree(folder, ignore_errors=True)
    return notes


def pad_voice(span: SceneSpan, samples: Samples) -> Samples:
    """Pad a scene's voice with silence to the length of the scene."""
    result = np.zeros(span.frames * SAMPLE_RATE // FPS, np.float32)
    start = span.lead_frames * SAMPLE_RATE // FPS
    result[start : start + len(samples)] = samples
    return result


def scene_label(number: int, scene: Scene) -> str:
    """Return the label of a scene for messages; ``number`` counts from 1."""
    return f"Scene {number} ({scene.type})"


@contextmanager
def label_scene_errors(number: int, scene: Scene) -> Iterator[None]:
    """Add the scene's label to every ``DarkroomError`` raised in the block."""
    try:
        yield
    except DarkroomError as error:
        raise prefix_error(scene_label(number, scene), error) from error


def merge_notes(notes: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Merge the notes of all scenes, in their order, stating notes that several scenes share once.

    >>> merge_notes([["It is dark."], [], ["It is dark."]])
    ('Scenes 1, 3: It is dark.',)
    """
    numbers: dict[str, list[str]] = {}
    for number, scene_notes in enumerate(notes, 1):
        for note in dict.fromkeys(scene_notes):
            numbers.setdefault(note, []).append(str(number))
    return tuple(
        f"Scene{'s' * (len(scene_numbers) > 1)} {', '.join(scene_numbers)}: {note}"
        for note, scene_numbers in numbers.items()
    )
