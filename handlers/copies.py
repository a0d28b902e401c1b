"""Pictures that jobs take from elsewhere in the bucket: S3 copies them, and announces them as it does uploads."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from handlers.keys import upload_key
from handlers.observe import logger
from handlers.record import JobRecord
from pipeline.errors import DarkroomError, ErrorCode

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Copies:
    """Copies within ``bucket``."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def check(self, keys: Iterable[str]) -> None:
        """Raises ``DarkroomError`` (``upload_expired``) when there is nothing under one of ``keys``."""
        for key in keys:
            try:
                self._s3.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                raise _gone(error) from error

    def make(self, record: JobRecord) -> None:
        """Copy the pictures that a job waits for and nobody uploads; doing it again does no harm.

        Raises ``DarkroomError`` (``upload_expired``) when one is gone.
        """
        for role, key in record.copied_from.items():
            if record.uploads[role].received:
                continue
            try:
                self._s3.copy_object(
                    Bucket=self._bucket,
                    Key=upload_key(record.job_id, role),
                    CopySource={"Bucket": self._bucket, "Key": key},
                    ChecksumAlgorithm="SHA256",  # who takes it in need not read it to have its digest
                )
            except ClientError as error:
                raise _gone(error) from error
            logger.info("picture copied", job_id=record.job_id, role=role)


def _gone(error: ClientError) -> Exception:
    if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
        return error
    return DarkroomError(
        ErrorCode.UPLOAD_EXPIRED, "The pictures are not kept any more. Submit a new job and upload them again."
    )
