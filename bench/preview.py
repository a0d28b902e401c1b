"""Milliseconds per megapixel of the preview engine's whole plan, load to save."""

import tempfile
import time
from pathlib import Path
from statistics import median

from PIL import Image
from pydantic import BaseModel

from pipeline.engine import Engine
from pipeline.kinds import plan
from pipeline.params import FaceSwapParams, FindObjectsParams, InpaintParams, RestyleRoomParams, UpscaleParams
from pipeline.requests import Kind
from pipeline.stages import Work

SAMPLES = Path(__file__).parents[1] / "client" / "sample"
# The file of each role, scaled alike.
FILES: dict[Kind, dict[str, str]] = {
    Kind.RESTYLE_ROOM: {"photo": "living_room.jpg"},
    Kind.INPAINT: {"photo": "living_room.jpg", "mask": "living_room_mask.png"},
    Kind.FACE_SWAP: {"source": "face_source.jpg", "target": "face_target.jpg"},
    Kind.UPSCALE: {"photo": "living_room.jpg"},
    Kind.FIND_OBJECTS: {"photo": "living_room.jpg"},
}
PARAMS: dict[Kind, BaseModel] = {
    Kind.RESTYLE_ROOM: RestyleRoomParams(style="scandinavian"),
    Kind.INPAINT: InpaintParams(),
    Kind.FACE_SWAP: FaceSwapParams(consent=True),
    Kind.UPSCALE: UpscaleParams(scale=2),
    Kind.FIND_OBJECTS: FindObjectsParams(),
}
CASES = (
    *((Kind.RESTYLE_ROOM, megapixels) for megapixels in (0.5, 1.0, 12.0)),
    *(
        (kind, megapixels)
        for kind in (Kind.INPAINT, Kind.FACE_SWAP, Kind.UPSCALE, Kind.FIND_OBJECTS)
        for megapixels in (1.0, 12.0)
    ),
)


class Preview(BaseModel):
    """``stages`` are the median milliseconds of each."""

    kind: Kind
    megapixels: float
    milliseconds: float
    ms_per_megapixel: float
    stages: dict[str, float]


def measure(repeats: int) -> list[Preview]:
    """Each kind on its sample at several sizes, ``repeats`` times after one warm-up."""
    with tempfile.TemporaryDirectory() as folder:
        return [_measure(kind, megapixels, repeats, Path(folder)) for kind, megapixels in CASES]


def _measure(kind: Kind, megapixels: float, repeats: int, folder: Path) -> Preview:
    files = {role: _scaled(SAMPLES / name, megapixels, folder) for role, name in FILES[kind].items()}
    steps = [stage for stage, _ in plan(kind, Engine.PREVIEW).steps]
    runs: list[dict[str, float]] = []
    for _ in range(repeats + 1):
        work = Work(PARAMS[kind], files, folder)
        times: dict[str, float] = {}
        for stage in steps:
            work.enter(stage)
            start = time.perf_counter()
            stage.run(work)
            times[stage.name] = (time.perf_counter() - start) * 1000
        runs.append(times)
    stages = {name: round(median(run[name] for run in runs[1:]), 1) for name in runs[0]}
    total = median(sum(run.values()) for run in runs[1:])
    return Preview(
        kind=kind,
        megapixels=megapixels,
        milliseconds=round(total, 1),
        ms_per_megapixel=round(total / megapixels, 1),
        stages=stages,
    )


def _scaled(file: Path, megapixels: float, folder: Path) -> Path:
    """The picture at about so many megapixels."""
    target = folder / file.name
    with Image.open(file) as picture:
        scale = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
        size = (round(picture.width * scale), round(picture.height * scale))
        resampling = Image.Resampling.NEAREST if picture.mode in ("1", "L") else Image.Resampling.BICUBIC
        picture.resize(size, resampling).save(target, quality=95)
    return target
