"""Worker: runs an invocation, from the download of its inputs to the upload of its results."""

import logging
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel

from cloud.dynamodb.progress_store import ProgressStore
from cloud.invocation import Abandoned, Completed, Failed, Invocation
from cloud.s3.keys import results_prefix
from containers.worker.attempt import Attempt
from containers.worker.intermediates import S3Intermediates
from containers.worker.json_logging import job_context
from containers.worker.plan_preparer import PlanPreparer, PreparedPlan
from containers.worker.progress import ProgressWriter, owns_job
from containers.worker.progress_images import ProgressImages
from containers.worker.settings import Settings
from containers.worker.stage_times import log_stage_times
from containers.worker.storage import Storage
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jobs import State
from darkroom.contract.kinds import VIDEO_KINDS
from darkroom.contract.results import Result, StageTime
from pipeline.core.artifacts import SavedFile
from pipeline.core.runner import PlanResult, Runner
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.speech.types import SpeechSynthesiser

logger = logging.getLogger(__name__)

# Stages outside a plan, with their messages.
PREPARE = ("prepare", "Getting the models ready")
DOWNLOAD = ("download", "Fetching what was uploaded")
UPLOAD = ("upload", "Storing the result")
# Prefix of the folder of a running job.
TEMPORARY_PREFIX = "darkroom-"
# The plan's share of the progress ends here; uploading its results takes the rest.
PLAN_PROGRESS_END = 0.97


