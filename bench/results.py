"""Results file of the benchmark: the figures of every part, each with its date and machine."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, RootModel

from darkroom.client.output_files import replacing


class Failure(BaseModel):
    """Failure of the latest attempt to measure a part."""

    date: str
    error: str


class Entry(BaseModel):
    """Entry of one part. ``rows`` are of its last successful measurement; empty if there was none."""

    date: str = ""
    machine: str = ""
    quick: bool = False
    rows: list[dict[str, Any]] = []
    failure: Failure | None = None


class Results(RootModel[dict[str, Entry]]):
    """Entries by the full name of their part."""

    root: dict[str, Entry] = {}

    def save(self, path: Path) -> None:
        """Replace the file atomically."""
        write_atomically(path, self.model_dump_json(indent=2, exclude_defaults=True) + "\n")


def load(path: Path) -> Results:
    """Read the results file; no entries if there is none. Raises ``ValueError`` if it is not one."""
    return Results.model_validate_json(path.read_bytes()) if path.exists() else Results()


def write_atomically(path: Path, text: str) -> None:
    """Write UTF-8 text to ``path`` atomically: a reader, and a run that is killed, leave the old file or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(text.encode())
