"""Cost of the decoder process: uploads decoded in it, against the same decoder in the worker's own process."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from PIL import Image
from pydantic import BaseModel

from bench.context import Context
from bench.section import Section
from pipeline.decoding.client import decode_picture
from pipeline.decoding.picture_decoder import decode_picture_here
from pipeline.decoding.pool import DecoderPool

SAMPLE = Path(__file__).parents[1] / "infra" / "commands" / "samples" / "living_room.jpg"
SIDES = {"1MP": 1000, "49MP": 7000}


class DecodingTiming(BaseModel):
    """Median milliseconds to decode a square JPEG, warm: in the decoder process and in the worker's own.

    ``cold_ms`` includes the start of the process, as after one was ended.
    """

    megapixels: int
    child_ms: float
    in_process_ms: float
    cold_ms: float

    @property
    def ratio(self) -> float:
        """Return the child's time over that of the worker's own process."""
        return self.child_ms / self.in_process_ms


def measure(context: Context, size: str) -> list[DecodingTiming]:
    """Measure a size, both ways in turn, each after a warm-up."""
    side = SIDES[size]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        with Image.open(SAMPLE) as sample:
            sample.resize((side, side)).save(path, quality=90)
        pool = DecoderPool()
        try:
            return [_measure(path, side * side // 1_000_000, context.repeats, pool)]
        finally:
            pool.close()


def _measure(path: Path, megapixels: int, repeats: int, pool: DecoderPool) -> DecodingTiming:
    child, own, cold = [], [], []
    for _ in range(repeats + 1):
        child.append(_milliseconds(lambda: decode_picture(path, _go_on, decoders=pool)))
        own.append(_milliseconds(lambda: decode_picture_here(path)))
    for _ in range(repeats):
        fresh = DecoderPool()
        cold.append(_milliseconds(lambda fresh=fresh: decode_picture(path, _go_on, decoders=fresh)))  # type: ignore[misc]
        fresh.close()
    return DecodingTiming(
        megapixels=megapixels,
        child_ms=round(median(child[1:]), 1),
        in_process_ms=round(median(own[1:]), 1),
        cold_ms=round(median(cold), 1),
    )


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def _go_on() -> None:
    """Check of a job that nobody cancels."""


SECTION = Section(
    name="decoding",
    about="Decoding of an uploaded JPEG in the decoder process (milliseconds). The same decoder in the worker's own "
    "process is the baseline, measured in turn. A cold one is started for the file",
    row=DecodingTiming,
    heads=("Megapixels", "Decoder process", "In the worker", "Ratio", "Cold"),
    cells=lambda row: (
        *(row.megapixels, f"{row.child_ms:.0f}", f"{row.in_process_ms:.0f}", f"{row.ratio:.2f}", f"{row.cold_ms:.0f}"),
    ),
    parts={size: partial(measure, size=size) for size in SIDES},
)
