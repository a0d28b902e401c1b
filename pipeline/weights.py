"""Weights on disk: a folder for each model, and a manifest of what was fetched."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.catalog import Model


@dataclass(frozen=True)
class Weights:
    """One model's files: ``folder / path`` for each path of ``model.files``, laid out as in its repository."""

    model: Model
    folder: Path
    revision: str
