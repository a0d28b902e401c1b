"""Objects cleanup: deletes what an ended job has stored and nobody needs any more."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cloud.dynamodb.job_record import JobRecord
from cloud.observability import logger
from cloud.s3.keys import intermediates_prefix, results_prefix
from darkroom.contract.kinds import VIDEO_KINDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ObjectsCleanup:
    """Deletes objects of ended jobs from ``bucket``: intermediates, and results of jobs that were not completed.

    A machine that is killed after it has stored a result, and before its outcome arrives, leaves such a result.
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def delete_unneeded(self, record: JobRecord) -> None:
        """Delete the unneeded objects of an ended job. Idempotent.

        A container that has not yet noticed the end deletes its own later parts. A result that it stores later is
        deleted when its outcome arrives.
        """
        for prefix in _unneeded_prefixes(record):
            # A job has fewer objects than one page of a listing (1000).
            for entry in self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix).get("Contents", []):
                self._s3.delete_object(Bucket=self._bucket, Key=entry["Key"])
                logger.info("object deleted", job_id=record.job_id, key=entry["Key"])


def _unneeded_prefixes(record: JobRecord) -> Iterator[str]:
    if record.attempt == 0:
        return
    if record.kind in VIDEO_KINDS:  # intermediates let a retry resume
        yield intermediates_prefix(record.job_id)
    if record.ended_without_result:
        yield results_prefix(record.job_id)
