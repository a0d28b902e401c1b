"""Asset service: the logic behind the asset routes, and behind jobs that use an asset as input."""

import time
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID, uuid4, uuid5

from botocore.exceptions import ClientError
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import AlreadyExists, InspectedUpload
from cloud.dynamodb.job_table import JobTable
from cloud.observability import logger
from cloud.s3.conditions import MISSING_CODES, REPLACED_CODES, copy_if_match
from cloud.s3.presigner import GRACE_SECONDS, PresignedPost, Presigner
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jobs import JobId
from darkroom.contract.params import Contract
from darkroom.contract.text import DisplayName
from darkroom.contract.uploads import MAX_PIXELS, MAX_UPLOAD_BYTES, ContentType, Upload
from handlers.assets.asset import Asset, AssetSource, AssetState, PublicAsset
from handlers.assets.table import AssetTable
from handlers.jobs.upload_inspection import ObjectMissing, UploadInspector
from handlers.settings.api import ApiSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Names of assets made with an idempotency key. Changing it would make replays look like new assets.
IDEMPOTENCY_NAMESPACE = UUID("0b8f1f7e-4b4e-5d0f-8f0c-1d2a5f6a9c3b")
# Few enough to count at every creation. Concurrent creations may exceed it by one.
MAX_ASSETS = 1000

# The job's picture was deleted, or another file was put in its place.
GONE_CODES = (*MISSING_CODES, *REPLACED_CODES)

