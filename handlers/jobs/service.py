"""Job service: the logic behind the job routes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from cloud import job_metrics
from cloud.dynamodb.job_changes import CACHED_MESSAGE, QUEUED_MESSAGE
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import AlreadyExists, JobStore
from cloud.dynamodb.transaction import ConditionFailed
from cloud.job_queue import JobQueue
from cloud.observability import logger
from cloud.s3.presigner import GRACE_SECONDS, PresignedPost, Presigner
from darkroom.contract.errors import DarkroomError, ErrorCode, ErrorDetail
from darkroom.contract.jobs import Job, State
from darkroom.contract.kinds import Kind
from darkroom.contract.requests import BaseRequest
from handlers.jobs import resolved_request
from handlers.jobs.job_identity import JobIdentity
from handlers.jobs.object_copies import ObjectCopier
from handlers.jobs.prefetch import Prefetch, Prefetched
from handlers.jobs.resolved_request import AssetLibrary, Rerun, ResolvedRequest
from handlers.jobs.result_cache import CachedResult, ResultCache
from handlers.limits.budget import Budget
from handlers.limits.limit_exceeded import LimitExceeded
from handlers.limits.rate_limiter import RateLimiter
from handlers.limits.work_limit import check_work
from handlers.settings.api import ApiSettings

CANCELLED_ERROR = ErrorDetail(code=ErrorCode.CANCELLED, message="Cancelled on request.", retryable=False)


@dataclass(frozen=True)
class SubmittedJob:
    """Outcome of a submission: the job, True in ``new`` if it was created now, and rate limit headers."""

    record: JobRecord
    new: bool
    headers: Mapping[str, str]


@dataclass(frozen=True)
class JobDependencies:
    """Collaborators of the job service."""

    rate_limiter: RateLimiter
    budget: Budget
    result_cache: ResultCache
    prefetch: Prefetch
    library: AssetLibrary
    copier: ObjectCopier
    queue: JobQueue


class JobService:
    """Creates, reads and cancels jobs of an owner. Another owner's job is ``not_found``."""

    def __init__(
        self, settings: ApiSettings, store: JobStore, presigner: Presigner, dependencies: JobDependencies
    ) -> None:
        self._settings = settings
        self._store = store
        self._presigner = presigner
        self._dependencies = dependencies

    def create(self, owner: str, request: BaseRequest, idempotency_key: str | None) -> SubmittedJob:
        """Create a job, or return the one that the same key and request created before.

        Raises ``DarkroomError``: ``idempotency_mismatch`` when the key was used for another request,
        ``engine_unavailable``, ``too_long``, ``not_found`` and ``conflict`` for assets, ``rate_limited``,
        ``budget_exceeded``.
        """
        identity = JobIdentity.of(owner, request, idempotency_key)
        engine, library = self._settings.default_engine, self._dependencies.library
        return self._submit(
            identity,
            self._dependencies.prefetch.read(identity, request.kind, cache=request.cache),
            lambda: resolved_request.resolve_request(request, owner, library, engine),
        )

    def rerun(self, owner: str, job_id: str, rerun: Rerun, idempotency_key: str | None) -> SubmittedJob:
        """Create a new job from an ended one, or return the one that the same key and request created before.

        Raises ``DarkroomError`` as ``create`` does, and ``not_found``, ``conflict`` or ``upload_expired`` when there is
        nothing to repeat. Raises ``RequestValidationError`` for invalid params.
        """
        record = self.get(owner, job_id)
        identity = JobIdentity.of(owner, rerun, idempotency_key, prefix=f"{job_id}\n")
        return self._submit(
            identity,
            self._dependencies.prefetch.read(identity, record.kind, cache=rerun.cache),
            lambda: resolved_request.resolve_rerun(record, rerun, self._settings.default_engine),
        )

    def get(self, owner: str, job_id: str) -> JobRecord:
        """Return a job. Raises ``DarkroomError`` with ``not_found``."""
        record = self._store.get(job_id) if len(job_id) == 32 else None
        if record is None or record.owner != owner:
            raise DarkroomError(ErrorCode.NOT_FOUND, "You have no job with this id.")
        return record

    def page(
        self, owner: str, *, limit: int, state: State | None, kind: Kind | None, after: tuple[str, str] | None
    ) -> tuple[list[JobRecord], tuple[str, str] | None]:
        """Return jobs of ``owner``, newest first, and the position of the next page."""
        return self._store.page(owner, limit=limit, state=state, kind=kind, after=after)

    def cancel(self, owner: str, job_id: str) -> JobRecord:
        """Cancel a job; idempotent. Raises ``DarkroomError`` with ``not_found``, or ``conflict`` if it ended
        otherwise.
        """
        cancelled = self._store.cancel(job_id, owner, CANCELLED_ERROR) if len(job_id) == 32 else None
        if cancelled is not None:
            job_metrics.report_job_ended(cancelled)
            return cancelled
        record = self.get(owner, job_id)
        if record.state is not State.CANCELLED:
            raise DarkroomError(ErrorCode.CONFLICT, f"The job has ended: it is {record.state}.")
        return record

    def renew_uploads(self, owner: str, job_id: str) -> JobRecord:
        """Extend the upload deadline of a job. Raises ``DarkroomError`` with ``not_found`` or ``conflict``."""
        record = self.get(owner, job_id)
        renewed = self._store.postpone(job_id, State.AWAITING_UPLOAD, due_at=self._uploads_due())
        if renewed is None:
            raise DarkroomError(ErrorCode.CONFLICT, f"The job waits for no upload: it is {record.state}.")
        self._copy_inputs(renewed)
        return renewed

    def presigned_posts(self, record: JobRecord) -> dict[str, PresignedPost]:
        """Return the presigned POSTs of the uploads that the job expects, by role."""
        return self._presigner.posts(record) if record.state is State.AWAITING_UPLOAD else {}

    def public(self, record: JobRecord) -> Job:
        """Return the job as its owner sees it, with fresh presigned URLs."""
        return record.public(self._presigner.get)

    def _submit(
        self, identity: JobIdentity, prefetched: Prefetched, resolve: Callable[[], ResolvedRequest]
    ) -> SubmittedJob:
        """Return the job of this identity, creating it if needed; ``resolve`` is only called for a new job."""
        if prefetched.existing is not None:
            return self._replay(identity, prefetched.existing)
        resolved = resolve()
        self._check_work(resolved)
        cached = self._find_cached(identity.owner, resolved, prefetched)
        if cached is not None:
            return self._complete_from_cache(identity, resolved, cached)
        return self._create_new(identity, resolved, window_open=prefetched.window_open)

    def _check_work(self, resolved: ResolvedRequest) -> None:
        """Raise ``DarkroomError`` (``too_long``) for a video that the lane of its engine could not make in time."""
        lane, engine = self._settings.lane_of(resolved.engine), resolved.engine
        limit = self._settings.time_limit(resolved.kind, lane)
        check_work(resolved.kind, engine, resolved.params, lane=lane, limit_seconds=limit)

    def _find_cached(self, owner: str, resolved: ResolvedRequest, prefetched: Prefetched) -> CachedResult | None:
        inputs = resolved.input_digests
        if not resolved.cache or inputs is None:
            return None
        return self._dependencies.result_cache.find(
            owner=owner,
            kind=resolved.kind,
            engine=resolved.engine,
            params=resolved.params,
            inputs=inputs,
            engine_digests=prefetched.engine_digests,
        )

    def _complete_from_cache(
        self, identity: JobIdentity, resolved: ResolvedRequest, cached: CachedResult
    ) -> SubmittedJob:
        """Create a job that is completed by a cached result. It uses no rate limit and no budget."""
        headers = self._dependencies.rate_limiter.status(identity.owner, resolved.kind).headers
        record = self._record(identity, resolved, datetime.now(UTC))
        record = record.model_copy(
            update={
                "state": State.COMPLETED,
                "ended": True,
                "progress": 1.0,
                "message": CACHED_MESSAGE,
                "cached": True,
                "cost_usd": 0.0,
                "result": cached.result,
                "due_at": None,
                "use_cache": False,
                "cache_miss": False,
                "copied_from": {role: cached.upload_key(role) for role in resolved.uploads},
                "copied_etags": cached.input_etags,
                "expires_at": min(record.expires_at, cached.pictures_until),
            }
        )
        existing = self._create(record)
        if existing is not None:
            return self._replay(identity, existing)
        self._dependencies.result_cache.count_hit(cached)
        job_metrics.report_job_ended(record)
        return SubmittedJob(record, new=True, headers=headers)

    def _create_new(self, identity: JobIdentity, resolved: ResolvedRequest, *, window_open: bool) -> SubmittedJob:
        """Create a job that has to run: acquire its rate limit and reserve its budget."""
        dependencies, owner, now = self._dependencies, identity.owner, datetime.now(UTC)
        dependencies.copier.check_sources(resolved.copied_from, resolved.copied_etags)
        rate_limit = dependencies.rate_limiter.acquire(owner, resolved.kind, window_open=window_open)
        estimate = dependencies.budget.estimate(resolved.kind, resolved.engine, resolved.params)
        record = self._record(identity, resolved, now).model_copy(
            update={"reserved_usd": estimate, "window_ends": rate_limit.window_ends}
        )
        try:
            existing = self._create(record)
        except LimitExceeded as exceeded:
            dependencies.rate_limiter.release(owner, resolved.kind, rate_limit.window_ends)
            exceeded.headers.update(dependencies.rate_limiter.status(owner, resolved.kind).headers)
            raise
        if existing is not None:
            dependencies.rate_limiter.release(owner, resolved.kind, rate_limit.window_ends)
            return self._replay(identity, existing)
        if record.state is State.QUEUED:
            self._send(record)
        self._copy_inputs(record)
        return SubmittedJob(record, new=True, headers=rate_limit.headers)

    def _record(self, identity: JobIdentity, resolved: ResolvedRequest, now: datetime) -> JobRecord:
        awaits_uploads = bool(resolved.uploads)
        uses_cache = resolved.cache and self._dependencies.result_cache.enabled
        return JobRecord(
            job_id=identity.job_id,
            kind=resolved.kind,
            state=State.AWAITING_UPLOAD if awaits_uploads else State.QUEUED,
            seq=1,
            message="Waiting for the pictures" if awaits_uploads else QUEUED_MESSAGE,
            engine=resolved.engine,
            allow_preview=resolved.allow_preview,
            params=dict(resolved.params),
            uploads=dict(resolved.uploads),
            created_at=now,
            updated_at=now,
            owner=identity.owner,
            request_digest=identity.digest,
            essential_digest=identity.essential_digest,
            due_at=self._uploads_due() if awaits_uploads else time.time() + self._settings.queue_seconds,
            expires_at=int((now + timedelta(days=self._settings.retention_days)).timestamp()),
            # With every digest known, the cache has already been looked up.
            use_cache=uses_cache and resolved.input_digests is None,
            cache_miss=uses_cache and resolved.input_digests is not None,
            copied_from=dict(resolved.copied_from),
            copied_etags=dict(resolved.copied_etags),
        )

    def _create(self, record: JobRecord) -> JobRecord | None:
        """Put the job and reserve its budget, both or neither; return None, or the existing job with its id.

        Raises ``LimitExceeded`` when the budget does not suffice.
        """
        budget, owner, now, estimate = self._dependencies.budget, record.owner, record.created_at, record.reserved_usd
        try:
            reservation = [] if estimate is None else budget.reservation(owner, estimate, now=now)
            self._store.create(record, together_with=reservation)
        except AlreadyExists:
            existing = self.get(record.owner, record.job_id)
            if existing.created_at != record.created_at:
                return existing
            # Our own job: botocore retried the write because the first response was lost.
        except ConditionFailed:
            raise budget.refusal(owner, estimate or 0, now=now) from None
        job_metrics.count_job_created()
        return None

    def _replay(self, identity: JobIdentity, existing: JobRecord) -> SubmittedJob:
        if not identity.is_of(existing):
            raise DarkroomError(
                ErrorCode.IDEMPOTENCY_MISMATCH,
                "This Idempotency-Key came with another request before. Use a new key for a new job.",
            )
        waiting = self._store.postpone(existing.job_id, State.AWAITING_UPLOAD, due_at=self._uploads_due())
        if waiting is not None:
            self._copy_inputs(waiting)
        headers = self._dependencies.rate_limiter.status(identity.owner, existing.kind).headers
        return SubmittedJob(waiting or existing, new=False, headers=headers)

    def _send(self, record: JobRecord) -> None:
        try:
            self._dependencies.queue.send(record)
        except (ClientError, BotoCoreError) as error:
            # The job is in the table: sweep sends its message again after queue_seconds.
            logger.warning("not sent to the queue", job_id=record.job_id, reason=str(error))

    def _copy_inputs(self, record: JobRecord) -> None:
        """Copy the job's inputs. Fails the job and raises ``DarkroomError`` (``upload_expired``) if one no longer
        exists.
        """
        try:
            self._dependencies.copier.copy_inputs(record)
        except DarkroomError as error:
            failed = self._store.fail(record.job_id, error.detail, allowed={State.AWAITING_UPLOAD})
            if failed is not None:
                job_metrics.report_job_ended(failed)
            raise

    def _uploads_due(self) -> float:
        return time.time() + self._settings.upload_seconds + GRACE_SECONDS
