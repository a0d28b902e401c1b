"""What the API does with jobs: the logic behind its routes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Self
from uuid import UUID, uuid4, uuid5

from botocore.exceptions import BotoCoreError, ClientError

from cloud import observability
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import QUEUED, RECALLED, AlreadyExists, JobStore
from cloud.job_queue import JobQueue
from cloud.observability import logger
from cloud.s3.presigner import GRACE_SECONDS, PresignedPost, Presigner
from darkroom.contract.errors import DarkroomError, ErrorCode, ErrorDetail
from darkroom.contract.jobs import Job, State
from darkroom.contract.requests import BaseRequest, Kind
from handlers.jobs import resolved_request
from handlers.jobs.object_copies import Copies
from handlers.jobs.resolved_request import Library, Order, Rerun
from handlers.jobs.result_cache import CachedResult, ResultCache
from handlers.limits.budget import Budget
from handlers.limits.limit_exceeded import Refusal
from handlers.limits.rate_limiter import Limits
from handlers.settings import ApiSettings

# Names of jobs made with an idempotency key. Changing it would make replays look like new jobs.
NAMESPACE = UUID("6f0dbb0e-6c0f-5f0e-9a3e-6a4b3d1c7a52")

CANCELLED = ErrorDetail(code=ErrorCode.CANCELLED, message="Cancelled on request.", retryable=False)


@dataclass(frozen=True)
class Placed:
    """A job that was asked for, whether it is new, and what the answer's headers say of the rate limit."""

    record: JobRecord
    new: bool
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Means:
    """What a job is made with: what may be asked for, what is there already, and who goes on with it."""

    limits: Limits
    budget: Budget
    cache: ResultCache
    library: Library
    copies: Copies
    queue: JobQueue


@dataclass(frozen=True)
class _Name:
    """The id of a job about to be made, and the digest of the request that made it."""

    owner: str
    job_id: str
    digest: str
    may_exist: bool

    @classmethod
    def of(cls, owner: str, request: str, idempotency_key: str | None) -> Self:
        digest = sha256(request.encode()).hexdigest()
        if idempotency_key is None:
            return cls(owner, uuid4().hex, digest, may_exist=False)
        return cls(owner, uuid5(NAMESPACE, f"{owner}\n{idempotency_key}").hex, digest, may_exist=True)


