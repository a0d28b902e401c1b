"""Speed of the preview engine's video plans, load to save, in seconds of work per second of video."""

import tempfile
import time
from functools import partial
from pathlib import Path

from pydantic import BaseModel

from bench.context import Context
from bench.section import Section, slowest
from darkroom.contract.avatars import avatars
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import Params
from darkroom.contract.video_params import RenderScenesParams, RenderVideoParams, Resolution
from pipeline.core.artifacts import SAVED, SavedVideo
from pipeline.core.stages import StageContext
from pipeline.decoding.client import decode_picture
from pipeline.imaging.codec import on_white
from pipeline.plans import get_plan
from pipeline.speech.espeak import EspeakSynthesiser
from pipeline.video.encoder import VideoWriter
from pipeline.video.ken_burns import resize_to_cover

SCRIPT = (
    "Good evening. This is a portrait that somebody rendered, and a voice that nobody has. "
    "It says three sentences, so that there is something to measure. Here is the last of them."
)
ROOM = Path(__file__).parents[1] / "infra" / "commands" / "samples" / "living_room.jpg"
FILES = {"avatar": avatars()["amara"].path, "host": avatars()["bruno"].path, "room": ROOM}
CASES: dict[str, tuple[Kind, Params]] = {
    "tall": (Kind.RENDER_VIDEO, RenderVideoParams.model_validate({"script": SCRIPT, "subtitles": "both"})),
    "wide": (
        Kind.RENDER_VIDEO,
        RenderVideoParams.model_validate(
            {"script": SCRIPT, "subtitles": "both", "aspect": "16:9", "resolution": "1080p"}
        ),
    ),
    "scenes": (
        Kind.RENDER_SCENES,
        RenderScenesParams.model_validate(
            {
                "scenes": [
                    {"type": "image", "picture": "room", "script": "This is the room."},
                    {"type": "avatar", "avatar": "host", "script": "And I have never been in it."},
                    {"type": "image", "picture": "room", "seconds": 5},
                ],
                "subtitles": "both",
                "aspect": "16:9",
            }
        ),
    ),
}


class VideoTiming(BaseModel):
    """Timing of one case, in seconds of work per second of video: ``stages`` each, ``encoding`` for the frames alone.

    The ``encoding`` baseline is the same encoder on a picture that never changes, in the same run.
    """

    kind: Kind
    size: str
    seconds: float
    per_second: float
    encoding: float
    stages: dict[str, float]

    @property
    def ratio(self) -> float:
        """Return the total over the time of encoding alone."""
        return self.per_second / self.encoding


def measure(context: Context, case: str) -> list[VideoTiming]:
    """Measure a case once, after a second of video to warm up; in a low resolution for a quick run."""
    kind, params = CASES[case]
    if context.quick:
        params = params.model_copy(update={"resolution": Resolution.P360})
    _run_stages(Kind.RENDER_VIDEO, RenderVideoParams(script="Hello.", resolution=Resolution.P360))
    return [_measure(kind, params)]


def _measure(kind: Kind, params: Params) -> VideoTiming:
    times, video = _run_stages(kind, params)
    return VideoTiming(
        kind=kind,
        size=f"{video.width}×{video.height}",
        seconds=round(video.seconds, 2),
        per_second=round(sum(times.values()) / video.seconds, 3),
        encoding=round(_encoding_seconds(video) / video.seconds, 3),
        stages={name: round(seconds / video.seconds, 3) for name, seconds in times.items()},
    )


def _run_stages(kind: Kind, params: Params) -> tuple[dict[str, float], SavedVideo]:
    with tempfile.TemporaryDirectory() as folder:
        stage_context = StageContext(params, FILES, Path(folder), speaker=EspeakSynthesiser())
        times: dict[str, float] = {}
        for stage, _ in get_plan(kind, Engine.PREVIEW).steps:
            stage_context.enter_stage(stage)
            start = time.perf_counter()
            stage.run(stage_context)
            times[stage.name] = time.perf_counter() - start
        stage_context.enter_stage(None)
        return times, next(each for each in stage_context[SAVED] if isinstance(each, SavedVideo))


def _encoding_seconds(video: SavedVideo) -> float:
    frame = resize_to_cover(on_white(decode_picture(FILES["avatar"], lambda: None)), video.width, video.height, None)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        with VideoWriter(Path(folder) / "still.mp4", video.width, video.height) as writer:
            for _ in range(video.frames):
                writer.write(frame)
        return time.perf_counter() - start


SECTION = Section(
    name="video",
    about="Videos by the preview engine: seconds of work for a second of video. Encoding alone is the same encoder on "
    "a picture that never changes, in the same run",
    row=VideoTiming,
    heads=("Kind", "Size", "Seconds", "Work per second", "Times encoding alone", "Slowest stages"),
    cells=lambda row: (
        *(row.kind, row.size, f"{row.seconds:.1f}", f"{row.per_second:.2f}", f"{row.ratio:.1f}"),
        slowest(row.stages, digits=2),
    ),
    parts={case: partial(measure, case=case) for case in CASES},
)
