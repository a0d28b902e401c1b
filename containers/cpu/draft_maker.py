"""Draft maker: makes the preview engine's picture of a job that waits for a GPU, and shows it in its place."""

import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from cloud import clients
from cloud.dynamodb.draft_store import DraftStore, awaits_draft
from cloud.dynamodb.job_record import JobRecord
from cloud.invocation import DraftInvocation, Invocation
from containers.cpu.settings import FunctionSettings
from containers.worker.invocation_params import typed_params
from containers.worker.json_logging import job_context
from containers.worker.progress_images import CONTENT_TYPE, progress_images_prefix
from containers.worker.storage import Storage
from containers.worker.worker import TEMPORARY_PREFIX
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError
from darkroom.contract.kinds import Kind
from darkroom.contract.params import Format
from darkroom.contract.results import PreviewPicture, StageTime
from pipeline.core.arrays import Rgb
from pipeline.core.runner import Runner
from pipeline.core.stages import Plan, StageContext
from pipeline.decoding.client import decode_picture
from pipeline.imaging.codec import encode_progress_image, on_white
from pipeline.imaging.reduced_inputs import reduce_inputs
from pipeline.imaging.resize import downscaled
from pipeline.plans import get_plan

logger = logging.getLogger(__name__)

DRAFT_SIDE = 1024  # longer side of a draft, in pixels
DRAFT_QUALITY = 85  # of its JPEG
# A draft takes a second or two. One that takes as long as this will not come before the GPU's first image.
DRAFT_SECONDS = 60.0


class DraftMaker:
    """Makes drafts, one at a time. A draft is nobody's attempt: its failure is a line in the log, and no more."""

    def __init__(
        self,
        settings: FunctionSettings,
        store: DraftStore,
        storage: Storage,
        plan_for: Callable[[Kind, Engine], Plan] = get_plan,
    ) -> None:
        self._settings = settings
        self._store = store
        self._storage = storage
        self._plan_for = plan_for
        self._runner = Runner()

    def make(self, event: DraftInvocation, remaining_seconds: float) -> None:
        """Make and show a draft within the function's ``remaining_seconds``. Never raises."""
        try:
            invocation = Invocation.model_validate(event.draft)
        except ValidationError:
            logger.warning("no draft: the invocation cannot be read", exc_info=True)
            return
        with job_context(invocation.job_id, invocation.attempt):
            try:
                self._make(invocation, min(DRAFT_SECONDS, remaining_seconds))
            except DarkroomError as error:
                logger.info("no draft: %s", error)
            except Exception:
                logger.warning("no draft", exc_info=True)

    def _make(self, invocation: Invocation, seconds: float) -> None:
        started = time.monotonic()
        job = self._store.get(invocation.job_id)
        if job is None or not awaits_draft(job, invocation.attempt):
            logger.info("draft not needed")
            return
        params = typed_params(invocation)
        with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, ignore_cleanup_errors=True) as name:
            picture = self._picture(invocation, params, Path(name), datetime.now(UTC) + timedelta(seconds=seconds))
        shown = self._show(job, picture)
        fields = {"kind": invocation.kind, "seconds": round(time.monotonic() - started, 3)}
        logger.info("draft shown" if shown else "draft dropped: it came too late", extra=fields)

    def _picture(self, invocation: Invocation, params: BaseModel, folder: Path, deadline: datetime) -> Rgb:
        """Return the preview engine's picture of the reduced inputs."""
        files = {role: folder / f"upload-{index}" for index, role in enumerate(invocation.uploads)}
        for role, key in invocation.uploads.items():
            limit, etag = self._settings.max_upload_bytes, invocation.etags.get(role)
            self._storage.download(key, files[role], limit=limit, etag=etag)
        reporter = _NoReports()
        reduced = reduce_inputs(files, params, DRAFT_SIDE, reporter.check)
        context = StageContext(reduced.model_copy(update={"format": Format.JPEG}), files, folder)
        plan = self._plan_for(invocation.kind, Engine.PREVIEW)
        result = self._runner.run(plan, context, reporter, deadline).files[0]
        return downscaled(on_white(decode_picture(result.path, reporter.check)), DRAFT_SIDE)

    def _show(self, job: JobRecord, picture: Rgb) -> bool:
        """Store a draft and show it; delete it again if it comes too late."""
        # A name of its own for each: of two drafts of one event, the one that is dropped must not take the other along.
        key = f"{progress_images_prefix(job.job_id)}draft-{job.attempt}-{uuid4().hex}.jpg"
        self._storage.put_bytes(key, encode_progress_image(picture, DRAFT_QUALITY), content_type=CONTENT_TYPE)
        height, width = picture.shape[:2]
        shown = self._store.show(job, PreviewPicture(key=key, width=width, height=height, draft=True))
        if not shown:
            self._storage.delete([key])
        return shown


class _NoReports:
    """Implements ``ProgressReporter`` for a draft, which has no progress."""

    def report(self, progress: float, stage: str, message: str, timeline: Sequence[StageTime]) -> None:
        """Ignore the progress."""

    def check(self) -> None:
        """Go on: the deadline is the runner's."""

    def report_progress_image(self, picture: Rgb) -> None:
        """Ignore the image."""


def create_draft_maker() -> DraftMaker:
    """Create the draft maker from the environment."""
    settings = FunctionSettings.read()
    return DraftMaker(settings, DraftStore(settings.jobs_table), Storage(settings.bucket, clients.s3()))
