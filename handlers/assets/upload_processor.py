"""Asset upload processor: inspects and cleans an uploaded picture, and sets its asset to ready or failed."""

from dataclasses import replace
from typing import TYPE_CHECKING

from cloud.observability import logger
from cloud.s3.keys import parse_asset_key
from darkroom.contract.errors import DarkroomError
from handlers.assets.asset import Asset, AssetState
from handlers.assets.table import AssetTable
from handlers.jobs.upload_inspection import ObjectMissing, UploadInspector

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class AssetUploadProcessor:
    """Handles uploads of assets. The object under the key now counts, so events may arrive twice or late."""

    def __init__(self, bucket: str, table: AssetTable, s3: "S3Client") -> None:
        self._bucket = bucket
        self._table = table
        self._s3 = s3
        self._inspector = UploadInspector(s3, bucket)

    def process(self, key: str) -> None:
        """Inspect and clean the object under ``key`` and update its asset; delete the object if no asset expects it."""
        asset_id = parse_asset_key(key)
        asset = self._table.get(asset_id) if asset_id is not None else None
        if asset is None or asset.state is AssetState.FAILED:
            self._delete(key, "no asset waits for it")
        elif asset.state is AssetState.READY and asset.source.picture is not None:
            # A result has no metadata but our own. It may be larger than an upload.
            logger.info("asset is ready", asset_id=asset_id)
        else:
            self._receive(asset)

    def _receive(self, asset: Asset) -> None:
        """Inspect the picture. The owner may upload again while the form is valid, so a ready asset is
        inspected, too.
        """
        try:
            received = self._inspector.inspect_and_clean(asset.key)
            # A ready asset holds size and SHA-256 of the previous upload, not the declared ones; S3 checked the form.
            if asset.state is AssetState.AWAITING_UPLOAD:
                received = self._inspector.check_declared(asset.key, "asset", asset.declared, received)
            received = replace(received, sha256=received.sha256 or self._inspector.sha256_of(asset.key, received.etag))
        except ObjectMissing:
            logger.info("upload is gone", asset_id=asset.asset_id)
            return
        except DarkroomError as error:
            # In this order: after an interruption, the next event finds a failed asset and deletes the object.
            self._table.refuse(asset.asset_id, error.detail)
            self._delete(asset.key, error.detail.message)
            return
        if self._table.receive(asset.asset_id, received) is None:
            self._delete(asset.key, "its asset was deleted meanwhile")
            return
        logger.info("asset received", asset_id=asset.asset_id)

    def _delete(self, key: str, reason: str) -> None:
        self._s3.delete_object(Bucket=self._bucket, Key=key)
        logger.info("upload deleted", key=key, reason=reason)
