"""Random weights in the real on-disk layouts, made offline: tiny ones for tests, full-size ones for benchmarks."""

import shutil
from collections.abc import Callable, Iterable
from enum import StrEnum
from importlib import import_module
from pathlib import Path

from pipeline.weights.catalog import Model, catalog
from pipeline.weights.store import WeightStore


class Scale(StrEnum):
    """Size of the weights: tiny, with enough layers for all code paths, or the real configuration."""

    TINY = "tiny"
    FULL = "full"


# Writes the files of ``model`` into a folder, as its repository has them.
Writer = Callable[[Path, Model, Scale], None]

_MODULES = (
    "bench.random_weights.perception",
    "bench.random_weights.diffusion",
    "bench.random_weights.faces",
    "bench.random_weights.super_resolution",
    "bench.random_weights.sdxl",
    "bench.random_weights.inpaint",
    "bench.random_weights.video",
)


def write_weights(folder: Path, scale: Scale, models: Iterable[str] | None = None) -> None:
    """Write random weights of the models (ids; None for all) into ``folder`` and record them as if fetched.

    Raises ``LookupError`` for a model whose role has no writer.
    """
    writers: dict[str, Writer] = {}
    for name in _MODULES:
        writers |= import_module(name).WRITERS
    store = WeightStore(folder)
    for model in catalog().values() if models is None else (catalog()[each] for each in models):
        target = folder / model.id
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        writers[model.role](target, model, scale)
        store.record(model, revision="random")
