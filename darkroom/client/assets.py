"""Asset library of the caller: pictures kept by the service, for use in jobs in place of uploads."""

from collections.abc import Callable, Iterator

from darkroom.client.async_assets import AsyncAssets
from darkroom.client.blocking import iterate_blocking, run_blocking
from darkroom.client.input_files import FileSource
from darkroom.client.responses import Asset


class Assets:
    """Your asset library. Methods raise ``ProblemError`` and ``UnreachableError``, as those of ``Client`` do.

    >>> asset = darkroom.assets.add("room.jpg")  # doctest: +SKIP
    >>> job = darkroom.run("restyle_room", asset.reference, style="boho")  # doctest: +SKIP
    """

    def __init__(self, operations: AsyncAssets) -> None:
        self._operations = operations

    def list(self, *, state: str | None = None, page: int | None = None) -> Iterator[Asset]:
        """Yield your assets, newest first, fetched on demand, ``page`` at a time (1 to 100)."""
        return iterate_blocking(self._operations.list(state=state, page=page))

    def get(self, asset_id: str) -> Asset:
        """Return the asset, with a fresh URL of its picture."""
        return run_blocking(self._operations.get(asset_id))

    def add(
        self,
        source: FileSource,
        *,
        name: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Asset:
        """Upload a picture, wait until the service has inspected it, and return the ready asset.

        ``source`` is a path, bytes, an open binary file or a picture of Pillow. ``name`` defaults to the file's name,
        if there is one. Raises ``UploadError`` when storage or service reject the picture, with the code of a failed
        job, and ``OSError`` when the file cannot be read. A rejected picture is removed from the library, if possible.
        """
        return run_blocking(self._operations.add(source, name=name, progress=progress))

    def keep(
        self, job_id: str, *, picture: str | None = None, role: str | None = None, name: str | None = None
    ) -> Asset:
        """Keep a ``picture`` that a job of yours made (default: ``result``), or its input for a ``role``.

        Raises ``ProblemError`` (``conflict``) when the job has no such picture, or not yet.
        """
        return run_blocking(self._operations.keep(job_id, picture=picture, role=role, name=name))

    def remove(self, asset_id: str) -> None:
        """Remove the asset and its picture. Jobs that used it keep their results."""
        run_blocking(self._operations.remove(asset_id))
