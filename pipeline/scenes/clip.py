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
from darkroom.contract.video_params import RenderScenesParams, RenderVideoParams, Scene
from pipeline.core.arrays import Rgb
from pipeline.core.stages import Stage, StageContext
from pipeline.imaging.codec import decode, on_white
from pipeline.scenes.intermediate_files import file_digest, samples_digest
from pipeline.scenes.parallel_scenes import SceneContext, prefix_error
from pipeline.scenes.timeline import SceneSpan
from pipeline.speech.types import SAMPLE_RATE, Samples, Speech
from pipeline.video import FPS
from pipeline.video.encoder import encode_video
from pipeline.video.files import cropped_frames
from pipeline.video.ken_burns import camera_move_frames
from pipeline.video.talking_portrait import CLIP, PORTRAIT, SPEECH

ANIMATED = 0.85  # share of a portrait's time for animation; the rest crops the clip to the video's size


@dataclass(frozen=True)
class ClipSpec:
    """Specification of a scene's clip: ``frames`` frames, ``width`` × ``height``, of the picture in a file.

    ``voice`` drives the lips and is as long as the clip: mono float32 at ``SAMPLE_RATE``, or None without lip movement.
    ``renderer`` names the renderer and changes when it would render another clip. Nothing else decides the clip, so its
    position in the video does not matter.
    """

    picture: Path
    frames: int
    width: int
    height: int
    seed: int
    voice: Samples | None
    renderer: str

    @property
    def own_seed(self) -> int:
        """Seed of this picture, so that the camera moves differently over each."""
        return (self.seed + int(self._picture_digest[:8], 16)) % 2**32

    def cache_key(self) -> dict[str, object]:
        """Return the specification as JSON values."""
        return {
            "picture": self._picture_digest,
            "size": [self.frames, self.width, self.height],
            "seed": self.seed,
            "voice": None if self.voice is None else samples_digest(self.voice),
            "maker": self.renderer,
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


def render_pan_clip(shot: ClipSpec, path: Path, bench: SceneContext) -> tuple[str, ...]:
    """Write the clip of a picture under a moving camera. Returns no notes."""
    with bench.acquire(bench.shared.cpu_slots):
        frames = camera_move_frames(
            on_white(decode(shot.picture)), shot.width, shot.height, shot.frames, seed=shot.own_seed
        )
        _write(frames, shot, path, bench, 0.0)
    return ()


def render_talking_clip(
    animate: Stage, work: StageContext, shot: ClipSpec, path: Path, bench: SceneContext
) -> Sequence[str]:
    """Write the clip of a talking portrait; returns notes for the user.

    ``animate`` is the stage of ``render_video`` that renders a clip. One with networks waits for the device. Raises
    what the stage raises.
    """
    assert shot.voice is not None
    params = work.params_as(RenderScenesParams)
    wanted = RenderVideoParams(aspect=params.aspect, resolution=params.resolution, seed=shot.own_seed)
    folder = path.with_suffix("")
    folder.mkdir()
    share = ANIMATED if animate.networks else 1.0
    inner = StageContext(
        wanted,
        {},
        folder,
        lambda fraction, _message: bench.report(share * fraction),
        network_provider=work.network_provider,
        report_progress_image=bench.show_progress_image,
    )
    with bench.acquire(bench.shared.device_slot if animate.networks else bench.shared.cpu_slots):
        inner[PORTRAIT], inner[SPEECH] = on_white(decode(shot.picture)), Speech(shot.voice, ())
        inner.enter_stage(animate)
        animate.run(inner)
        inner.enter_stage(None)
        inner.release(PORTRAIT)
    clip = inner[CLIP]
    if shot.matches(clip.path):
        clip.path.replace(path)
    else:
        with (
            bench.acquire(bench.shared.cpu_slots),
            closing(cropped_frames(clip, shot.width, shot.height, shot.frames)) as frames,
        ):
            _write(frames, shot, path, bench, share)
    shutil.rmtree(folder, ignore_errors=True)
    return inner.notes


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
    for number, those in enumerate(notes, 1):
        for note in dict.fromkeys(those):
            numbers.setdefault(note, []).append(str(number))
    return tuple(f"Scene{'s' * (len(of) > 1)} {', '.join(of)}: {note}" for note, of in numbers.items())


def _write(frames: Iterator[Rgb], shot: ClipSpec, path: Path, bench: SceneContext, before: float) -> None:
    def report(count: int) -> None:
        bench.report(before + (1 - before) * count / shot.frames)

    encode_video(path, frames, None, shot.width, shot.height, intermediate=True, on_frame=report)
