"""Progress writer: writes a job's progress to the jobs table from a thread, so that no stage waits for the table."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cloud.dynamodb.job_store import ATTEMPT_STATES, JobRecord, StaleAttempt
from cloud.dynamodb.progress_store import ProgressStore
from containers.worker.json_logging import job_context, set_log_stage
from darkroom.contract.errors import DarkroomError
from darkroom.contract.results import PreviewPicture, StageTime
from pipeline.core.arrays import Rgb
from pipeline.core.stages import JobAbandoned

logger = logging.getLogger(__name__)


def _ignore_progress_image(_picture: Rgb) -> None:
    """Discard progress images: the default callback."""


@dataclass(frozen=True)
class _ProgressUpdate:
    progress: float
    stage: str
    message: str
    timeline: tuple[StageTime, ...]
    preview: PreviewPicture | None = None


class ProgressWriter:
    """Implements ``ProgressReporter`` for one attempt: a thread writes the latest update and drops older ones.

    ``start`` writes the first stage. Later writes are at least ``floor`` seconds apart, and within a stage ``interval``
    seconds: each is also a stream record, and a message to every subscriber. After ``heartbeat`` seconds without
    updates it checks whether the job still belongs to this attempt. If not, ``report`` and ``check`` raise
    ``JobAbandoned``. The thread starts with the first report, so a job without stages has none.

    ``report_progress_image`` is the callback for progress images, set by their writer. A stored image is announced by
    ``progress_image_stored`` and becomes part of the next write.
    """

    def __init__(
        self,
        store: ProgressStore,
        job_id: str,
        attempt: int,
        *,
        floor: float = 0.2,
        interval: float = 0.2,
        heartbeat: float = 1.0,
    ) -> None:
        self._store = store
        self._job_id = job_id
        self._attempt = attempt
        self._floor = floor
        self._interval = interval
        self._heartbeat = heartbeat
        self._changed = threading.Condition()
        self.report_progress_image: Callable[[Rgb], None] = _ignore_progress_image
        self._pending: _ProgressUpdate | None = None
        self._latest: _ProgressUpdate | None = None
        self._urgent = False
        self._closing = False
        self._interrupt_reason: JobAbandoned | DarkroomError | None = None
        self._last_stage: str | None = None
        self._written_at = float("-inf")
        self._write_last = True
        self._thread: threading.Thread | None = None

    def start(self, progress: float, stage: str | None, message: str, *, due_at: float | None = None) -> None:
        """Make the job ``running`` at once, in its first stage. Raises ``JobAbandoned``, and errors of the table."""
        try:
            self._store.start(self._job_id, self._attempt, stage=stage, message=message, due_at=due_at)
        except StaleAttempt as error:
            raise JobAbandoned from error
        if stage is not None:
            self._latest, self._last_stage = _ProgressUpdate(progress, stage, message, ()), stage
        self._written_at = time.monotonic()

    def report(self, progress: float, stage: str, message: str, timeline: Sequence[StageTime]) -> None:
        """Enqueue an update without blocking, unless nothing is new. Raises ``JobAbandoned``, or the reason given to
        ``interrupt``.
        """
        self.check()
        set_log_stage(stage)
        update = _ProgressUpdate(progress, stage, message, tuple(timeline))
        with self._changed:
            if update != self._latest:
                pending_image = self._pending.preview if self._pending is not None else None
                self._latest, self._pending = update, replace(update, preview=pending_image)
                self._urgent |= stage != self._last_stage
                self._last_stage = stage
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name=f"progress-{self._job_id}", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def progress_image_stored(self, picture: PreviewPicture) -> None:
        """Enqueue a stored progress image for the next write, without blocking."""
        with self._changed:
            latest = self._pending or self._latest
            if latest is not None:
                self._pending = replace(latest, preview=picture)
                self._changed.notify_all()

    def check(self) -> None:
        """Raise ``JobAbandoned`` if the job no longer belongs to this attempt, or the reason given to ``interrupt``."""
        if self._interrupt_reason is not None:
            raise self._interrupt_reason

    def interrupt(self, reason: JobAbandoned | DarkroomError) -> None:
        """Make the next ``report`` or ``check`` raise ``reason``. The first reason wins."""
        with self._changed:
            self._interrupt_reason = self._interrupt_reason or reason
            self._changed.notify_all()

    def close(self, *, write_last: bool = True) -> None:
        """Write the last update and end the thread. Never raises: call ``check``.

        It is not written if the job was interrupted, nor without ``write_last``: that of a completed attempt would be
        replaced by its outcome, while a failed job shows the stage in which it failed.
        """
        with self._changed:
            self._closing = True
            self._write_last &= write_last
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _write(self) -> None:
        with job_context(self._job_id, self._attempt):
            while True:
                with self._changed:
                    self._changed.wait_for(self._has_work, self._heartbeat)
                    if self._pending is not None:
                        self._wait(self._floor, self._must_end)
                        self._wait(self._interval, self._must_write_now)
                    update, self._pending = self._pending, None
                    self._urgent = False
                    closing = self._must_end()
                    wanted = self._write_last and update is not None if closing else True
                if self._interrupt_reason is None and wanted:
                    self._write_update(update)
                    if update is not None:
                        self._written_at = time.monotonic()
                if closing:
                    return

    def _wait(self, seconds: float, until: Callable[[], bool]) -> None:
        """Wait until ``seconds`` have passed since the last write, or a condition holds."""
        self._changed.wait_for(until, max(self._written_at + seconds - time.monotonic(), 0))

    def _has_work(self) -> bool:
        return self._pending is not None or self._must_end()

    def _must_write_now(self) -> bool:
        return self._urgent or self._must_end()

    def _must_end(self) -> bool:
        return self._closing or self._interrupt_reason is not None

    def _write_update(self, update: _ProgressUpdate | None) -> None:
        try:
            if update is not None:
                self._store.report(
                    self._job_id,
                    self._attempt,
                    progress=update.progress,
                    stage=update.stage,
                    message=update.message,
                    timeline=update.timeline,
                    preview=update.preview,
                )
            elif not owns_job(self._store.get(self._job_id), self._attempt):
                self.interrupt(JobAbandoned())
        except StaleAttempt:
            self.interrupt(JobAbandoned())
        except Exception:
            # The thread survives any error, as without it a cancelled job would go unnoticed.
            logger.warning("progress could not be written", exc_info=True)
            with self._changed:
                self._pending = self._pending or update


def owns_job(record: JobRecord | None, attempt: int) -> bool:
    """Return True if ``attempt`` is the job's current attempt and may still write to it."""
    return record is not None and record.state in ATTEMPT_STATES and record.attempt == attempt