class Worker:
    """Runs jobs. Thread-safe: one thread per job."""

    def __init__(
        self,
        settings: Settings,
        store: ProgressStore,
        storage: Storage,
        runner: Runner,
        plan_preparer: PlanPreparer,
        speaker: SpeechSynthesiser | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._storage = storage
        self._runner = runner
        self._plan_preparer = plan_preparer
        self._speaker = speaker
        self._writers: set[ProgressWriter] = set()
        self._lock = threading.Lock()

    @property
    def jobs(self) -> int:
        """Number of running jobs."""
        return len(self._writers)

    def interrupt(self, reason: DarkroomError) -> None:
        """Make every running job fail with ``reason`` at its next report."""
        with self._lock:
            writers = list(self._writers)
        for writer in writers:
            writer.interrupt(reason)

    def run(self, invocation: Invocation, params: BaseModel) -> Completed | Failed | Abandoned:
        """Run the job, upload its results and return the outcome.

        The outcome is ``Abandoned`` if the job no longer belongs to this attempt.
        Raises only errors of AWS calls, which have no outcome of their own and which another attempt may not meet.
        """
        job_id, attempt_number = invocation.job_id, invocation.attempt
        with (
            job_context(job_id, attempt_number),
            self._writer(invocation) as writer,
            self._progress_images(writer, invocation) as progress_images,
        ):
            started = time.monotonic()
            intermediates = S3Intermediates(self._storage, job_id, limit=self._settings.max_part_bytes)
            attempt = Attempt(invocation, params, writer, progress_images, intermediates)
            try:
                self._start(attempt)
                prepared = self._prepare_plan(attempt)
                result = self._run_prepared(attempt, prepared)
                writer.close(write_last=False)
                self._confirm_ownership(attempt)
            except JobAbandoned:
                self._discard_stored(attempt)
                logger.info("abandoned")
                return Abandoned(job_id=job_id, attempt=attempt_number)
            except DarkroomError as error:
                self._discard_stored(attempt)
                if error.detail.code is ErrorCode.REJECTED_CONTENT:
                    progress_images.delete_all()
                if not error.detail.retryable:
                    attempt.delete_intermediates()
                logger.info("failed: %s", error.detail.code)
                return Failed(job_id=job_id, attempt=attempt_number, error=error.detail, timeline=attempt.timeline)
            attempt.delete_intermediates()
            logger.info("completed in %.3f s", time.monotonic() - started)
            return Completed(
                job_id=job_id,
                attempt=attempt_number,
                result=result,
                timeline=attempt.timeline,
                inputs=attempt.inputs,
                engine_digest=prepared.digest,
            )

    @contextmanager
    def _writer(self, invocation: Invocation) -> Iterator[ProgressWriter]:
        settings = self._settings
        interval = settings.video_progress_seconds if invocation.kind in VIDEO_KINDS else settings.progress_seconds
        writer = ProgressWriter(
            self._store,
            invocation.job_id,
            invocation.attempt,
            floor=settings.progress_seconds,
            interval=interval,
            heartbeat=settings.heartbeat_seconds,
        )
        with self._lock:
            self._writers.add(writer)
        try:
            yield writer
        finally:
            with self._lock:
                self._writers.discard(writer)
            writer.close()

    @contextmanager
    def _progress_images(self, writer: ProgressWriter, invocation: Invocation) -> Iterator[ProgressImages]:
        progress_images = ProgressImages(
            self._storage, invocation.job_id, invocation.attempt, writer.progress_image_stored
        )
        writer.report_progress_image = progress_images.enqueue
        try:
            yield progress_images
        finally:
            progress_images.close()

    def _start(self, attempt: Attempt) -> None:
        invocation, now = attempt.invocation, datetime.now(UTC)
        if now >= invocation.deadline:
            raise DarkroomError(
                ErrorCode.TIMED_OUT, "The job's time was up before a machine was free. Try again.", retryable=True
            )
        due_at = attempt.start_time_limit(now)
        attempt.writer.start(invocation.progress, *_first_stage(invocation), due_at=due_at)

    def _prepare_plan(self, attempt: Attempt) -> PreparedPlan:
        invocation = attempt.invocation
        models = invocation.engine is Engine.MODELS
        if models:
            attempt.report(*PREPARE)
        with _timed(PREPARE[0], attempt.timeline) if models else nullcontext():
            return self._plan_preparer.prepare(
                invocation.kind, invocation.engine, invocation.allow_preview, attempt.params
            )

    def _run_prepared(self, attempt: Attempt, prepared: PreparedPlan) -> Result:
        try:
            with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, ignore_cleanup_errors=True) as name:
                plan_result = self._run_plan(attempt, prepared, Path(name))
        finally:
            log_stage_times(attempt.invocation, prepared.plan.engine, attempt.timeline)
        return attempt.to_result(plan_result)

    def _run_plan(self, attempt: Attempt, prepared: PreparedPlan, folder: Path) -> PlanResult:
        plan, invocation = prepared.plan, attempt.invocation
        files: dict[str, Path] = {}
        if plan.steps and invocation.uploads:
            attempt.report(*DOWNLOAD)
            with _timed(DOWNLOAD[0], attempt.timeline):
                files = self._download(attempt, folder)
        context = StageContext(
            attempt.params,
            files,
            folder,
            network_provider=prepared.network_provider,
            speaker=self._speaker,
            intermediates=attempt.intermediates,
            max_video_seconds=self._settings.max_video_seconds,
        )
        if plan.engine is not invocation.engine:
            context.notes.append(f"Made by the {plan.engine} engine: the {invocation.engine} engine is not available.")
        span = (invocation.progress, max(invocation.progress, PLAN_PROGRESS_END))
        plan_result = self._runner.run(
            plan, context, attempt.writer, attempt.deadline, span=span, timeline=attempt.timeline
        )
        if plan_result.unsafe_progress_images:
            attempt.progress_images.delete_all()
        if plan_result.files:
            attempt.report(*UPLOAD, span[1])
            with _timed(UPLOAD[0], attempt.timeline):
                self._upload(attempt, plan_result.files)
        return plan_result

    def _download(self, attempt: Attempt, folder: Path) -> dict[str, Path]:
        invocation, limit = attempt.invocation, self._settings.max_upload_bytes
        files = {role: folder / f"upload-{index}" for index, role in enumerate(invocation.uploads)}
        for role, key in invocation.uploads.items():
            attempt.inputs[role] = self._storage.download(
                key,
                files[role],
                limit=limit,
                etag=invocation.etags.get(role),
                retry_if_replaced=invocation.attempt == 1,
            )
        return files

    def _upload(self, attempt: Attempt, files: Sequence[SavedFile]) -> None:
        invocation = attempt.invocation
        for saved in files:
            attempt.writer.check()
            uploaded = self._storage.upload_file(
                saved.path,
                f"{results_prefix(invocation.job_id)}{saved.path.name}",
                content_type=saved.content_type,
                filename=f"{invocation.kind}-{invocation.job_id[:8]}-{saved.path.name}",
            )
            attempt.stored.append(saved.to_result_file(uploaded.key, uploaded.size, uploaded.sha256))

    def _confirm_ownership(self, attempt: Attempt) -> None:
        """Check the ownership again after the upload, so that a job cancelled meanwhile leaves no files."""
        attempt.writer.check()
        invocation = attempt.invocation
        if attempt.stored and not owns_job(self._store.get(invocation.job_id), invocation.attempt):
            raise JobAbandoned

    def _discard_stored(self, attempt: Attempt) -> None:
        """Delete the uploaded files, unless another attempt, or a duplicate of this one, may have its own there."""
        if not (attempt.stored or attempt.intermediates.has_stored):
            return
        invocation = attempt.invocation
        try:
            record = self._store.get(invocation.job_id)
        except (ClientError, BotoCoreError):
            logger.warning("stored files were kept, as the job's record could not be read", exc_info=True)
            return
        if record is None or (record.attempt == invocation.attempt and record.state is not State.COMPLETED):
            self._storage.delete(each.key for each in attempt.stored)
        if record is None or record.state.terminal:
            attempt.delete_intermediates()


def _first_stage(invocation: Invocation) -> tuple[str | None, str]:
    """Return stage and message that an attempt starts with, so that they need no write of their own."""
    if invocation.engine is Engine.MODELS:
        return PREPARE
    return DOWNLOAD if invocation.uploads else (None, "Starting")


@contextmanager
def _timed(stage: str, timeline: list[StageTime]) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    finally:
        timeline.append(StageTime(stage=stage, seconds=time.monotonic() - started))
