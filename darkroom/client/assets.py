"""Asset library of the caller: pictures kept by the service, for use in jobs in place of uploads."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import httpx2

from darkroom.client import file_upload
from darkroom.client.api import Api
from darkroom.client.errors import ClientError, UploadError
from darkroom.client.input_files import FileSource, input_file
from darkroom.client.job_watcher import Clock, Pace
from darkroom.client.media import describe_picture
from darkroom.client.responses import Asset, AssetPage, CreatedAsset
from darkroom.contract.errors import ErrorCode

AWAITING = "awaiting_upload"
FAILED = "failed"


class Assets:
    """Your asset library. Methods raise ``ProblemError`` and ``UnreachableError``, as those of ``Client`` do."""

    def __init__(self, api: Api, storage: httpx2.Client, pace: Pace, *, clock: Clock = time) -> None:
        self._api = api
        self._storage = storage
        self._pace = pace
        self._clock = clock

    def list(self, *, state: str | None = None, page: int | None = None) -> Iterator[Asset]:
        """Yield your assets, newest first, fetched on demand, ``page`` at a time (1 to 100)."""
        query = {"state": state, "limit": page}
        for body in self._api.pages("/assets", query):
            yield from AssetPage.model_validate(body).assets

    def get(self, asset_id: str) -> Asset:
        """Return the asset, with a fresh URL of its picture."""
        return Asset.model_validate(self._api.json("GET", _asset(asset_id)))

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
        file = input_file(source)
        called = name or file.name
        described = describe_picture(file).model_dump(mode="json", exclude_none=True)
        created = self._create({**({"name": called} if called else {}), "upload": described})
        asset = created.asset
        try:
            if created.upload is not None:
                file_upload.upload_file(self._storage, created.upload, file, progress)
            return self._wait_until_inspected(asset)
        except (UploadError, OSError):
            with suppress(ClientError):
                self.remove(asset.asset_id)
            raise

    def keep(
        self, job_id: str, *, picture: str | None = None, role: str | None = None, name: str | None = None
    ) -> Asset:
        """Keep a ``picture`` that a job of yours made (default: ``result``), or its input for a ``role``.

        Raises ``ProblemError`` (``conflict``) when the job has no such picture, or not yet.
        """
        chosen = {"name": name, "picture": picture, "role": role}
        body = {"job_id": job_id, **{field: value for field, value in chosen.items() if value is not None}}
        return self._wait_until_inspected(self._create(body).asset)

    def remove(self, asset_id: str) -> None:
        """Remove the asset and its picture. Jobs that used it keep their results."""
        self._api.json("DELETE", _asset(asset_id))

    def _create(self, body: dict[str, Any]) -> CreatedAsset:
        key = {"Idempotency-Key": uuid.uuid4().hex}
        return CreatedAsset.model_validate(self._api.json("POST", "/assets", body=body, headers=key))

    def _wait_until_inspected(self, asset: Asset) -> Asset:
        """Wait for the upload's inspection. Raises ``UploadError`` when it is rejected or takes too long."""
        until = self._clock.monotonic() + self._pace.patience
        while asset.state == AWAITING:
            if self._clock.monotonic() > until:
                raise UploadError(
                    ErrorCode.TIMED_OUT,
                    f"The service has not inspected the picture within {self._pace.patience:.0f} s.",
                )
            self._clock.sleep(self._pace.poll)
            asset = self.get(asset.asset_id)
        if asset.state == FAILED:
            error = asset.error
            raise UploadError(
                error.code if error else ErrorCode.INVALID_IMAGE, error.message if error else "It was refused."
            )
        return asset


def _asset(asset_id: str) -> str:
    return f"/assets/{quote(asset_id, safe='')}"
