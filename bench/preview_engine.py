"""Speed of the preview engine's whole plans, load to save, against OpenCV alone on as many pixels."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from PIL import Image
from pydantic import BaseModel

from bench.context import Context
from bench.section import Section, slowest
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import KINDS, Kind
from darkroom.contract.requests import params_model
from pipeline.core.stages import StageContext
from pipeline.plans import get_plan

SAMPLES = Path(__file__).parents[1] / "infra" / "commands" / "samples"
MEGAPIXELS = (1.0, 12.0)
# Params other than those of the demo: it enlarges a reduced sample fourfold.
PARAMS: dict[Kind, dict[str, Any]] = {Kind.UPSCALE: {"scale": 2}}
KINDS_MEASURED = tuple(
    kind
    for kind, definition in KINDS.items()
    if definition.demo is not None and not definition.makes_video  # videos have a section of their own
)


class PreviewTiming(BaseModel):
    """Timing of one kind and size. ``stages`` are the median milliseconds of each.

    ``baseline_ms`` is OpenCV alone on a picture of this size, measured in turn with the plan. ``floors`` are the
    median milliseconds of single operations on it, each by one call of a library.
    """

    kind: Kind
    megapixels: float
    milliseconds: float
    ms_per_megapixel: float
    baseline_ms: float | None = None  # not in older results
    floors: dict[str, float] = {}  # not in older results
    stages: dict[str, float]


def measure(context: Context, kind: Kind) -> list[PreviewTiming]:
    """Measure a kind on its sample at several sizes, each after one warm-up; only the smallest in a quick run."""
    sizes = MEGAPIXELS[:1] if context.quick else MEGAPIXELS
    with tempfile.TemporaryDirectory() as folder:
        return [_measure(kind, megapixels, context.repeats, Path(folder)) for megapixels in sizes]


def _measure(kind: Kind, megapixels: float, repeats: int, folder: Path) -> PreviewTiming:
    demo = KINDS[kind].demo
    assert demo is not None
    files = {
        role: scaled(SAMPLES / name, megapixels, folder) for role, name in demo.files.items() if isinstance(name, str)
    }
    params = params_model(kind).model_validate({**demo.params, **PARAMS.get(kind, {})})
    steps = [stage for stage, _ in get_plan(kind, Engine.PREVIEW).steps]
    runs: list[dict[str, float]] = []
    baselines: list[float] = []
    floors: list[dict[str, float]] = []
    photo = next(iter(files.values())).read_bytes()
    for _ in range(repeats + 1):
        start = time.perf_counter()
        opencv_alone(photo)
        baselines.append((time.perf_counter() - start) * 1000)
        floors.append(_measure_floors(photo))
        stage_context = StageContext(params, files, folder)
        times: dict[str, float] = {}
        for stage in steps:
            stage_context.enter_stage(stage)
            start = time.perf_counter()
            stage.run(stage_context)
            times[stage.name] = (time.perf_counter() - start) * 1000
        runs.append(times)
    total = median(sum(run.values()) for run in runs[1:])
    return PreviewTiming(
        kind=kind,
        megapixels=megapixels,
        milliseconds=round(total, 1),
        ms_per_megapixel=round(total / megapixels, 1),
        baseline_ms=round(median(baselines[1:]), 1),
        floors=_medians(floors[1:]),
        stages=_medians(runs[1:]),
    )


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(median(run[name] for run in runs), 1) for name in runs[0]}


def _measure_floors(photo: bytes) -> dict[str, float]:
    """Measure what no plan can do without, in milliseconds: each operation by one call of a library."""
    picture = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    image = Image.fromarray(picture)
    size = (image.width, image.height)
    tilt = np.array([[1, 0.02, 0], [0.01, 1, 0], [0, 1e-5, 1]])
    operations: dict[str, Callable[[], object]] = {
        "decode": lambda: cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR),
        "encode": lambda: cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95]),
        "lanczos": lambda: image.resize((2 * size[0], 2 * size[1]), Image.Resampling.LANCZOS),
        "warp": lambda: cv2.warpPerspective(picture, tilt, size),
    }
    floors = {}
    for name, operation in operations.items():
        start = time.perf_counter()
        operation()
        floors[name] = (time.perf_counter() - start) * 1000
    return floors


def opencv_alone(photo: bytes) -> bytes:
    """Decode a JPEG, convert it to Lab and back, blur it, halve and double it, and encode it again."""
    picture = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    lab = cv2.cvtColor(picture, cv2.COLOR_BGR2LAB)
    blurred = cv2.GaussianBlur(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR), (0, 0), 2)
    height, width = blurred.shape[:2]
    half = cv2.resize(blurred, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    double = cv2.resize(half, (width, height), interpolation=cv2.INTER_LANCZOS4)
    _, encoded = cv2.imencode(".jpg", double, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return encoded.tobytes()


def scaled(file: Path, megapixels: float, folder: Path) -> Path:
    """Scale a picture to about so many megapixels."""
    target = folder / file.name
    with Image.open(file) as picture:
        scale = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
        size = (round(picture.width * scale), round(picture.height * scale))
        resampling = Image.Resampling.NEAREST if picture.mode in ("1", "L") else Image.Resampling.BICUBIC
        picture.resize(size, resampling).save(target, quality=95)
    return target


def _cells(row: PreviewTiming) -> tuple[object, ...]:
    ratio = "" if row.baseline_ms is None else f"{row.milliseconds / row.baseline_ms:.1f}"
    return (
        *(row.kind, row.megapixels, f"{row.milliseconds:.0f}", f"{row.ms_per_megapixel:.0f}", ratio),
        slowest(row.stages),
        ", ".join(f"{name} {milliseconds:.0f}" for name, milliseconds in row.floors.items()),
    )


SECTION = Section(
    name="preview",
    about="The preview engine, load to save. OpenCV alone is the baseline, measured in turn on a picture of the same "
    "size: decode, to Lab and back, blur, halve and double, encode. Floors are single operations on it, measured in "
    "turn, too: decoding and encoding a JPEG, doubling its sides by Pillow's Lanczos, a perspective warp",
    row=PreviewTiming,
    heads=("Kind", "Megapixels", "ms", "ms per megapixel", "Times OpenCV alone", "Slowest stages", "Floors, ms"),
    cells=_cells,
    parts={kind.value: partial(measure, kind=kind) for kind in KINDS_MEASURED},
)
