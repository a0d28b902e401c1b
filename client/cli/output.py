"""Where results go: decided before any work, so that a wrong path costs nothing."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from client.picture import EXTENSIONS, extension
from client.results import numbered
from pipeline.results import Picture

HINT = "'--output' / '-o'"
FORMATS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png"}
_STEM_LENGTH = 40


@dataclass(frozen=True)
class Output:
    """A file that was asked for by name, or a folder in which ``stem`` will be free to take."""

    folder: Path
    stem: str
    file: Path | None = None

    def paths(self, pictures: Sequence[Picture]) -> list[Path]:
        """The file of each picture. What was asked for is replaced; a name of our own never replaces what is there.

        ``room_boho_2.jpg`` follows ``room_boho.jpg``, and ``fox-2.jpg`` is the second picture of ``fox.jpg``. A name
        asked for that says another type of picture than came out gives way to one that says the right one.
        """
        suffix = extension(pictures[0].content_type)
        if self.file is not None and not _belies(self.file, suffix):
            return _series(self.file, len(pictures))
        stem = self.stem if self.file is None else self.file.stem
        number = 1
        while any(
            path.exists()
            for path in _series(self.folder / f"{stem}{f'_{number}' if number > 1 else ''}{suffix}", len(pictures))
        ):
            number += 1
        return _series(self.folder / f"{stem}{f'_{number}' if number > 1 else ''}{suffix}", len(pictures))


def choose(asked: Path | None, stem: str, inputs: Iterable[Path] = ()) -> Output:
    """The output for a job on ``inputs``: as asked, else ``stem`` in the current directory.

    Raises ``typer.BadParameter`` for a folder that is not there or cannot be written, and for one of the inputs.
    """
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


def format_of(asked: Path | None, said: str | None) -> str | None:
    """The format that the name of the output asks for; None when it asks for none.

    ``said`` is what ``--format`` says. Raises ``typer.BadParameter`` where the two differ, and for a picture's
    extension that no result has.
    """
    if asked is None or asked.is_dir():
        return None
    suffix = asked.suffix.lower()
    if suffix in EXTENSIONS.values() and suffix not in FORMATS:
        raise typer.BadParameter(f"results are JPEG or PNG, not {suffix}", param_hint=HINT)
    wanted = FORMATS.get(suffix)
    if wanted is not None and said is not None and wanted != said:
        raise typer.BadParameter(f"{said} does not fit the name {asked.name!r} of the output", param_hint="'--format'")
    return wanted


def slug(words: str) -> str:
    """A prompt as the name of a file.

    >>> slug("A red fox, at night!")
    'a_red_fox_at_night'
    """
    return re.sub(r"\W+", "_", words.lower()).strip("_")[:_STEM_LENGTH].rstrip("_")


def _belies(file: Path, suffix: str) -> bool:
    """Whether the name says that the picture is of another type than ``suffix`` says."""
    said = file.suffix.lower()
    return said in {*EXTENSIONS.values(), *FORMATS} and said != suffix and FORMATS.get(said) != FORMATS.get(suffix)


def _series(first: Path, count: int) -> list[Path]:
    return [numbered(first, number) for number in range(1, count + 1)]
