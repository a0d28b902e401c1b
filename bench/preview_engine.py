"""Speed of the preview engine's whole plans, load to save, in milliseconds per megapixel."""

import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

from PIL import Image
from pydantic import BaseModel

from bench.context import Context
from bench.section import Section, slowest
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import (
    FaceSwapParams,
    FindObjectsParams,
    InpaintParams,
    RestyleRoomParams,
    UpscaleParams,
)
from pipeline.core.stages import StageContext
from pipeline.plans import get_plan

SAMPLES = Path(__file__).parents[1] / "infra" / "commands" / "samples"
# The file of each role, all scaled to the same size.
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
MEGAPIXELS: dict[Kind, tuple[float, ...]] = {
    Kind.RESTYLE_ROOM: (0.5, 1.0, 12.0),
    Kind.INPAINT: (1.0, 12.0),
    Kind.FACE_SWAP: (1.0, 12.0),
    Kind.UPSCALE: (1.0, 12.0),
    Kind.FIND_OBJECTS: (1.0, 12.0),
}


class PreviewTiming(BaseModel):
    """Timing of one kind and size. ``stages`` are the median milliseconds of each."""

    kind: Kind
    megapixels: float
    milliseconds: float
    ms_per_megapixel: float
    stages: dict[str, float]


def measure(context: Context, kind: Kind) -> list[PreviewTiming]:
    """Measure a kind on its sample at several sizes, each after one warm-up; only the smallest in a quick run."""
    sizes = MEGAPIXELS[kind][:1] if context.quick else MEGAPIXELS[kind]
    with tempfile.TemporaryDirectory() as folder:
        return [_measure(kind, megapixels, context.repeats, Path(folder)) for megapixels in sizes]


def _measure(kind: Kind, megapixels: float, repeats: int, folder: Path) -> PreviewTiming:
    files = {role: _scaled(SAMPLES / name, megapixels, folder) for role, name in FILES[kind].items()}
    steps = [stage for stage, _ in get_plan(kind, Engine.PREVIEW).steps]
    runs: list[dict[str, float]] = []
    for _ in range(repeats + 1):
        stage_context = StageContext(PARAMS[kind], files, folder)
        times: dict[str, float] = {}
        for stage in steps:
            stage_context.enter_stage(stage)
            start = time.perf_counter()
            stage.run(stage_context)
            times[stage.name] = (time.perf_counter() - start) * 1000
        runs.append(times)
    stages = {name: round(median(run[name] for run in runs[1:]), 1) for name in runs[0]}
    total = median(sum(run.values()) for run in runs[1:])
    return PreviewTiming(
        kind=kind,
        megapixels=megapixels,
        milliseconds=round(total, 1),
        ms_per_megapixel=round(total / megapixels, 1),
        stages=stages,
    )


def _scaled(file: Path, megapixels: float, folder: Path) -> Path:
    """Scale a picture to about so many megapixels."""
    target = folder / file.name
    with Image.open(file) as picture:
        scale = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
        size = (round(picture.width * scale), round(picture.height * scale))
        resampling = Image.Resampling.NEAREST if picture.mode in ("1", "L") else Image.Resampling.BICUBIC
        picture.resize(size, resampling).save(target, quality=95)
    return target


SECTION = Section(
    name="preview",
    about="The preview engine, load to save",
    row=PreviewTiming,
    heads=("Kind", "Megapixels", "ms", "ms per megapixel", "Slowest stages"),
    cells=lambda row: (
        *(row.kind, row.megapixels, f"{row.milliseconds:.0f}", f"{row.ms_per_megapixel:.0f}"),
        slowest(row.stages),
    ),
    parts={kind.value: partial(measure, kind=kind) for kind in MEGAPIXELS},
)
