"""Presigner: presigned POSTs that accept one file exactly as declared, and presigned GETs."""

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from cloud.dynamodb.job_record import JobRecord
from cloud.s3.keys import upload_key
from darkroom.contract.jobs import UploadStatus
from darkroom.contract.uploads import byte_limit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# An upload that started just before its form expired may still be in progress.
GRACE_SECONDS = 60


class PresignedPost(BaseModel):
    """A form to upload one file: every field unchanged, then the file as the field ``file``."""

    url: str
    fields: dict[str, str] = Field(description="Fields to send unchanged, before the file.")
    expires_at: datetime


class Presigner:
    """Signs requests to the bucket locally, without a network call."""

    def __init__(self, client: "S3Client", bucket: str, *, get_seconds: int, post_seconds: int = 900) -> None:
        self._client = client
        self._bucket = bucket
        self._get_seconds = get_seconds
        self._post_seconds = post_seconds

    def get(self, key: str) -> str:
        """Return a presigned GET URL for ``key``."""
        return self._client.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=self._get_seconds
        )

    def posts(self, record: JobRecord) -> dict[str, PresignedPost]:
        """Return a presigned POST for each upload that the job still expects from its owner, by role."""
        return {
            role: self.post(upload_key(record.job_id, role), status)
            for role, status in record.uploads.items()
            if not status.received and role not in record.copied_from
        }

    def post(self, key: str, upload: UploadStatus) -> PresignedPost:
        """Return the presigned POST for an upload to ``key``, fixed to its declared type, size and SHA-256."""
        fields: dict[str, str] = {"Content-Type": upload.content_type}
        if upload.sha256 is not None:
            fields["x-amz-checksum-algorithm"] = "SHA256"
            fields["x-amz-checksum-sha256"] = base64.b64encode(bytes.fromhex(upload.sha256)).decode()
        conditions: list[Any] = [{name: value} for name, value in fields.items()]
        least, most = (1, byte_limit(upload.content_type)) if upload.size is None else (upload.size, upload.size)
        conditions.append(["content-length-range", least, most])
        expires_at = datetime.now(UTC) + timedelta(seconds=self._post_seconds)
        post = self._client.generate_presigned_post(
            self._bucket, key, Fields=fields, Conditions=conditions, ExpiresIn=self._post_seconds
        )
        return PresignedPost(url=post["url"], fields=post["fields"], expires_at=expires_at)
