"""Object copies: puts a job's input from an asset, an earlier job or an avatar under its upload key.

S3 then sends the same event as for an upload.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cloud.dynamodb.job_record import JobRecord
from cloud.observability import logger
from cloud.s3.keys import parse_avatar_key, upload_key
from darkroom.contract.avatars import avatars
from darkroom.contract.errors import DarkroomError, ErrorCode

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef


class ObjectCopier:
    """Copies objects within ``bucket``, and avatars into it."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def check_sources(self, keys: Iterable[str]) -> None:
        """Raise ``DarkroomError`` (``upload_expired``) if any of ``keys`` does not exist."""
        for key in keys:
            avatar = parse_avatar_key(key)
            if avatar in avatars():
                continue
            if avatar is not None:
                raise _source_missing_error()
            try:
                self._s3.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                raise _source_error(error) from error

    def copy_inputs(self, record: JobRecord) -> None:
        """Copy the inputs of a job that are not uploaded by its owner. Idempotent.

        Raises ``DarkroomError`` (``upload_expired``) when a source no longer exists.
        """
        for role, key in record.copied_from.items():
            if record.uploads[role].received:
                continue
            target = upload_key(record.job_id, role)
            # Either way S3 stores the SHA-256, so the upload function need not read the object for it.
            avatar = parse_avatar_key(key)
            if avatar is not None:
                if avatar not in avatars():
                    raise _source_missing_error()
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=target,
                    Body=avatars()[avatar].picture,
                    ContentType="image/webp",
                    ChecksumAlgorithm="SHA256",
                )
            else:
                self._copy(key, target)
            logger.info("picture copied", job_id=record.job_id, role=role)

    def _copy(self, key: str, target: str) -> None:
        source: CopySourceTypeDef = {"Bucket": self._bucket, "Key": key}
        try:
            self._s3.copy_object(Bucket=self._bucket, Key=target, CopySource=source, ChecksumAlgorithm="SHA256")
        except ClientError as error:
            raise _source_error(error) from error


def _source_error(error: ClientError) -> Exception:
    if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
        return error
    return _source_missing_error()


def _source_missing_error() -> DarkroomError:
    return DarkroomError(
        ErrorCode.UPLOAD_EXPIRED, "The pictures are not kept any more. Submit a new job and upload them again."
    )
