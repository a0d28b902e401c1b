"""Progress on its way to the jobs table, so that no stage ever waits for the table."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from cloud.dynamodb.job_store import ATTEMPT_STATES, JobRecord, StaleAttempt
from containers.worker.json_logging import job_context, set_log_stage
from darkroom.contract.errors import DarkroomError
from darkroom.contract.results import PreviewPicture, StageTime
from pipeline.core.arrays import Rgb
from pipeline.core.stages import JobAbandoned

logger = logging.getLogger(__name__)


class ProgressStore(Protocol):
    """What is needed of ``cloud.dynamodb.job_store.JobStore``."""

    def get(self, job_id: str) -> JobRecord | None:
        """The job as it stands now, or None."""

    def start(self, job_id: str, attempt: int, *, message: str) -> JobRecord:
        """``dispatched → running``; the job as it is now. Raises ``Lost``."""

    def report(
        self,
        job_id: str,
        attempt: int,
        *,
        progress: float,
        stage: str | None,
        message: str,
        timeline: Sequence[StageTime],
        preview: PreviewPicture | None = None,
    ) -> None:
        """How far a running attempt is; without a ``preview``, the last one stays. Raises ``Lost``."""


def _ignore_progress_image(_picture: Rgb) -> None:
    """Takes looks at a job that has nowhere to put them."""


@dataclass(frozen=True)
class _ProgressUpdate:
    progress: float
    stage: str
    message: str
    timeline: tuple[StageTime, ...]
    preview: PreviewPicture | None = None


class ProgressWriter:
    """The reporter of one attempt: a thread of its own writes the newest news and forgets what it overtook.

    Within a stage it writes at most every ``interval`` seconds, a new stage at once; with no news for ``heartbeat``
    seconds it asks whether the job is still this attempt's. Once it is not, ``report`` and ``check`` raise
    ``JobAbandoned``. The thread begins with the first report, so a job without stages has none. ``show`` is who takes
    looks at the picture; whoever has stored one says so with ``preview``, and it goes out with the next write.
    """

    def __init__(
        self, store: ProgressStore, job_id: str, attempt: int, *, interval: float = 0.2, heartbeat: float = 1.0
    ) -> None:
        self._store = store
        self._job_id = job_id
        self._attempt = attempt
        self._interval = interval
        self._heartbeat = heartbeat
        self._changed = threading.Condition()
        self.report_progress_image: Callable[[Rgb], None] = _ignore_progress_image
        self._news: _ProgressUpdate | None = None
        self._known: _ProgressUpdate | None = None
        self._urgent = False
        self._closing = False
        self._interrupt_reason: JobAbandoned | DarkroomError | None = None
        self._last_stage: str | None = None
        self._thread: threading.Thread | None = None

    def report(self, progress: float, stage: str, message: str, timeline: Sequence[StageTime]) -> None:
        """Take the news and return at once. Raises ``JobAbandoned``, or what ``interrupt`` was given."""
        self.check()
        set_log_stage(stage)
        with self._changed:
            waiting = self._news.preview if self._news is not None else None
            self._news = self._known = _ProgressUpdate(progress, stage, message, tuple(timeline), waiting)
            self._urgent |= stage != self._last_stage
            self._last_stage = stage
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name=f"progress-{self._job_id}", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def progress_image_stored(self, picture: PreviewPicture) -> None:
        """Take note of a look that is in place, and return at once."""
        with self._changed:
            latest = self._news or self._known
            if latest is not None:
                self._news = replace(latest, preview=picture)
                self._changed.notify_all()

    def check(self) -> None:
        """Raises ``JobAbandoned`` when the job is not this attempt's any more, or what ``interrupt`` was given."""
        if self._interrupt_reason is not None:
            raise self._interrupt_reason

    def interrupt(self, reason: JobAbandoned | DarkroomError) -> None:
        """Have the next report raise ``reason``."""
        with self._changed:
            self._interrupt_reason = self._interrupt_reason or reason
            self._changed.notify_all()

    def close(self) -> None:
        """Write the last news, unless the job was stopped, and end the thread. Raises nothing: ask ``check``."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _write(self) -> None:
        written = float("-inf")
        with job_context(self._job_id, self._attempt):
            while True:
                with self._changed:
                    self._changed.wait_for(self._has_work, self._heartbeat)
                    if self._news is not None:
                        pause = written + self._interval - time.monotonic()
                        self._changed.wait_for(self._must_write_now, max(pause, 0))
                    news, self._news = self._news, None
                    self._urgent = False
                    closing = self._closing or self._interrupt_reason is not None
                if self._interrupt_reason is None and (news is not None or not closing):
                    self._write_update(news)
                    written = time.monotonic()
                if closing:
                    return

    def _has_work(self) -> bool:
        return self._news is not None or self._must_write_now()

    def _must_write_now(self) -> bool:
        return self._urgent or self._closing or self._interrupt_reason is not None

    def _write_update(self, news: _ProgressUpdate | None) -> None:
        try:
            if news is not None:
                self._store.report(
                    self._job_id,
                    self._attempt,
                    progress=news.progress,
                    stage=news.stage,
                    message=news.message,
                    timeline=news.timeline,
                    preview=news.preview,
                )
            elif not owns_job(self._store.get(self._job_id), self._attempt):
                self.interrupt(JobAbandoned())
        except StaleAttempt:
            self.interrupt(JobAbandoned())
        except Exception:
            # Whatever it was, the thread goes on: without it a cancelled job would never be noticed.
            logger.warning("progress could not be written", exc_info=True)
            with self._changed:
                self._news = self._news or news


def owns_job(record: JobRecord | None, attempt: int) -> bool:
    """Whether ``attempt`` may still speak for the job."""
    return record is not None and record.state in ATTEMPT_STATES and record.attempt == attempt
