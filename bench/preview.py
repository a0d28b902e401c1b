"""Milliseconds per megapixel of the preview engine's whole plan, load to save."""

import tempfile
import time
from pathlib import Path
from statistics import median

from PIL import Image
from pydantic import BaseModel

from pipeline.kinds import plan
from pipeline.params import RestyleRoomParams, UpscaleParams
from pipeline.requests import Engine, Kind
from pipeline.stages import Work

SAMPLE = Path(__file__).parents[1] / "client" / "sample" / "living_room.jpg"


class Preview(BaseModel):
    """``stages`` are the median milliseconds of each."""

    kind: Kind
    megapixels: float
    milliseconds: float
    ms_per_megapixel: float
    stages: dict[str, float]


def measure(repeats: int) -> list[Preview]:
    """The sample photo at several sizes, each ``repeats`` times after one warm-up."""
    cases = [(Kind.RESTYLE_ROOM, 0.5), (Kind.RESTYLE_ROOM, 1.0), (Kind.RESTYLE_ROOM, 12.0), (Kind.UPSCALE, 1.0)]
    with tempfile.TemporaryDirectory() as folder:
        return [_measure(kind, megapixels, repeats, Path(folder)) for kind, megapixels in cases]


def _measure(kind: Kind, megapixels: float, repeats: int, folder: Path) -> Preview:
    photo = folder / "photo.jpg"
    with Image.open(SAMPLE) as sample:
        scale = (megapixels * 1e6 / (sample.width * sample.height)) ** 0.5
        sample.resize((round(sample.width * scale), round(sample.height * scale))).save(photo, quality=95)
    params = RestyleRoomParams(style="scandinavian") if kind is Kind.RESTYLE_ROOM else UpscaleParams(scale=2)
    steps = [stage for stage, _ in plan(kind, Engine.PREVIEW).steps]
    runs: list[dict[str, float]] = []
    for _ in range(repeats + 1):
        work = Work(params, {"photo": photo}, folder)
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
