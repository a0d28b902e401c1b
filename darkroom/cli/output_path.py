"""Output paths: chosen before any work, so that an invalid path fails early."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from darkroom.client.media import EXTENSIONS, extension
from darkroom.client.output_files import discards, follow_links, is_stream, stream_problem
from darkroom.client.result_files import ONE_FILE, subtitle_path, target_paths
from darkroom.contract.kinds import VIDEO_KINDS, Kind
from darkroom.contract.results import ResultFile

HINT = "'--output' / '-o'"
FORMATS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png"}
_STEM_LENGTH = 40
# A file system allows names of 255 bytes.
LONGEST_STEM_BYTES = 180


@dataclass(frozen=True)
class OutputTarget:
    """Target of the results: a requested ``file``, or an unused name that begins with ``stem`` in ``folder``."""

    folder: Path
    stem: str
    file: Path | None = None

    def paths(self, files: Sequence[ResultFile]) -> tuple[Path, ...]:
        """Return the path of each file. A requested file is overwritten; a generated name never is.

        ``room_boho_2.jpg`` follows ``room_boho.jpg``, ``fox-2.jpg`` is the second picture of ``fox.jpg``, and
        ``hello.srt`` belongs to ``hello.mp4``. If the extension of a requested file does not match the result's type,
        it is replaced. Raises ``DownloadError`` if a device or a pipe would get several files.
        """
        suffix = extension(files[0].content_type)
        if self.file is not None and (is_stream(self.file) or not _has_other_type(self.file, suffix)):
            return target_paths(self.file, files)
        stem = self.stem if self.file is None else self.file.stem
        number = 1
        found = target_paths(self.folder / f"{stem}{suffix}", files)
        while any(path.exists() for path in found):
            number += 1
            found = target_paths(self.folder / f"{stem}_{number}{suffix}", files)
        return found


def choose_output(
    requested: Path | None, stem: str, inputs: Iterable[Path] = (), *, several: bool = False
) -> OutputTarget:
    """Return the output target for a job on ``inputs``: as requested, else ``stem`` in the current directory.

    Raises ``typer.BadParameter`` for a missing or read-only folder, for a path that would overwrite an input, and for a
    device or a pipe that cannot be written, or that would get ``several`` files.
    """
    if requested is not None and is_stream(requested):
        return _choose_stream(requested, stem, several=several)
    folder = requested if requested is not None and requested.is_dir() else _folder_of(requested or Path("x"))
    if not folder.is_dir():
        raise typer.BadParameter(f"the folder {str(folder)!r} does not exist", param_hint=HINT)
    if not os.access(folder, os.W_OK):
        raise typer.BadParameter(f"the folder {str(folder)!r} cannot be written", param_hint=HINT)
    if requested is None or requested.is_dir():
        return OutputTarget(folder, stem)
    for path in (requested, *(subtitle_path(requested, suffix) for suffix in (".srt", ".vtt"))):
        if path.exists() and any(path.samefile(each) for each in inputs):
            raise typer.BadParameter(f"{str(path)!r} is the input; it would be overwritten", param_hint=HINT)
    return OutputTarget(folder, stem, requested)


def _choose_stream(requested: Path, stem: str, *, several: bool) -> OutputTarget:
    if (problem := stream_problem(requested)) is not None:
        raise typer.BadParameter(f"{str(requested)!r} {problem}", param_hint=HINT)
    if several and not discards(requested):
        raise typer.BadParameter(ONE_FILE.format(path=str(requested)), param_hint=HINT)
    return OutputTarget(requested.parent, stem, requested)


def _folder_of(file: Path) -> Path:
    """Return the folder in which a file is written: that of the target, if the file is a symbolic link."""
    if not file.is_symlink():
        return file.parent
    try:
        return follow_links(file).parent
    except OSError as error:
        raise typer.BadParameter(f"{str(file)!r}: {error.strerror}", param_hint=HINT) from error


def format_of(kind: Kind, requested: Path | None, format_flag: str | None) -> str | None:
    """Return the format that the output's extension requests; None if it requests none.

    ``format_flag`` is the value of ``--format``. Raises ``typer.BadParameter`` if the two differ, and for an extension
    that no result of the kind has.
    """
    if requested is None or requested.is_dir():
        return None
    suffix = requested.suffix.lower()
    if kind in VIDEO_KINDS:
        if suffix not in ("", ".mp4"):
            raise typer.BadParameter(f"{kind} makes MP4 videos: a name in {suffix} does not fit", param_hint=HINT)
        return None
    if suffix in EXTENSIONS.values() and suffix not in FORMATS:
        raise typer.BadParameter(f"results are JPEG or PNG, not {suffix}", param_hint=HINT)
    wanted = FORMATS.get(suffix)
    if wanted is not None and format_flag is not None and wanted != format_flag:
        raise typer.BadParameter(
            f"{format_flag} does not fit the name {requested.name!r} of the output", param_hint="'--format'"
        )
    return wanted


def slug(words: str) -> str:
    """Return a prompt as a file name.

    >>> slug("A red fox, at night!")
    'a_red_fox_at_night'
    """
    return re.sub(r"\W+", "_", words.lower()).strip("_")[:_STEM_LENGTH].rstrip("_")


def shortened(stem: str) -> str:
    """Return the stem of an input's name, short enough for the name of a result.

    >>> len(shortened("a" * 251)), shortened("room")
    (180, 'room')
    """
    name = os.fsencode(stem)
    return stem if len(name) <= LONGEST_STEM_BYTES else name[:LONGEST_STEM_BYTES].decode("utf-8", "ignore")


def _has_other_type(file: Path, suffix: str) -> bool:
    """Return True if the file's extension is that of another type than ``suffix``."""
    own = file.suffix.lower()
    return own in {*EXTENSIONS.values(), *FORMATS} and own != suffix and FORMATS.get(own) != FORMATS.get(suffix)
