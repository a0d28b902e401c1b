"""One invocation from its input to its outcome."""

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

from containers.gpu import metrics
from containers.gpu.engines import Engines, Prepared
from containers.gpu.log import job_context
from containers.gpu.looks import Looks
from containers.gpu.progress import ProgressWriter, Store, is_own
from containers.gpu.settings import Settings
from containers.gpu.storage import Storage
from handlers.store import Lost
from pipeline.artifacts import SavedPicture
from pipeline.errors import DarkroomError, ErrorCode
from pipeline.invocation import Abandoned, Completed, Failed, Invocation
from pipeline.jobs import State
from pipeline.requests import Engine, params_model
from pipeline.results import Picture, Result, StageTime
from pipeline.runner import Finished, Runner
from pipeline.stages import Stopped, Work

logger = logging.getLogger(__name__)

# The plan's progress ends here; storing what it made takes the rest.
PLAN_ENDS = 0.97


def typed_params(invocation: Invocation) -> BaseModel:
    """The params as their kind defines them. Raises ``ValidationError``."""
    return params_model(invocation.kind).model_validate(invocation.params)


class Worker:
    """Does jobs, any number at once from as many threads."""

    def __init__(self, settings: Settings, store: Store, storage: Storage, runner: Runner, engines: Engines) -> None:
        self._settings = settings
        self._store = store
        self._storage = storage
        self._runner = runner
        self._engines = engines
        self._writers: set[ProgressWriter] = set()
        self._lock = threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether any job is being done."""
        return bool(self._writers)

    def interrupt(self, reason: DarkroomError) -> None:
        """Have every running job fail with ``reason`` at its next report."""
        with self._lock:
            writers = list(self._writers)
        for writer in writers:
            writer.interrupt(reason)

    def run(self, invocation: Invocation, params: BaseModel) -> Completed | Failed | Abandoned:
        """Do the job and store its pictures, unless it is no longer this attempt's.

        Raises only what another attempt may mend, and what no outcome can say: AWS not answering.
        """
        job_id, attempt = invocation.job_id, invocation.attempt
        timeline: list[StageTime] = []
        stored: list[Picture] = []
        with (
            job_context(job_id, attempt),
            self._writer(job_id, attempt) as writer,
            self._looks(writer, invocation) as looks,
        ):
            began = time.monotonic()
            try:
                self._start(invocation)
                result = self._result(invocation, params, writer, timeline, stored)
                writer.close()
                self._confirm(invocation, writer, stored)
            except Stopped:
                self._forget(invocation, stored)
                logger.info("abandoned")
                return Abandoned(job_id=job_id, attempt=attempt)
            except DarkroomError as error:
                self._forget(invocation, stored)
                if error.detail.code is ErrorCode.REJECTED_CONTENT:
                    looks.forget()
                logger.info("failed: %s", error.detail.code)
                return Failed(job_id=job_id, attempt=attempt, error=error.detail, timeline=timeline)
            logger.info("completed in %.3f s", time.monotonic() - began)
            return Completed(job_id=job_id, attempt=attempt, result=result, timeline=timeline)

    @contextmanager
    def _writer(self, job_id: str, attempt: int) -> Iterator[ProgressWriter]:
        settings = self._settings
        writer = ProgressWriter(
            self._store, job_id, attempt, interval=settings.progress_seconds, heartbeat=settings.heartbeat_seconds
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
    def _looks(self, writer: ProgressWriter, invocation: Invocation) -> Iterator[Looks]:
        looks = Looks(self._storage, invocation.job_id, invocation.attempt, writer.preview)
        writer.show = looks.show
        try:
            yield looks
        finally:
            looks.close()

    def _start(self, invocation: Invocation) -> None:
        if datetime.now(UTC) >= invocation.deadline:
            raise DarkroomError(
                ErrorCode.TIMED_OUT, "The job's time was up before a machine was free. Try again.", retryable=True
            )
        try:
            self._store.start(invocation.job_id, invocation.attempt, message="Starting")
        except Lost as error:
            raise Stopped from error

    def _result(
        self,
        invocation: Invocation,
        params: BaseModel,
        writer: ProgressWriter,
        timeline: list[StageTime],
        stored: list[Picture],
    ) -> Result:
        models = invocation.engine is Engine.MODELS
        if models:
            writer.report(invocation.progress, "prepare", "Getting the models ready", timeline)
        with _timed("prepare", timeline) if models else nullcontext():
            prepared = self._engines.prepare(invocation.kind, invocation.engine, invocation.allow_preview)
        try:
            with tempfile.TemporaryDirectory(prefix="darkroom-", ignore_cleanup_errors=True) as name:
                finished = self._made(invocation, params, prepared, Path(name), writer, timeline, stored)
        finally:
            metrics.stages(invocation, prepared.plan.engine, timeline)
        return _described(finished, stored, params)

    def _made(
        self,
        invocation: Invocation,
        params: BaseModel,
        prepared: Prepared,
        folder: Path,
        writer: ProgressWriter,
        timeline: list[StageTime],
        stored: list[Picture],
    ) -> Finished:
        plan = prepared.plan
        files: dict[str, Path] = {}
        if plan.steps:
            writer.report(invocation.progress, "download", "Fetching what was uploaded", timeline)
            with _timed("download", timeline):
                files = self._download(invocation, folder)
        work = Work(params, files, folder, models=prepared.models)
        if plan.engine is not invocation.engine:
            work.notes.append(f"Made by the {plan.engine} engine: the {invocation.engine} engine is not available.")
        span = (invocation.progress, max(invocation.progress, PLAN_ENDS))
        finished = self._runner.run(plan, work, writer, invocation.deadline, span=span, timeline=timeline)
        if finished.pictures:
            writer.report(span[1], "upload", "Storing the pictures", timeline)
            with _timed("upload", timeline):
                self._upload(invocation, finished.pictures, writer, stored)
        return finished

    def _download(self, invocation: Invocation, folder: Path) -> dict[str, Path]:
        files = {role: folder / f"upload-{index}" for index, role in enumerate(invocation.uploads)}
        for role, key in invocation.uploads.items():
            self._storage.download(key, files[role], limit=self._settings.max_upload_bytes)
        return files

    def _upload(
        self,
        invocation: Invocation,
        pictures: Sequence[SavedPicture],
        writer: ProgressWriter,
        stored: list[Picture],
    ) -> None:
        for saved in pictures:
            writer.check()
            suffix = saved.path.suffix
            there = self._storage.upload(
                saved.path,
                f"results/{invocation.job_id}/{saved.name}{suffix}",
                content_type=saved.content_type,
                filename=f"{invocation.kind}-{invocation.job_id[:8]}-{saved.name}{suffix}",
            )
            stored.append(
                Picture(
                    name=saved.name,
                    key=there.key,
                    content_type=saved.content_type,
                    width=saved.width,
                    height=saved.height,
                    size=there.size,
                    sha256=there.sha256,
                )
            )

    def _confirm(self, invocation: Invocation, writer: ProgressWriter, stored: Sequence[Picture]) -> None:
        """Look once more after storing, so that a job cancelled meanwhile leaves nothing behind."""
        writer.check()
        if stored and not is_own(self._store.get(invocation.job_id), invocation.attempt):
            raise Stopped

    def _forget(self, invocation: Invocation, stored: Sequence[Picture]) -> None:
        """Delete what was stored, unless another attempt, or this one on another machine, has its own there."""
        if not stored:
            return
        try:
            record = self._store.get(invocation.job_id)
        except (ClientError, BotoCoreError):
            logger.warning("kept what was stored", exc_info=True)
            return
        if record is None or (record.attempt == invocation.attempt and record.state is not State.COMPLETED):
            self._storage.delete(picture.key for picture in stored)


def _described(finished: Finished, stored: Sequence[Picture], params: BaseModel) -> Result:
    return Result(
        pictures=list(stored),
        engine=finished.engine,
        seed=getattr(params, "seed", None) if finished.seed is None else finished.seed,
        models=list(finished.models),
        quality=finished.quality,
        room=finished.room,
        objects=list(finished.objects),
        notes=list(finished.notes),
    )


@contextmanager
def _timed(stage: str, timeline: list[StageTime]) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    finally:
        timeline.append(StageTime(stage=stage, seconds=time.monotonic() - started))
