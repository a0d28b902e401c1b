"""Progress store: the calls to the jobs table that a worker makes for its attempt."""

from collections.abc import Sequence
from typing import Protocol

from cloud.dynamodb.job_record import JobRecord
from darkroom.contract.results import PreviewPicture, StageTime


class ProgressStore(Protocol):
    """The part of ``cloud.dynamodb.job_store.JobStore`` that the worker uses."""

    def get(self, job_id: str) -> JobRecord | None:
        """Return the job's current record, or None."""

    def start(
        self, job_id: str, attempt: int, *, message: str, stage: str | None = None, due_at: float | None = None
    ) -> JobRecord:
        """Move the job from ``dispatched`` to ``running``, and return its record. Raises ``StaleAttempt``.

        ``due_at`` (epoch seconds) is when sweep may treat the attempt as lost. An earlier one in the record stays.
        """

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
        """Store a running attempt's progress; without a ``preview``, the last one stays. Raises ``StaleAttempt``."""
