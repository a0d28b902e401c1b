"""The caller's library: pictures kept by the service, to be used in jobs in place of uploads."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from darkroom.client import file_upload
from darkroom.client.api import Api
from darkroom.client.errors import ClientError, UploadError
from darkroom.client.job_watcher import Clock, Pace
from darkroom.client.media import describe_picture
from darkroom.client.responses import Asset, AssetPage, CreatedAsset
from darkroom.contract.errors import ErrorCode

AWAITING = "awaiting_upload"
FAILED = "failed"


class Assets:
    """Your library. Methods raise ``ProblemError`` and ``UnreachableError``, as those of ``Client`` do."""

    def __init__(self, api: Api, storage: httpx.Client, pace: Pace, *, clock: Clock = time) -> None:
        self._api = api
        self._storage = storage
        self._pace = pace
        self._clock = clock

    def list(self, *, state: str | None = None, page: int | None = None) -> Iterator[Asset]:
        """Your assets, newest first, fetched as you go on, ``page`` at a time (1 to 100)."""
        query = {"state": state, "limit": page}
        for body in self._api.pages("/assets", query):
            yield from AssetPage.model_validate(body).assets

    def get(self, asset_id: str) -> Asset:
        """The asset as it is now, with a fresh link to its picture."""
        return Asset.model_validate(self._api.json("GET", _asset(asset_id)))

    def add(
        self,
        path: str | PathLike[str],
        *,
        name: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Asset:
        """Upload a picture and wait until the service has looked at it: the asset, ready for use.

        ``name`` is the file's when left out. Raises ``UploadError`` when storage or service refuse the picture, with
        the code that a job would have failed with, and ``OSError`` when the file cannot be read. What was refused is
        removed from the library, if it can be.
        """
        file = Path(path)
        described = describe_picture(file).model_dump(mode="json", exclude_none=True)
        created = self._create({"name": name or file.name, "upload": described})
        asset = created.asset
        try:
            if created.upload is not None:
                file_upload.upload_file(self._storage, created.upload, file, progress)
            return self._settled(asset)
        except (UploadError, OSError):
            with suppress(ClientError):
                self.remove(asset.asset_id)
            raise

    def keep(
        self, job_id: str, *, picture: str | None = None, role: str | None = None, name: str | None = None
    ) -> Asset:
        """Keep a ``picture`` that a job of yours made (``result`` when left out), or what it was given for a ``role``.

        Raises ``ProblemError`` (``conflict``) when the job has no such picture, or not yet.
        """
        chosen = {"name": name, "picture": picture, "role": role}
        body = {"job_id": job_id, **{field: value for field, value in chosen.items() if value is not None}}
        return self._settled(self._create(body).asset)

    def remove(self, asset_id: str) -> None:
        """Remove the asset and its picture. Jobs that were given it keep what they made."""
        self._api.json("DELETE", _asset(asset_id))

    def _create(self, body: dict[str, Any]) -> CreatedAsset:
        key = {"Idempotency-Key": uuid.uuid4().hex}
        return CreatedAsset.model_validate(self._api.json("POST", "/assets", body=body, headers=key))

    def _settled(self, asset: Asset) -> Asset:
        """The asset once its upload was looked at. Raises ``UploadError`` when it was refused or nobody looked."""
        until = self._clock.monotonic() + self._pace.patience
        while asset.state == AWAITING:
            if self._clock.monotonic() > until:
                raise UploadError(
                    ErrorCode.TIMED_OUT, f"The service has not looked at the picture in {self._pace.patience:.0f} s."
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
