"""Pictures that jobs take from elsewhere in the bucket, or from our own: S3 announces them as it does uploads."""

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
    """Copies within ``bucket``."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def check_sources(self, keys: Iterable[str]) -> None:
        """Raises ``DarkroomError`` (``upload_expired``) when there is nothing under one of ``keys``."""
        for key in keys:
            avatar = parse_avatar_key(key)
            if avatar in avatars():
                continue
            if avatar is not None:
                raise _not_kept()
            try:
                self._s3.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                raise _gone(error) from error

    def copy_inputs(self, record: JobRecord) -> None:
        """Copy the pictures that a job waits for and nobody uploads; doing it again does no harm.

        Raises ``DarkroomError`` (``upload_expired``) when one is gone.
        """
        for role, key in record.copied_from.items():
            if record.uploads[role].received:
                continue
            target = upload_key(record.job_id, role)
            # Either way S3 keeps the digest: who takes it in need not read it for that.
            avatar = parse_avatar_key(key)
            if avatar is not None:
                if avatar not in avatars():
                    raise _not_kept()
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
            raise _gone(error) from error


def _gone(error: ClientError) -> Exception:
    if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
        return error
    return _not_kept()


def _not_kept() -> DarkroomError:
    return DarkroomError(
        ErrorCode.UPLOAD_EXPIRED, "The pictures are not kept any more. Submit a new job and upload them again."
    )
