"""``upscale`` on the models engine: a network enlarges the picture four times, tile by tile, whatever the scale."""

from collections.abc import Callable, Iterator
from itertools import islice
from math import isqrt
from typing import Any

import numpy as np

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import Content, UpscaleParams
from darkroom.contract.requests import Kind
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import QUALITY, RESULT, SAVED
from pipeline.core.best_effort import decoration
from pipeline.core.failures import translating
from pipeline.core.networks import Network
from pipeline.core.stages import Artifact, Plan, Slot, Stage, Work
from pipeline.imaging.resize import LOOK_SIDE, reduced
from pipeline.imaging.tiles import Assembly, Tile, parts, tiles
from pipeline.imaging.upscaling import (
    PICTURE,
    RESULT_ALPHA,
    LoadPicture,
    MeasureResult,
    SavePicture,
    enlarged_alpha,
    enlarged_size,
)
from pipeline.models.interfaces import Enlarger
from pipeline.models.network_registry import ENLARGER_ANIME, ENLARGER_PHOTO

NETWORKS: dict[Content, Network[Enlarger]] = {Content.PHOTO: ENLARGER_PHOTO, Content.ANIME: ENLARGER_ANIME}
# Pixels of the picture. What a tile has for surroundings is a third of the overlap, sixteen pixels: Real-ESRGAN's own
# tiles have ten. Larger tiles than the largest repeat little less of the work: a fifth.
OVERLAP = 48
LARGEST, SMALLEST = 512, 64
GRID = 32  # tiles have multiples of this
LOOKS = 4
UNMADE = 0.4  # how bright a look shows what is not made yet


class EnlargeByNetwork(Stage):
    """Enlarge the picture four times by the network for its content, and reduce each tile to the scale asked for."""

    name = "enlarge"
    message = "Enlarging"
    slot = Slot.COMPUTE
    requires = (PICTURE,)
    provides = (RESULT, RESULT_ALPHA)
    networks = tuple(NETWORKS.values())

    def run(self, work: Work) -> None:
        """Raises ``DarkroomError`` (``out_of_memory``) when the smallest tiles were too large as well."""
        picture, params = work[PICTURE], work.params_as(UpscaleParams)
        width, height = enlarged_size(picture.rgb, params.scale)
        work[RESULT_ALPHA] = enlarged_alpha(picture.alpha, width, height, work)
        result = np.empty((height, width, 3), np.uint8)
        side = LARGEST
        while True:
            try:
                # Whatever the attempt took is given back before anything else is tried.
                with translating(self.name, work.models), work.use(NETWORKS[params.content]) as held:
                    enlarger = held[NETWORKS[params.content]]
                    side = min(side, _side(enlarger.room()))
                    enlarge(picture.rgb, result, enlarger, side, work)
                break
            except DarkroomError as error:
                if error.detail.code is not ErrorCode.OUT_OF_MEMORY or side <= SMALLEST:
                    raise
            side = max(side // 2, SMALLEST)
        work[RESULT] = result


class MeasureEnlarged(MeasureResult):
    """Beside the next job, which has the device."""

    slot = Slot.CPU


def enlarge(picture: Rgb, result: Rgb, enlarger: Enlarger, side: int, work: Work) -> None:
    """Fill ``result``, H×W×3 uint8 sRGB, with the picture, in tiles of ``side`` pixels, as many at once as fit.

    The sides of the result are those of the picture times ``enlarger.factor`` or less. Reports each of the network's
    blocks, and shows some looks.
    """
    overlap = min(OVERLAP, side // 2)
    rows, columns = (parts(picture.shape[axis], result.shape[axis], side, overlap, enlarger.factor) for axis in (0, 1))
    assembly = Assembly(result, rows, columns)
    total, done, looks = len(rows) * len(columns), 0, 0
    small = reduced(picture, LOOK_SIDE)
    for batch in _batches(tiles(picture, rows, columns), max(enlarger.room() // side**2, 1)):
        on_step = _reporting(work, done, len(batch), total)
        for tile, enlarged in zip(batch, enlarger.enlarge(batch, on_step), strict=True):
            assembly.add(tile, enlarged)
            done += 1
        if done * (LOOKS + 1) // total > looks and done < total:
            looks = done * (LOOKS + 1) // total
            with decoration("progress picture"):
                work.show(_shaded(small, batch[-1], picture.shape))
    work.report(1.0)


def _side(room: int) -> int:
    return min(max(isqrt(max(room, 0)) // GRID * GRID, SMALLEST), LARGEST)


def _batches(those: Iterator[Tile], size: int) -> Iterator[list[Tile]]:
    while batch := list(islice(those, size)):
        yield batch


def _reporting(work: Work, done: int, now: int, total: int) -> Callable[[float], None]:
    message = f"Enlarging: part {done + 1} of {total}"
    return lambda fraction: work.report((done + now * fraction) / total, message)


def _shaded(small: Rgb, last: Tile, shape: tuple[int, ...]) -> Rgb:
    """The picture in small, darker where it is still to be enlarged."""
    height, width = small.shape[:2]
    bottom = round(last.rows.source.stop / shape[0] * height)
    top = round(last.rows.source.start / shape[0] * height)
    made = np.zeros((height, width, 1), np.bool_)
    made[:top] = True
    made[top:bottom, : round(last.columns.source.stop / shape[1] * width)] = True
    return np.where(made, small, (small * UNMADE).astype(np.uint8))


def plan() -> Plan:
    """The stages, with the share of the time that each takes."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadPicture(), 0.03),
        (EnlargeByNetwork(), 0.85),
        (MeasureEnlarged(), 0.02),
        (SavePicture(), 0.1),
    )
    results: tuple[Artifact[Any], ...] = (SAVED, QUALITY)
    return Plan(Kind.UPSCALE, Engine.MODELS, steps, results=results)
