"""Repair of a restored stack, during which its API is closed to callers."""

from pathlib import Path

from infra.local.snapshots.files import LostWork


class Repair:
    """Repair of the stack in a folder: ``up`` deletes the objects of jobs that were lost.

    A caller may repeat the request of a lost job, which makes a job of the same id. Its upload must not be deleted as
    the lost one's.
    """

    def __init__(self, folder: Path) -> None:
        self._mark = folder / LostWork.file()
        self._complete = False

    def complete(self) -> bool:
        """Return True if nothing is to be repaired, or once it is done. Nothing is lost while the emulator runs."""
        self._complete = self._complete or not self._mark.exists()
        return self._complete
