"""``upscale`` on the models engine: four-times super-resolution in tiles, each reduced to the requested scale."""

from collections.abc import Callable, Iterator
from itertools import islice
from math import isqrt
from typing import Any

import numpy as np

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.params import Content, UpscaleParams
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import QUALITY, RESULT, SAVED
from pipeline.core.best_effort import best_effort
from pipeline.core.failures import translate_errors
from pipeline.core.networks import Network
from pipeline.core.stages import Artifact, Plan, Slot, Stage, StageContext
from pipeline.imaging.resize import PROGRESS_IMAGE_SIDE, downscaled
from pipeline.imaging.tiles import Tile, TileAssembler, tile_spans, tiles
from pipeline.imaging.upscaling import (
    PICTURE,
    RESULT_ALPHA,
    LoadPicture,
    MeasureResult,
    SavePicture,
    enlarged_alpha,
    enlarged_size,
)
from pipeline.models.interfaces import Upscaler
from pipeline.models.network_registry import ANIME_UPSCALER, PHOTO_UPSCALER

NETWORKS: dict[Content, Network[Upscaler]] = {Content.PHOTO: PHOTO_UPSCALER, Content.ANIME: ANIME_UPSCALER}
# Source pixels. A tile's context is a third of the overlap, 16 pixels; Real-ESRGAN's own tiles have 10. At 512 pixels
# the overlaps repeat a fifth of the work; larger tiles would save little.
OVERLAP = 48
MAX_TILE_SIDE, MIN_TILE_SIDE = 512, 64
GRID = 32  # tile sides are multiples of this
MAX_PROGRESS_IMAGES = 4
UNFINISHED_BRIGHTNESS = 0.4  # brightness of unfinished parts in progress images


class UpscaleByNetwork(Stage):
    """Enlarge the picture four times by the network for its content, and reduce each tile to the requested scale."""

    name = "enlarge"
    message = "Enlarging"
    slot = Slot.COMPUTE
    requires = (PICTURE,)
    provides = (RESULT, RESULT_ALPHA)
    networks = tuple(NETWORKS.values())

    def run(self, context: StageContext) -> None:
        """Enlarge the picture, with smaller tiles after running out of memory.

        Raises ``DarkroomError`` (``out_of_memory``) if the smallest tiles are too large, too.
        """
        picture, params = context[PICTURE], context.params_as(UpscaleParams)
        width, height = enlarged_size(picture.rgb, params.scale)
        context[RESULT_ALPHA] = enlarged_alpha(picture.alpha, width, height, context)
        result = np.empty((height, width, 3), np.uint8)
        side = MAX_TILE_SIDE
        while True:
            try:
                # ``translate_errors`` releases the attempt's memory before the next one.
                with (
                    translate_errors(self.name, context.network_provider),
                    context.use_networks(NETWORKS[params.content]) as networks,
                ):
                    upscaler = networks[NETWORKS[params.content]]
                    side = min(side, _side(upscaler.pixel_capacity()))
                    upscale_in_tiles(picture.rgb, result, upscaler, side, context)
                break
            except DarkroomError as error:
                if error.detail.code is not ErrorCode.OUT_OF_MEMORY or side <= MIN_TILE_SIDE:
                    raise
            side = max(side // 2, MIN_TILE_SIDE)
        context[RESULT] = result


class MeasureEnlarged(MeasureResult):
    """Score the result on the CPU, while the next job has the device."""

    slot = Slot.CPU


def upscale_in_tiles(picture: Rgb, result: Rgb, upscaler: Upscaler, side: int, context: StageContext) -> None:
    """Enlarge ``picture`` into ``result``, H×W×3 uint8 sRGB, in tiles of ``side`` pixels, in batches that fit memory.

    The result's sides are at most ``upscaler.factor`` times the picture's. Reports progress after each of the network's
    blocks, and some progress images.
    """
    overlap = min(OVERLAP, side // 2)
    rows, columns = (
        tile_spans(picture.shape[axis], result.shape[axis], side, overlap, upscaler.factor) for axis in (0, 1)
    )
    assembly = TileAssembler(result, rows, columns)
    total, done, reported = len(rows) * len(columns), 0, 0
    small = downscaled(picture, PROGRESS_IMAGE_SIDE)
    for batch in _batches(tiles(picture, rows, columns), max(upscaler.pixel_capacity() // side**2, 1)):
        on_step = _reporting(context, done, len(batch), total)
        for tile, enlarged in zip(batch, upscaler.upscale(batch, on_step), strict=True):
            assembly.add(tile, enlarged)
            done += 1
        if done * (MAX_PROGRESS_IMAGES + 1) // total > reported and done < total:
            reported = done * (MAX_PROGRESS_IMAGES + 1) // total
            with best_effort("progress picture"):
                context.report_progress_image(_progress_image(small, batch[-1], picture.shape))
    context.report(1.0)


def _side(capacity: int) -> int:
    return min(max(isqrt(max(capacity, 0)) // GRID * GRID, MIN_TILE_SIDE), MAX_TILE_SIDE)


def _batches(source_tiles: Iterator[Tile], size: int) -> Iterator[list[Tile]]:
    while batch := list(islice(source_tiles, size)):
        yield batch


def _reporting(context: StageContext, done: int, batch_size: int, total: int) -> Callable[[float], None]:
    message = f"Enlarging: part {done + 1} of {total}"
    return lambda fraction: context.report((done + batch_size * fraction) / total, message)


def _progress_image(small: Rgb, last: Tile, shape: tuple[int, ...]) -> Rgb:
    """Draw the progress image: the picture in small, darker where it is unfinished."""
    height, width = small.shape[:2]
    bottom = round(last.rows.source.stop / shape[0] * height)
    top = round(last.rows.source.start / shape[0] * height)
    finished = np.zeros((height, width, 1), np.bool_)
    finished[:top] = True
    finished[top:bottom, : round(last.columns.source.stop / shape[1] * width)] = True
    return np.where(finished, small, (small * UNFINISHED_BRIGHTNESS).astype(np.uint8))


def plan() -> Plan:
    """Build the plan."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadPicture(), 0.03),
        (UpscaleByNetwork(), 0.85),
        (MeasureEnlarged(), 0.02),
        (SavePicture(), 0.1),
    )
    results: tuple[Artifact[Any], ...] = (SAVED, QUALITY)
    return Plan(Kind.UPSCALE, Engine.MODELS, steps, results=results)
