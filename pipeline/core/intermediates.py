"""What a job has finished on its way, kept for its next attempt, on whichever machine that is."""

from pathlib import Path
from typing import Protocol


class Intermediates(Protocol):
    """The finished parts of one job, by name (``[a-z0-9._-]``). Forgotten when the job has ended. Safe to share
    between threads."""

    def get(self, name: str, path: Path, /) -> bool:
        """Write the part to ``path``; False, and nothing written, when it is not there."""

    def put(self, name: str, path: Path, /) -> None:
        """Keep the file at ``path``. What cannot be kept is made again the next time: nothing is raised."""


class NoIntermediates:
    """Keeps nothing: for a job that has one attempt only."""

    def get(self, _name: str, _path: Path, /) -> bool:
        """Nothing is ever there."""
        return False

    def put(self, _name: str, _path: Path, /) -> None:
        """Nothing is kept."""
