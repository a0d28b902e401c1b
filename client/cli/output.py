"""Where a result goes: decided before any work, so that a wrong path costs nothing."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import typer

from client.picture import EXTENSIONS
from pipeline.results import Picture

HINT = "'--output' / '-o'"


@dataclass(frozen=True)
class Output:
    """A file that was asked for by name, or a folder in which ``stem`` will be free to take."""

    folder: Path
    stem: str
    file: Path | None = None

    def path(self, picture: Picture) -> Path:
        """The file to write. A name of our own never replaces what is there: ``room_boho_2.jpg`` follows."""
        if self.file is not None:
            return self.file
        extension = EXTENSIONS.get(picture.content_type, ".bin")
        number = 1
        while (path := self.folder / f"{self.stem}{f'_{number}' if number > 1 else ''}{extension}").exists():
            number += 1
        return path


def choose(asked: Path | None, inputs: Iterable[Path], label: str) -> Output:
    """The output for a job on ``inputs``: as asked, else ``<first stem>_<label>`` in the current directory.

    Raises ``typer.BadParameter`` for a folder that is not there or cannot be written, and for one of the inputs.
    """
    inputs = list(inputs)
    stem = f"{inputs[0].stem}_{label}"
    folder = asked if asked is not None and asked.is_dir() else (asked or Path("x")).parent
    if not folder.is_dir():
        raise typer.BadParameter(f"the folder {str(folder)!r} does not exist", param_hint=HINT)
    if not os.access(folder, os.W_OK):
        raise typer.BadParameter(f"the folder {str(folder)!r} cannot be written", param_hint=HINT)
    if asked is None or asked.is_dir():
        return Output(folder, stem)
    if any(asked.exists() and asked.samefile(each) for each in inputs):
        raise typer.BadParameter(f"{str(asked)!r} is the input; it would be overwritten", param_hint=HINT)
    return Output(folder, stem, asked)
