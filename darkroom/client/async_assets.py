"""Asset library of the caller, asynchronous: the implementation of ``Assets`` too."""

import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import quote

from darkroom.client import file_upload
from darkroom.client.api import Api
from darkroom.client.connections import Connections
from darkroom.client.errors import ClientError, UploadError
from darkroom.client.input_files import FileSource, InputFile, input_file
from darkroom.client.job_watcher import Pace
from darkroom.client.media import describe_picture
from darkroom.client.responses import Asset, AssetPage, CreatedAsset
from darkroom.contract.errors import ErrorCode

AWAITING = "awaiting_upload"
FAILED = "failed"


class AsyncAssets:
    """Your asset library, as ``Assets``: methods are awaited, ``list`` is iterated with ``async for``.

    >>> asset = await darkroom.assets.add("room.jpg")  # doctest: +SKIP
    """

    def __init__(self, api: Api, connections: Connections, pace: Pace) -> None:
        self._api = api
        self._connections = connections
        self._pace = pace

    async def list(self, *, state: str | None = None, page: int | None = None) -> AsyncGenerator[Asset, None]:
        """Yield your assets, newest first, fetched on demand. See ``Assets.list``."""
        async with aclosing(self._api.pages("/assets", {"state": state, "limit": page})) as pages:
            async for body in pages:
                for asset in AssetPage.model_validate(body).assets:
                    yield asset

    async def get(self, asset_id: str) -> Asset:
        """Return the asset, with a fresh URL of its picture."""
        return Asset.model_validate(await self._api.json("GET", _asset(asset_id)))

    async def add(
        self,
        source: FileSource,
        *,
        name: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Asset:
        """Upload a picture, wait until the service has inspected it, and return the ready asset. See ``Assets.add``."""

        def described() -> tuple[InputFile, dict[str, Any]]:
            content = input_file(source)
            return content, describe_picture(content).model_dump(mode="json", exclude_none=True)

        file, upload = await self._connections.call(described)
        called = name or file.name
        created = await self._create({**({"name": called} if called else {}), "upload": upload})
        asset = created.asset
        try:
            if created.upload is not None:
                await file_upload.upload_file(self._connections, created.upload, file, progress)
            return await self._wait_until_inspected(asset)
        except (UploadError, OSError):
            with suppress(ClientError):
                await self.remove(asset.asset_id)
            raise

    async def keep(
        self, job_id: str, *, picture: str | None = None, role: str | None = None, name: str | None = None
    ) -> Asset:
        """Keep a picture that a job of yours made, or its input for a ``role``. See ``Assets.keep``."""
        chosen = {"name": name, "picture": picture, "role": role}
        body = {"job_id": job_id, **{field: value for field, value in chosen.items() if value is not None}}
        return await self._wait_until_inspected((await self._create(body)).asset)

    async def remove(self, asset_id: str) -> None:
        """Remove the asset and its picture. Jobs that used it keep their results."""
        await self._api.json("DELETE", _asset(asset_id))

    async def _create(self, body: dict[str, Any]) -> CreatedAsset:
        key = {"Idempotency-Key": uuid.uuid4().hex}
        return CreatedAsset.model_validate(await self._api.json("POST", "/assets", body=body, headers=key))

    async def _wait_until_inspected(self, asset: Asset) -> Asset:
        """Wait for the upload's inspection. Raises ``UploadError`` when it is rejected or takes too long."""
        clock = self._connections.clock
        until = clock.monotonic() + self._pace.patience
        while asset.state == AWAITING:
            if clock.monotonic() > until:
                raise UploadError(
                    ErrorCode.TIMED_OUT,
                    f"The service has not inspected the picture within {self._pace.patience:.0f} s.",
                )
            await clock.sleep(self._pace.poll)
            asset = await self.get(asset.asset_id)
        if asset.state == FAILED:
            error = asset.error
            raise UploadError(
                error.code if error else ErrorCode.INVALID_IMAGE, error.message if error else "It was refused."
            )
        return asset


def _asset(asset_id: str) -> str:
    return f"/assets/{quote(asset_id, safe='', errors='surrogateescape')}"
