"""What the API does with jobs: the logic behind its routes."""

import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4, uuid5

from handlers import observe
from handlers.record import JobRecord
from handlers.settings import ApiSettings
from handlers.store import AlreadyExists, JobStore
from handlers.uploads import PresignedPost, Presigner
from pipeline.errors import DarkroomError, ErrorCode, ErrorDetail
from pipeline.jobs import Job, State, UploadStatus
from pipeline.requests import BaseRequest, Kind, engine_for

# Names of jobs made with an idempotency key. Changing it would make replays look like new jobs.
NAMESPACE = UUID("6f0dbb0e-6c0f-5f0e-9a3e-6a4b3d1c7a52")
# An upload that began just before its form expired may still be on its way.
GRACE_SECONDS = 60

CANCELLED = ErrorDetail(code=ErrorCode.CANCELLED, message="Cancelled on request.", retryable=False)


class Desk:
    """Jobs, as their owner may handle them. Somebody else's job is not there: ``not_found``."""

    def __init__(self, settings: ApiSettings, store: JobStore, presigner: Presigner) -> None:
        self._settings = settings
        self._store = store
        self._presigner = presigner

    def create(self, owner: str, request: BaseRequest, idempotency_key: str | None) -> tuple[JobRecord, bool]:
        """A new job, or the one that the same key and request made before; and whether it is new.

        Raises ``DarkroomError`` with ``idempotency_mismatch`` when the key was used for another request.
        """
        now = datetime.now(UTC)
        record = JobRecord(
            job_id=uuid4().hex if idempotency_key is None else uuid5(NAMESPACE, f"{owner}\n{idempotency_key}").hex,
            kind=request.kind,
            state=State.AWAITING_UPLOAD,
            seq=1,
            message="Waiting for the pictures",
            engine=engine_for(request.kind, request.engine, self._settings.default_engine),
            allow_preview=request.allow_preview,
            params=request.params.model_dump(mode="json"),
            uploads={
                role: UploadStatus.model_validate(upload) for role, upload in request.uploads.model_dump().items()
            },
            created_at=now,
            updated_at=now,
            owner=owner,
            request_digest=sha256(request.model_dump_json().encode()).hexdigest(),
            due_at=self._due(),
            expires_at=int((now + timedelta(days=self._settings.retention_days)).timestamp()),
        )
        try:
            self._store.create(record)
        except AlreadyExists:
            return self._replay(owner, record), False
        observe.created(record)
        return record, True

    def get(self, owner: str, job_id: str) -> JobRecord:
        """A job. Raises ``DarkroomError`` with ``not_found``."""
        record = self._store.get(job_id) if len(job_id) == 32 else None
        if record is None or record.owner != owner:
            raise DarkroomError(ErrorCode.NOT_FOUND, "You have no job with this id.")
        return record

    def page(
        self, owner: str, *, limit: int, state: State | None, kind: Kind | None, after: tuple[str, str] | None
    ) -> tuple[list[JobRecord], tuple[str, str] | None]:
        """Jobs of ``owner``, newest first, and where to go on."""
        return self._store.page(owner, limit=limit, state=state, kind=kind, after=after)

    def cancel(self, owner: str, job_id: str) -> JobRecord:
        """The job, cancelled now or before. Raises ``DarkroomError`` with ``not_found``, or ``conflict`` at its end."""
        cancelled = self._store.cancel(job_id, owner, CANCELLED) if len(job_id) == 32 else None
        if cancelled is not None:
            observe.ended(cancelled)
            return cancelled
        record = self.get(owner, job_id)
        if record.state is not State.CANCELLED:
            raise DarkroomError(ErrorCode.CONFLICT, f"The job has ended: it is {record.state}.")
        return record

    def renew(self, owner: str, job_id: str) -> JobRecord:
        """The job, given time for its uploads again. Raises ``DarkroomError`` with ``not_found`` or ``conflict``."""
        record = self.get(owner, job_id)
        renewed = self._store.postpone(job_id, State.AWAITING_UPLOAD, due_at=self._due())
        if renewed is None:
            raise DarkroomError(ErrorCode.CONFLICT, f"The job waits for no upload: it is {record.state}.")
        return renewed

    def forms(self, record: JobRecord) -> dict[str, PresignedPost]:
        """The forms to upload what the job waits for."""
        return self._presigner.posts(record) if record.state is State.AWAITING_UPLOAD else {}

    def public(self, record: JobRecord) -> Job:
        """The job as its owner sees it, with fresh URLs."""
        return record.public(self._presigner.get)

    def _replay(self, owner: str, record: JobRecord) -> JobRecord:
        existing = self.get(owner, record.job_id)
        if existing.request_digest != record.request_digest:
            raise DarkroomError(
                ErrorCode.IDEMPOTENCY_MISMATCH,
                "This Idempotency-Key came with another request before. Use a new key for a new job.",
            )
        return self._store.postpone(record.job_id, State.AWAITING_UPLOAD, due_at=self._due()) or existing

    def _due(self) -> float:
        return time.time() + self._settings.upload_seconds + GRACE_SECONDS
