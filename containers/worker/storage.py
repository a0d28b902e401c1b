"""S3 storage: streams files between the bucket and the disk, without holding a whole file in memory."""

import base64
import hashlib
import logging
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cloud.s3.conditions import MISSING_CODES, REPLACED_CODES, if_match
from darkroom.contract.errors import DarkroomError, ErrorCode

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)

CHUNK = 256 * 1024


@dataclass(frozen=True)
class StoredObject:
    """An object stored in the bucket: ``size`` in bytes, ``sha256`` in lower-case hex."""

    key: str
    size: int
    sha256: str


class Storage:
    """Reader and writer of one bucket's objects. Thread-safe."""

    def __init__(self, bucket: str, client: "S3Client") -> None:
        self._bucket = bucket
        self._client = client

    def download(
        self, key: str, path: Path, *, limit: int, etag: str | None = None, retry_if_replaced: bool = False
    ) -> str:
        """Download the object to ``path``. Return its SHA-256, lower-case hex.

        Raises ``DarkroomError``: ``upload_expired`` if it does not exist, or has another ETag than ``etag``;
        ``too_large`` above ``limit`` bytes. With ``retry_if_replaced``, the error is retryable: a client that got no
        answer sends its file twice, and the second copy has the ETag of the first one once it is cleaned, too.
        """
        try:
            response = self._client.get_object(Bucket=self._bucket, Key=key, **if_match(etag))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in REPLACED_CODES:
                raise DarkroomError(
                    ErrorCode.UPLOAD_EXPIRED,
                    "Another file was uploaded in place of the one that the job took. Submit a new job, and upload "
                    "each file once.",
                    retryable=retry_if_replaced,
                ) from error
            if code in MISSING_CODES:
                raise DarkroomError(
                    ErrorCode.UPLOAD_EXPIRED, "The uploaded picture is no longer there. Submit the job again."
                ) from error
            raise
        remaining = limit
        digest = hashlib.sha256()
        with closing(response["Body"]) as body, path.open("wb") as file:
            for chunk in body.iter_chunks(CHUNK):
                remaining -= len(chunk)
                if remaining < 0:
                    raise DarkroomError(ErrorCode.TOO_LARGE, f"The picture has more than {limit} bytes.")
                digest.update(chunk)
                file.write(chunk)
        return digest.hexdigest()

    def upload_file(self, path: Path, key: str, *, content_type: str, filename: str) -> StoredObject:
        """Upload the file to ``key``. S3 verifies its SHA-256; browsers save it as ``filename``."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            size = file.tell()
            file.seek(0)
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=file,
                ContentLength=size,
                ContentType=content_type,
                ContentDisposition=f'inline; filename="{filename}"',
                ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
            )
        return StoredObject(key, size, digest.hexdigest())

    def put_bytes(self, key: str, body: bytes, *, content_type: str) -> None:
        """Upload a small object to ``key``."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)

    def read_bytes(self, key: str) -> bytes:
        """Return a small object. Raises botocore's errors."""
        with closing(self._client.get_object(Bucket=self._bucket, Key=key)["Body"]) as body:
            return body.read()

    def keys(self, prefix: str) -> list[str]:
        """Return the first thousand keys with ``prefix``."""
        response = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix)
        return [entry["Key"] for entry in response.get("Contents", [])]

    def delete(self, keys: Iterable[str]) -> None:
        """Delete the objects. Failures are logged, and left to the bucket's lifecycle rules."""
        for key in keys:
            try:
                self._client.delete_object(Bucket=self._bucket, Key=key)
            except (ClientError, BotoCoreError):
                logger.warning("could not delete %s", key, exc_info=True)