_content_type: TypeAdapter[ContentType] = TypeAdapter(ContentType)
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class AssetRequest(Contract):
    """A picture for the library: a new upload (`upload`), or an output or input of a job of yours (`job_id`)."""

    name: DisplayName | None = Field(
        None, description="Display name: one line, without control characters and overrides of the text direction."
    )
    upload: Upload | None = Field(None, description="The file to be uploaded; the presigned POST accepts nothing else.")
    job_id: JobId | None = Field(None, description="A job of yours.")
    picture: Identifier | None = Field(
        None, description="Name of one of the job's output pictures; `result` if left out."
    )
    role: Identifier | None = Field(None, description="Role of one of the job's input pictures, instead of `picture`.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.upload is None) == (self.job_id is None):
            raise ValueError("send either upload or job_id")
        if self.job_id is None and (self.picture or self.role):
            raise ValueError("picture and role go with job_id")
        if self.picture and self.role:
            raise ValueError("send either picture or role")
        return self


class AssetService:
    """Creates, reads and deletes assets of an owner. Another owner's asset is ``not_found``."""

    def __init__(
        self, settings: ApiSettings, table: AssetTable, jobs: JobTable, presigner: Presigner, s3: "S3Client"
    ) -> None:
        self._settings = settings
        self._table = table
        self._jobs = jobs
        self._presigner = presigner
        self._s3 = s3
        self._inspector = UploadInspector(s3, settings.bucket)

    def create(self, owner: str, request: AssetRequest, idempotency_key: str | None) -> tuple[Asset, bool]:
        """Create an asset; return it and True if it is new, False if the same key and request created it before.

        Raises ``DarkroomError``: ``idempotency_mismatch`` when the key was used for another request. ``not_found`` and
        ``conflict`` when the job or its picture does not exist, ``conflict`` when the library is full.
        """
        may_exist = idempotency_key is not None
        asset_id = uuid4().hex if not may_exist else uuid5(IDEMPOTENCY_NAMESPACE, f"{owner}\n{idempotency_key}").hex
        digest = sha256(request.model_dump_json().encode()).hexdigest()
        existing = self._table.get(asset_id) if may_exist else None
        if existing is not None:
            return self._replay(existing, request, digest), False
        if self._table.count(owner, MAX_ASSETS) >= MAX_ASSETS:
            raise DarkroomError(
                ErrorCode.CONFLICT, f"Your library holds {MAX_ASSETS} assets: delete some of them first."
            )
        asset = Asset(
            asset_id=asset_id,
            name=request.name,
            state=AssetState.AWAITING_UPLOAD,
            created_at=datetime.now(UTC),
            owner=owner,
            request_digest=digest,
            expires_at=self._upload_expiry(),
            **(self._upload_fields(request.upload) if request.upload else self._job_picture_fields(owner, request)),
        )
        try:
            self._table.create(asset)
        except AlreadyExists:
            return self._replay(self.get(owner, asset_id), request, digest), False
        return self._with_copied_picture(asset, request), True

    def get(self, owner: str, asset_id: str) -> Asset:
        """Return an asset. Raises ``DarkroomError`` with ``not_found``."""
        asset = self._table.get(asset_id) if len(asset_id) == 32 else None
        if asset is None or asset.owner != owner or asset.has_expired(time.time()):
            raise DarkroomError(ErrorCode.NOT_FOUND, "You have no asset with this id.")
        return asset

    def get_ready_asset(self, owner: str, asset_id: str) -> Asset:
        """Return an asset that a job can use as input.

        Raises ``DarkroomError``: ``not_found``, ``conflict`` when its picture has not been uploaded, ``too_large`` when
        it exceeds the limits of a job's input. A job's result may be larger than these.
        """
        asset = self.get(owner, asset_id)
        if asset.state is not AssetState.READY:
            raise DarkroomError(ErrorCode.CONFLICT, f"The asset {asset_id} has no picture yet: it is {asset.state}.")
        _require_supported(asset.content_type)
        pixels = (asset.width or 0) * (asset.height or 0)
        if (asset.size or 0) > MAX_UPLOAD_BYTES or pixels > MAX_PIXELS:
            raise DarkroomError(
                ErrorCode.TOO_LARGE,
                f"The asset {asset_id} is larger than a job's picture may be: {MAX_UPLOAD_BYTES // 2**20} MB and "
                f"{MAX_PIXELS // 10**6} megapixels. Make it smaller.",
            )
        return asset

    def page(
        self, owner: str, *, limit: int, state: AssetState | None, after: tuple[str, str] | None
    ) -> tuple[list[Asset], tuple[str, str] | None]:
        """Return assets of ``owner``, newest first, and the position of the next page."""
        return self._table.page(owner, now=time.time(), limit=limit, state=state, after=after)

    def delete(self, owner: str, asset_id: str) -> None:
        """Delete an asset and its picture. Does nothing if it does not exist or has another owner."""
        asset = self._table.get(asset_id) if len(asset_id) == 32 else None
        if asset is None or asset.owner != owner:
            return
        # In this order: after an interruption, the item still exists and can be deleted again.
        self._s3.delete_object(Bucket=self._settings.bucket, Key=asset.key)
        self._table.delete(asset_id)

    def presigned_post(self, asset: Asset) -> PresignedPost | None:
        """Return the presigned POST for the asset's upload; None if it expects no upload."""
        awaits_upload = asset.state is AssetState.AWAITING_UPLOAD and asset.source.type == "upload"
        return self._presigner.post(asset.key, asset.declared) if awaits_upload else None

    def public(self, asset: Asset) -> PublicAsset:
        """Return the asset as its owner sees it, with a fresh presigned URL."""
        values = {name: getattr(asset, name) for name in PublicAsset.model_fields}
        if asset.state is AssetState.READY:
            values["url"] = self._presigner.get(asset.key)
        return PublicAsset.model_construct(**values)

    def _replay(self, asset: Asset, request: AssetRequest, digest: str) -> Asset:
        if asset.request_digest != digest:
            raise DarkroomError(
                ErrorCode.IDEMPOTENCY_MISMATCH,
                "This Idempotency-Key came with another request before. Use a new key for a new asset.",
            )
        return self._with_copied_picture(
            self._table.extend_upload_until(asset.asset_id, self._upload_expiry()) or asset, request
        )

    def _with_copied_picture(self, asset: Asset, request: AssetRequest) -> Asset:
        """Copy the job's picture, if the asset has one as its source. After an interruption, the copy's S3 event
        completes it.
        """
        if asset.state is not AssetState.AWAITING_UPLOAD or request.job_id is None:
            return asset
        record = self._job(asset.owner, request.job_id)
        try:
            self._s3.copy_object(
                Bucket=self._settings.bucket,
                Key=asset.key,
                CopySource={"Bucket": self._settings.bucket, "Key": _source_key(record, asset.source)},
                ChecksumAlgorithm="SHA256",
                **copy_if_match(None if asset.source.role is None else record.input_etag(asset.source.role)),
            )
            received = self._inspect_copy(asset)
        except (ClientError, ObjectMissing) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] not in GONE_CODES:
                raise
            self._table.delete(asset.asset_id)
            raise DarkroomError(ErrorCode.NOT_FOUND, "The job's picture is not kept any more.") from error
        logger.info("picture copied", asset_id=asset.asset_id, job_id=record.job_id)
        return self._table.receive(asset.asset_id, received) or asset

    def _inspect_copy(self, asset: Asset) -> InspectedUpload:
        digest = asset.sha256 or self._inspector.sha256_of(asset.key)
        if asset.width is None or asset.height is None or asset.size is None:
            found = self._inspector.inspect(asset.key)
            return InspectedUpload(found.content_type, found.width, found.height, found.size, digest)
        return InspectedUpload(asset.content_type, asset.width, asset.height, asset.size, digest)

    def _job(self, owner: str, job_id: str) -> JobRecord:
        record = self._jobs.get(job_id)
        if record is None or record.owner != owner:
            raise DarkroomError(ErrorCode.NOT_FOUND, "You have no job with this id.")
        return record

    def _job_picture_fields(self, owner: str, request: AssetRequest) -> dict[str, object]:
        """Return the metadata of a job's picture. Raises ``DarkroomError`` (``not_found``, ``conflict``) without
        one.
        """
        assert request.job_id is not None
        record = self._job(owner, request.job_id)
        if request.role is not None:
            source = AssetSource(type="job", job_id=record.job_id, role=request.role)
            upload = record.uploads.get(request.role)
            if upload is None or record.input_key(request.role) is None:
                inputs = ", ".join(role for role in record.uploads if record.input_key(role) is not None) or "none"
                raise DarkroomError(ErrorCode.CONFLICT, f"The job was given no {request.role}; its pictures: {inputs}.")
            _require_supported(upload.content_type)
            metadata = upload.model_dump(include={"content_type", "size", "sha256", "width", "height"})
            return {"source": source, **metadata}
        name = request.picture or "result"
        source = AssetSource(type="job", job_id=record.job_id, picture=name)
        pictures = {} if record.result is None else {picture.name: picture for picture in record.result.pictures}
        if name not in pictures:
            names = ", ".join(pictures) or "none"
            raise DarkroomError(
                ErrorCode.CONFLICT, f"The job, which is {record.state}, has no picture {name!r}; its pictures: {names}."
            )
        picture = pictures[name]
        return {
            "source": source,
            "content_type": _require_supported(picture.content_type),
            **picture.model_dump(include={"size", "sha256", "width", "height"}),
        }

    @staticmethod
    def _upload_fields(upload: Upload) -> dict[str, object]:
        return {"source": AssetSource(), **upload.model_dump()}

    def _upload_expiry(self) -> int:
        return int(time.time()) + self._settings.upload_seconds + GRACE_SECONDS


def _require_supported(content_type: str) -> ContentType:
    """Return the content type. Raises ``DarkroomError`` (``conflict``) for one of a newer version."""
    try:
        return _content_type.validate_python(content_type)
    except ValidationError as error:
        raise DarkroomError(ErrorCode.CONFLICT, f"This version does not know the type {content_type}.") from error


def _source_key(record: JobRecord, source: AssetSource) -> str:
    if source.role is not None:
        key = record.input_key(source.role)
        assert key is not None
        return key
    pictures = record.result.pictures if record.result else []
    (key,) = [picture.key for picture in pictures if picture.name == source.picture]
    return key