class Desk:
    """Jobs, as their owner may handle them. Somebody else's job is not there: ``not_found``."""

    def __init__(self, settings: ApiSettings, store: JobStore, presigner: Presigner, means: Means) -> None:
        self._settings = settings
        self._store = store
        self._presigner = presigner
        self._means = means

    def create(self, owner: str, request: BaseRequest, idempotency_key: str | None) -> Placed:
        """A new job, or the one that the same key and request made before.

        Raises ``DarkroomError``: ``idempotency_mismatch`` when the key was used for another request,
        ``engine_unavailable``, ``not_found`` and ``conflict`` for assets, ``rate_limited``, ``budget_exceeded``.
        """
        name = _Name.of(owner, request.model_dump_json(), idempotency_key)
        engine = self._settings.default_engine
        return self._place(name, lambda: resolved_request.requested(request, owner, self._means.library, engine))

    def rerun(self, owner: str, job_id: str, rerun: Rerun, idempotency_key: str | None) -> Placed:
        """A job that ended, as a new one; or the one that the same key and request made before.

        Raises ``DarkroomError`` as ``create`` does, and ``not_found``, ``conflict`` or ``upload_expired`` when there
        is nothing to repeat. Raises ``RequestValidationError`` for params that are wrong.
        """
        record = self.get(owner, job_id)
        name = _Name.of(owner, f"{job_id}\n{rerun.model_dump_json()}", idempotency_key)
        return self._place(name, lambda: resolved_request.again(record, rerun, self._settings.default_engine))

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
            observability.ended(cancelled)
            return cancelled
        record = self.get(owner, job_id)
        if record.state is not State.CANCELLED:
            raise DarkroomError(ErrorCode.CONFLICT, f"The job has ended: it is {record.state}.")
        return record

    def renew(self, owner: str, job_id: str) -> JobRecord:
        """The job, given time for its uploads again. Raises ``DarkroomError`` with ``not_found`` or ``conflict``."""
        record = self.get(owner, job_id)
        renewed = self._store.postpone(job_id, State.AWAITING_UPLOAD, due_at=self._uploads_due())
        if renewed is None:
            raise DarkroomError(ErrorCode.CONFLICT, f"The job waits for no upload: it is {record.state}.")
        self._copy(renewed)
        return renewed

    def forms(self, record: JobRecord) -> dict[str, PresignedPost]:
        """The forms to upload what the job waits for."""
        return self._presigner.posts(record) if record.state is State.AWAITING_UPLOAD else {}

    def public(self, record: JobRecord) -> Job:
        """The job as its owner sees it, with fresh URLs."""
        return record.public(self._presigner.get)

    def _place(self, name: _Name, settle: Callable[[], Order]) -> Placed:
        """The job of this name; ``settle`` is asked what it is made of when it is not there yet."""
        existing = self._store.get(name.job_id) if name.may_exist else None
        if existing is not None:
            return self._replay(name, existing)
        wanted = settle()
        cached = self._cached(name.owner, wanted)
        return self._new(name, wanted) if cached is None else self._recalled(name, wanted, cached)

    def _cached(self, owner: str, wanted: Order) -> CachedResult | None:
        inputs = wanted.inputs
        if not wanted.cache or inputs is None:
            return None
        return self._means.cache.find(
            owner=owner, kind=wanted.kind, engine=wanted.engine, params=wanted.params, inputs=inputs
        )

    def _recalled(self, name: _Name, wanted: Order, cached: CachedResult) -> Placed:
        """A job that is done at once: the same was made before. It counts for nothing."""
        headers = self._means.limits.look(name.owner, wanted.kind).headers
        record = self._record(name, wanted, datetime.now(UTC))
        record = record.model_copy(
            update={
                "state": State.COMPLETED,
                "progress": 1.0,
                "message": RECALLED,
                "cached": True,
                "cost_usd": 0.0,
                "result": cached.result,
                "due_at": None,
                "use_cache": False,
                "copied_from": {role: cached.upload_key(role) for role in wanted.uploads},
                "expires_at": min(record.expires_at, cached.pictures_until),
            }
        )
        existing = self._create(record)
        if existing is not None:
            return self._replay(name, existing)
        self._means.cache.hit(cached)
        observability.ended(record)
        return Placed(record, new=True, headers=headers)

    def _new(self, name: _Name, wanted: Order) -> Placed:
        """A job that is to be worked on."""
        means, owner, now = self._means, name.owner, datetime.now(UTC)
        means.copies.check(wanted.copied_from.values())
        standing = means.limits.take(owner, wanted.kind)
        try:
            reserved = means.budget.reserve(owner, wanted.kind, wanted.engine, wanted.params, now=now)
        except Refusal as refusal:
            means.limits.give_back(owner, wanted.kind, standing.window_ends)
            refusal.headers.update(means.limits.look(owner, wanted.kind).headers)
            raise
        record = self._record(name, wanted, now).model_copy(
            update={"reserved_usd": reserved, "window_ends": standing.window_ends}
        )
        existing = self._create(record)
        if existing is not None:
            means.limits.give_back(owner, wanted.kind, standing.window_ends)
            means.budget.give_back(owner, reserved, now=now)
            return self._replay(name, existing)
        if record.state is State.QUEUED:
            self._send(record)
        self._copy(record)
        return Placed(record, new=True, headers=standing.headers)

    def _record(self, name: _Name, wanted: Order, now: datetime) -> JobRecord:
        waits = bool(wanted.uploads)
        return JobRecord(
            job_id=name.job_id,
            kind=wanted.kind,
            state=State.AWAITING_UPLOAD if waits else State.QUEUED,
            seq=1,
            message="Waiting for the pictures" if waits else QUEUED,
            engine=wanted.engine,
            allow_preview=wanted.allow_preview,
            params=dict(wanted.params),
            uploads=dict(wanted.uploads),
            created_at=now,
            updated_at=now,
            owner=name.owner,
            request_digest=name.digest,
            due_at=self._uploads_due() if waits else time.time() + self._settings.queue_seconds,
            expires_at=int((now + timedelta(days=self._settings.retention_days)).timestamp()),
            # What is known of every picture was looked for already.
            use_cache=wanted.cache and self._means.cache.on and wanted.inputs is None,
            copied_from=dict(wanted.copied_from),
        )

    def _create(self, record: JobRecord) -> JobRecord | None:
        """Put the job; None, or the one that was put under its id before."""
        try:
            self._store.create(record)
        except AlreadyExists:
            existing = self.get(record.owner, record.job_id)
            if existing.created_at != record.created_at:
                return existing
            # Our own: the write was made twice because the first answer was lost on its way.
        observability.created(record)
        return None

    def _replay(self, name: _Name, existing: JobRecord) -> Placed:
        if existing.request_digest != name.digest:
            raise DarkroomError(
                ErrorCode.IDEMPOTENCY_MISMATCH,
                "This Idempotency-Key came with another request before. Use a new key for a new job.",
            )
        waiting = self._store.postpone(existing.job_id, State.AWAITING_UPLOAD, due_at=self._uploads_due())
        if waiting is not None:
            self._copy(waiting)
        headers = self._means.limits.look(name.owner, existing.kind).headers
        return Placed(waiting or existing, new=False, headers=headers)

    def _send(self, record: JobRecord) -> None:
        try:
            self._means.queue.send(record)
        except (ClientError, BotoCoreError) as error:
            # The job is in the table: sweep sends what has been queued for too long.
            logger.warning("not sent to the queue", job_id=record.job_id, reason=str(error))

    def _copy(self, record: JobRecord) -> None:
        """Copy what the job starts from. Raises ``DarkroomError`` (``upload_expired``): it failed for that."""
        try:
            self._means.copies.make(record)
        except DarkroomError as error:
            failed = self._store.fail(record.job_id, error.detail, allowed={State.AWAITING_UPLOAD})
            if failed is not None:
                observability.ended(failed)
            raise

    def _uploads_due(self) -> float:
        return time.time() + self._settings.upload_seconds + GRACE_SECONDS
