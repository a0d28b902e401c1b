"""Object copies: puts a job's input from an asset, an earlier job or an avatar under its upload key.

S3 then sends the same event as for an upload.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cloud.dynamodb.job_record import JobRecord
from cloud.observability import logger
from cloud.s3.conditions import MISSING_CODES, REPLACED_CODES, copy_if_match, if_match
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

    def check_sources(self, keys: Mapping[str, str], etags: Mapping[str, str]) -> None:
        """Raise ``DarkroomError`` (``upload_expired``) if any source does not exist, or has another ETag.

        ``keys`` are role → S3 key, ``etags`` role → ETag of those that have one.
        """
        for role, key in keys.items():
            avatar = parse_avatar_key(key)
            if avatar in avatars():
                continue
            if avatar is not None:
                raise _source_missing_error()
            try:
                self._s3.head_object(Bucket=self._bucket, Key=key, **if_match(etags.get(role)))
            except ClientError as error:
                raise _source_error(error) from error

    def copy_inputs(self, record: JobRecord) -> None:
        """Copy the inputs of a job that are not uploaded by its owner. Idempotent.

        Raises ``DarkroomError`` (``upload_expired``) when a source no longer exists, or was replaced.
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
                self._copy(key, target, record.copied_etags.get(role))
            logger.info("picture copied", job_id=record.job_id, role=role)

    def _copy(self, key: str, target: str, etag: str | None) -> None:
        source: CopySourceTypeDef = {"Bucket": self._bucket, "Key": key}
        try:
            self._s3.copy_object(
                Bucket=self._bucket, Key=target, CopySource=source, ChecksumAlgorithm="SHA256", **copy_if_match(etag)
            )
        except ClientError as error:
            raise _source_error(error) from error


def _source_error(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    if code in REPLACED_CODES:
        return DarkroomError(
            ErrorCode.UPLOAD_EXPIRED,
            "Another file was uploaded in place of one that the job took, which is not kept any more. "
            "Submit a new job and upload the files again.",
        )
    return _source_missing_error() if code in MISSING_CODES else error


def _source_missing_error() -> DarkroomError:
    return DarkroomError(
        ErrorCode.UPLOAD_EXPIRED, "The pictures are not kept any more. Submit a new job and upload them again."
    )
