"""Input folder: resolves the names of input files, and can refuse those that lead out of the folder."""

from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

ALLOW_OUTSIDE = "--allow-outside"


@dataclass(frozen=True)
class InputFolder:
    """Folder that names of files are relative to.

    If ``confined``, a name must stay within it: no absolute path, no way out by ``..`` or a symbolic link. So a file
    of scenes by somebody else cannot have a program upload the reader's own files.
    """

    path: Path = Path()
    confined: bool = False

    def locate(self, name: str) -> Path:
        """Return the path of the file ``name``. Raises ``ValueError`` if a confined folder does not hold it."""
        path = self.path / name
        if not self.confined:
            return path
        if Path(name).is_absolute() or PureWindowsPath(name).anchor:
            raise self._outside(name, "is an absolute path")
        try:
            inside = path.resolve().is_relative_to(self.path.resolve())
        except (OSError, RuntimeError, ValueError):  # a loop of links, or a name that no file can have
            inside = False
        if not inside:
            raise self._outside(name, "is outside the folder of the scenes file")
        return path

    def require_standard_input(self) -> None:
        """Raise ``ValueError`` if standard input may not be read in place of a file."""
        if self.confined:
            raise self._outside("@-", "is standard input, not a file beside the scenes file")

    @staticmethod
    def _outside(name: str, reason: str) -> ValueError:
        return ValueError(f"{name!r} {reason}. If you trust the scenes file, use {ALLOW_OUTSIDE}.")
