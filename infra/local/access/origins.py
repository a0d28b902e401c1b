"""Allowed origins: web pages that may call a local stack."""

from collections.abc import Collection
from pathlib import Path

from infra.local.access.guard import NAMES
from infra.local.state import RunningProcesses


class AllowedOrigins:
    """The studio's current origins, and those that the operator configured.

    >>> AllowedOrigins(Path("none"), ["http://localhost:5173"])()
    frozenset({'http://localhost:5173'})
    """

    def __init__(self, folder: Path, named: Collection[str]) -> None:
        self._folder = folder
        self._named = frozenset(origin.rstrip("/") for origin in named)
        self._read_at: int | None = None
        self._studio: frozenset[str] = frozenset()

    def __call__(self) -> frozenset[str]:
        """Return all allowed origins, each ``scheme://host[:port]``."""
        try:
            changed_at = (self._folder / RunningProcesses.file()).stat().st_mtime_ns
        except OSError:
            return self._named
        if changed_at != self._read_at:
            self._studio = self._read_studio()
            self._read_at = changed_at
        return self._named | self._studio

    def _read_studio(self) -> frozenset[str]:
        running = RunningProcesses.read(self._folder)
        if running is None or running.studio is None:
            return frozenset()
        return frozenset(f"http://{name}:{running.studio_port}" for name in NAMES)
