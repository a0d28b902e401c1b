"""Upload processor: inspects an uploaded file, cleans it of metadata, and queues its job once all inputs are there.

If the digests were not declared, the result cache is looked up here: an identical earlier job completes it at once.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from cloud import job_metrics
from cloud.dynamodb.job_record import JobRecord, StoredUpload
from cloud.dynamodb.job_store import InspectedUpload, JobStore
from cloud.dynamodb.ledger import Ledger
from cloud.job_queue import JobQueue
from cloud.observability import logger
from cloud.s3.keys import parse_upload_key, upload_key
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.file_signatures import NotAPicture
from darkroom.contract.jobs import State, UploadStatus
from darkroom.contract.uploads import AUDIO_TYPES, MEDIA_TYPES
from handlers.jobs.result_cache import ResultCache
from handlers.jobs.upload_inspection import ObjectMissing, UploadInspector, not_audio_error
from handlers.limits.rate_limiter import RateLimiter
from handlers.limits.rates import DEFAULT_RATES
from handlers.settings.uploaded import UploadedSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UNKNOWN_UPLOAD = "nobody asked for it"


class UploadProcessor:
    """Handles uploads of jobs."""

    def __init__(
        self, settings: UploadedSettings, store: JobStore, ledger: Ledger, queue: JobQueue, s3: "S3Client"
    ) -> None:
        self._settings = settings
        self._store = store
        self._rate_limiter = RateLimiter(ledger, DEFAULT_RATES)
        self._result_cache = ResultCache(ledger, cache_days=settings.cache_days)
        self._queue = queue
        self._s3 = s3
        self._inspector = UploadInspector(s3, settings.bucket)

    def process(self, key: str) -> None:
        """Inspect the object under ``key`` and update its job; delete the object if no job expects it."""
        parsed = parse_upload_key(key)
        if parsed is None:
            self._delete(key, "not a key of an upload")
            return
        job_id, role = parsed
        try:
            self._inspect_and_receive(key, job_id, role)
        except ObjectMissing:
            logger.info("upload is gone", job_id=job_id, role=role)
        except DarkroomError as error:
            self._reject(key, job_id, role, error)

    def _inspect_and_receive(self, key: str, job_id: str, role: str) -> None:
        """Inspect, clean and receive an upload. Raises ``ObjectMissing``, or ``DarkroomError`` for an unusable file."""
        received = self._inspector.inspect_and_clean(key, accept_audio=True)
        record, queued = self._store.receive_single_upload(job_id, role, received, due_at=self._due_at())
        if record is not None and queued:
            self._send(record)
        elif record is not None and self._is_expected(record, key, role):
            self._receive_of(record, key, role, received)
        elif record is None:
            self._delete(key, UNKNOWN_UPLOAD)

    def _receive_of(self, record: JobRecord, key: str, role: str, received: InspectedUpload) -> None:
        """Receive an upload that needs the job's record: several inputs, the result cache, a duplicate event or a
        mismatch.

        Raises ``ObjectMissing``, or ``DarkroomError`` for an unusable file.
        """
        replaced = _replaces(received, record.uploads[role])
        if record.state is State.AWAITING_UPLOAD:
            if replaced:
                raise DarkroomError(
                    ErrorCode.CHECKSUM_MISMATCH,
                    f"The {role} was uploaded twice, and the files differ. Submit a new job and upload each file once.",
                )
            received = self._inspector.check_declared(key, role, record.uploads[role], received)
            record = self._receive(record, role, received)
        elif replaced or not _is_type_of(received, record.uploads[role]):
            # The owner has put it in place of the upload that was received. Links to it would promise that the job
            # was made of it, and that it is clean.
            self._delete(key, "the job has taken another file")
            return
        if record.state is State.QUEUED and record.attempt == 0:
            # The process may have died between its write and its message; a second message is harmless.
            self._send(record)
        else:
            logger.info("upload has no effect", job_id=record.job_id, role=role, state=record.state)

    def _receive(self, record: JobRecord, role: str, received: InspectedUpload) -> JobRecord:
        """Receive one of several uploads; or the last one, and queue the job in the same write."""
        job_id = record.job_id
        if record.use_cache and received.sha256 is None:
            digest = self._inspector.sha256_of(upload_key(job_id, role), received.etag)
            received = replace(received, sha256=digest)
        last = {} if record.uploads[role].received else {role: received}
        if not _all_received(record, last):
            record, last = self._store.receive_upload(job_id, role, received) or record, {}
            if not _all_received(record, last):
                return record
        return (
            self._complete_from_cache(record, last)
            or self._store.queue(job_id, due_at=self._due_at(), received=last)
            or record
        )

    def _complete_from_cache(self, record: JobRecord, last: Mapping[str, InspectedUpload]) -> JobRecord | None:
        """Complete the job from the result cache; None if that is not wanted or not possible.

        ``last`` are its uploads that are not stored yet, by role.
        """
        uploads: dict[str, StoredUpload | InspectedUpload] = {**record.uploads, **last}
        inputs = {role: upload.sha256 for role, upload in uploads.items() if upload.sha256 is not None}
        if not record.use_cache or inputs.keys() != record.uploads.keys():
            return None
        cached = self._result_cache.find(
            owner=record.owner, kind=record.kind, engine=record.engine, params=record.params, inputs=inputs
        )
        if cached is None:
            return None
        expires_at = min(record.expires_at, cached.pictures_until)
        completed = self._store.complete_from_cache(record.job_id, cached.result, expires_at=expires_at, received=last)
        if completed is not None:
            self._result_cache.count_hit(cached)
            if record.window_ends is not None:
                self._rate_limiter.release(record.owner, record.kind, record.window_ends)
            job_metrics.report_job_ended(completed)
        return completed

    def _reject(self, key: str, job_id: str, role: str, error: DarkroomError) -> None:
        """Fail the job of an unusable upload, if it still waits for it."""
        record = self._store.get(job_id)
        if record is None:
            self._delete(key, UNKNOWN_UPLOAD)
            return
        if not self._is_expected(record, key, role):
            return
        if record.uploads[role].content_type not in MEDIA_TYPES:
            # A newer version accepted the request: the event is received again, by its function perhaps.
            raise error
        if isinstance(error, NotAPicture) and record.uploads[role].content_type in AUDIO_TYPES:
            error = not_audio_error(role, error.detected)
        failed = self._store.fail(job_id, error.detail, allowed={State.AWAITING_UPLOAD})
        # Without a transition, the owner has put it in place of an upload that was received. It cannot be cleaned.
        self._delete(key, error.detail.message)
        if failed is not None:
            job_metrics.report_job_ended(failed)

    def _is_expected(self, record: JobRecord, key: str, role: str) -> bool:
        """Return True if the job expects this upload; otherwise delete the upload.

        An input that was already received is kept: a duplicate event must not delete it.
        """
        if role not in record.uploads:
            self._delete(key, UNKNOWN_UPLOAD)
            return False
        if record.ended and not record.uploads[role].received:
            self._delete(key, f"the job is {record.state} already")
            return False
        return True

    def _send(self, record: JobRecord) -> None:
        self._queue.send(record)
        logger.info("queued", job_id=record.job_id)

    def _delete(self, key: str, reason: str) -> None:
        self._s3.delete_object(Bucket=self._settings.bucket, Key=key)
        logger.info("upload deleted", key=key, reason=reason)

    def _due_at(self) -> float:
        return time.time() + self._settings.queue_seconds


def _all_received(record: JobRecord, last: Collection[str]) -> bool:
    """Return True if every upload of the job was received, with those in ``last``."""
    return all(upload.received or role in last for role, upload in record.uploads.items())


def _is_type_of(received: InspectedUpload, upload: UploadStatus) -> bool:
    """Return True if the type is the declared one, or that is one of a newer version."""
    return upload.content_type not in MEDIA_TYPES or upload.content_type == received.content_type


def _replaces(received: InspectedUpload, upload: StoredUpload) -> bool:
    """Return True if another file was received for this upload before. Equal files have equal ETags."""
    return upload.received and upload.etag is not None and upload.etag != received.etag
