"""Intermediates cleanup: deletes the stored parts of a video job once it has ended."""

from typing import TYPE_CHECKING

from cloud.dynamodb.job_record import JobRecord
from cloud.observability import logger
from cloud.s3.keys import intermediates_prefix
from darkroom.contract.kinds import VIDEO_KINDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class IntermediatesCleanup:
    """Deletes intermediates, which let a retry resume, from ``bucket``."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def delete_intermediates(self, record: JobRecord) -> None:
        """Delete the intermediates of an ended job. Idempotent.

        A container that has not yet noticed the end deletes its own later parts.
        """
        if record.kind not in VIDEO_KINDS or record.attempt == 0:
            return
        prefix = intermediates_prefix(record.job_id)
        # A job has fewer parts than one page of a listing (1000).
        for entry in self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix).get("Contents", []):
            self._s3.delete_object(Bucket=self._bucket, Key=entry["Key"])
            logger.info("part deleted", job_id=record.job_id, key=entry["Key"])
