"""Fake upscaler that repeats pixels, and a function that runs the upscale stage with it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import UpscaleParams
from darkroom.contract.results import ModelUsed
from pipeline.core.networks import LoadedNetworks, Network
from pipeline.core.stages import StageContext
from pipeline.imaging.tiles import Floats, Tile
from pipeline.plans import get_plan


class PixelRepeater:
    """Fake upscaler that repeats pixels. Raises out-of-memory for tiles of more than ``most`` pixels a side."""

    factor = 4

    def __init__(self, room: int = 10**9, most: int = 10**9) -> None:
        self._room, self._most = room, most
        self.sides: list[int] = []

    def pixel_capacity(self) -> int:
        return self._room

    def upscale(self, those: Sequence[Tile], on_step: Callable[[float], None]) -> Sequence[Floats]:
        self.sides.append(those[0].pixels.shape[0])
        if self.sides[-1] > self._most:
            raise MemoryError
        on_step(0.5)
        return [self._one(tile) for tile in those]

    def _one(self, tile: Tile) -> Floats:
        large = tile.pixels.repeat(4, 0).repeat(4, 1).astype(np.float32)
        assert isinstance(tile.rows.reduction, slice)
        assert isinstance(tile.columns.reduction, slice)
        return large[tile.rows.reduction, tile.columns.reduction]


class FakeNetworkProvider:
    """Network provider of the fakes."""

    long_side = 256

    def __init__(self, **networks: Any) -> None:
        self._networks = networks
        self.released = 0

    @contextmanager
    def use(self, *networks: Network[Any]) -> Iterator[LoadedNetworks]:
        yield LoadedNetworks({network: self._networks[network.name] for network in networks})

    def models_used(self, networks: Sequence[Network[Any]]) -> tuple[ModelUsed, ...]:
        return tuple(ModelUsed(id=network.name, revision="fake") for network in networks)

    def release_idle(self) -> None:
        self.released += 1

    def check_weights(self, networks: Sequence[Network[Any]]) -> None: ...

    def digest(self, _networks: Sequence[Network[Any]]) -> str:
        return ""


def run(picture: Path, models: Any, folder: Path, **options: Any) -> StageContext:
    """Return the context after all stages, run with their declarations enforced."""
    params = UpscaleParams.model_validate(options.pop("params", {"scale": 4}))
    context = StageContext(params, {"photo": picture}, folder, network_provider=models, **options)
    for stage, _ in get_plan(Kind.UPSCALE, Engine.MODELS).steps:
        context.enter_stage(stage)
        stage.run(context)
    context.enter_stage(None)
    return context
