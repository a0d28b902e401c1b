"""Store of intermediate files: finished parts of a job that its next attempt reuses, on any machine."""

from pathlib import Path
from typing import Protocol


class Intermediates(Protocol):
    """Finished parts of one job, by name (``[a-z0-9._-]``). Deleted when the job has ended. Thread-safe."""

    def get(self, name: str, path: Path, /) -> bool:
        """Write the part to ``path``. Return False, and write nothing, if it is not stored."""

    def put(self, name: str, path: Path, /) -> None:
        """Store the file at ``path``. Never raises: a part that cannot be stored is made again next time."""


class NoIntermediates:
    """Null store that keeps nothing, for jobs with a single attempt."""

    def get(self, _name: str, _path: Path, /) -> bool:
        """Return False: nothing is stored."""
        return False

    def put(self, _name: str, _path: Path, /) -> None:
        """Do nothing."""
