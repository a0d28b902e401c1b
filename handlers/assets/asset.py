"""Asset: an item of the assets table, and its public form for the owner."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from cloud.dynamodb.attributes import to_item
from cloud.dynamodb.job_record import timestamp
from cloud.dynamodb.lenient_item import read_item
from cloud.s3.keys import asset_key
from darkroom.contract.errors import ErrorDetail
from darkroom.contract.jobs import UploadStatus
from darkroom.contract.open_enum import Open, OpenEnum
from darkroom.contract.uploads import ContentType


class AssetState(OpenEnum):
    """State of an asset: its picture is awaited, ready, or was rejected."""

    AWAITING_UPLOAD = "awaiting_upload"
    READY = "ready"
    FAILED = "failed"


class AssetSource(BaseModel):
    """Source of an asset's picture: an upload, or a job's `picture` or `role`."""

    type: Open[Literal["upload", "job"]] = "upload"
    job_id: str | None = None
    picture: str | None = Field(None, description="Name of the output picture of the job.")
    role: str | None = Field(None, description="Role of the input picture of the job.")


class PublicAsset(BaseModel):
    """An asset as its owner sees it. Until it is `ready`, type, size and SHA-256 are those declared.

    A picture is kept without its metadata. `size` and `sha256` stay those of the file as it was sent.
    """

    asset_id: str
    name: str | None = None
    state: Open[AssetState]
    content_type: Open[ContentType]
    width: int | None = None
    height: int | None = None
    size: int | None = Field(None, description="Bytes.")
    sha256: str | None = Field(None, description="Lower-case hex; always set once the asset is `ready`.")
    source: AssetSource = AssetSource()
    created_at: datetime
    error: ErrorDetail | None = Field(None, description="Reason of the rejection, if the asset has `failed`.")
    url: str | None = Field(
        None,
        description="Presigned GET of the picture without its metadata, new in every answer, once it is `ready`.",
    )
    newer_version: bool = Field(
        False, description="True if a newer version of the service wrote values that this version does not know."
    )


class Asset(PublicAsset):
    """One item of the assets table.

    ``expires_at`` (epoch seconds) is its TTL, set only while the picture has not been uploaded.
    """

    owner: str
    request_digest: str
    expires_at: int | None = None

    @property
    def key(self) -> str:
        """S3 key of the picture."""
        return asset_key(self.asset_id)

    @property
    def declared(self) -> UploadStatus:
        """The picture's declared content type, size and SHA-256."""
        return UploadStatus(content_type=self.content_type, size=self.size, sha256=self.sha256)

    def has_expired(self, now: float) -> bool:
        """Return True if the upload deadline is over. DynamoDB deletes expired items hours late."""
        return self.expires_at is not None and self.expires_at <= now

    def to_item(self) -> dict[str, Any]:
        """Return the item in DynamoDB's form; absent values are absent attributes."""
        values = self.model_dump(mode="json", exclude_none=True, exclude={"url", "newer_version"})
        return to_item(values | {"created_at": timestamp(self.created_at)})

    @classmethod
    def from_item(cls, item: Mapping[str, Mapping[str, Any]]) -> Self:
        """Return the asset of an item. Raises ``UnreadableItem`` if the item is not an asset."""
        return read_item(cls, item)
