"""Progress on its way to the jobs table, so that no stage ever waits for the table."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from cloud.dynamodb.job_store import OWN, JobRecord, Lost
from containers.worker.json_logging import at_stage, job_context
from darkroom.contract.errors import DarkroomError
from darkroom.contract.results import PreviewPicture, StageTime
from pipeline.core.arrays import Rgb
from pipeline.core.stages import Stopped

logger = logging.getLogger(__name__)


class Store(Protocol):
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


def _unseen(_picture: Rgb) -> None:
    """Takes looks at a job that has nowhere to put them."""


@dataclass(frozen=True)
class _News:
    progress: float
    stage: str
    message: str
    timeline: tuple[StageTime, ...]
    preview: PreviewPicture | None = None


class ProgressWriter:
    """The reporter of one attempt: a thread of its own writes the newest news and forgets what it overtook.

    Within a stage it writes at most every ``interval`` seconds, a new stage at once; with no news for ``heartbeat``
    seconds it asks whether the job is still this attempt's. Once it is not, ``report`` and ``check`` raise
    ``Stopped``. The thread begins with the first report, so a job without stages has none. ``show`` is who takes
    looks at the picture; whoever has stored one says so with ``preview``, and it goes out with the next write.
    """

    def __init__(
        self, store: Store, job_id: str, attempt: int, *, interval: float = 0.2, heartbeat: float = 1.0
    ) -> None:
        self._store = store
        self._job_id = job_id
        self._attempt = attempt
        self._interval = interval
        self._heartbeat = heartbeat
        self._changed = threading.Condition()
        self.show: Callable[[Rgb], None] = _unseen
        self._news: _News | None = None
        self._known: _News | None = None
        self._urgent = False
        self._closing = False
        self._end: Stopped | DarkroomError | None = None
        self._last_stage: str | None = None
        self._thread: threading.Thread | None = None

    def report(self, progress: float, stage: str, message: str, timeline: Sequence[StageTime]) -> None:
        """Take the news and return at once. Raises ``Stopped``, or what ``interrupt`` was given."""
        self.check()
        at_stage(stage)
        with self._changed:
            waiting = self._news.preview if self._news is not None else None
            self._news = self._known = _News(progress, stage, message, tuple(timeline), waiting)
            self._urgent |= stage != self._last_stage
            self._last_stage = stage
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name=f"progress-{self._job_id}", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def preview(self, picture: PreviewPicture) -> None:
        """Take note of a look that is in place, and return at once."""
        with self._changed:
            latest = self._news or self._known
            if latest is not None:
                self._news = replace(latest, preview=picture)
                self._changed.notify_all()

    def check(self) -> None:
        """Raises ``Stopped`` when the job is not this attempt's any more, or what ``interrupt`` was given."""
        if self._end is not None:
            raise self._end

    def interrupt(self, reason: Stopped | DarkroomError) -> None:
        """Have the next report raise ``reason``."""
        with self._changed:
            self._end = self._end or reason
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
                    self._changed.wait_for(self._stirred, self._heartbeat)
                    if self._news is not None:
                        pause = written + self._interval - time.monotonic()
                        self._changed.wait_for(self._hurried, max(pause, 0))
                    news, self._news = self._news, None
                    self._urgent = False
                    closing = self._closing or self._end is not None
                if self._end is None and (news is not None or not closing):
                    self._tell(news)
                    written = time.monotonic()
                if closing:
                    return

    def _stirred(self) -> bool:
        return self._news is not None or self._hurried()

    def _hurried(self) -> bool:
        return self._urgent or self._closing or self._end is not None

    def _tell(self, news: _News | None) -> None:
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
            elif not is_own(self._store.get(self._job_id), self._attempt):
                self.interrupt(Stopped())
        except Lost:
            self.interrupt(Stopped())
        except Exception:
            # Whatever it was, the thread goes on: without it a cancelled job would never be noticed.
            logger.warning("progress could not be written", exc_info=True)
            with self._changed:
                self._news = self._news or news


def is_own(record: JobRecord | None, attempt: int) -> bool:
    """Whether ``attempt`` may still speak for the job."""
    return record is not None and record.state in OWN and record.attempt == attempt
