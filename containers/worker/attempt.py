"""Attempt: the state of a running attempt, from its start to its result."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import BaseModel

from cloud.invocation import NOTICE_SECONDS, Invocation
from containers.worker.intermediates import S3Intermediates
from containers.worker.progress import ProgressWriter
from containers.worker.progress_images import ProgressImages
from darkroom.contract.results import Picture, Result, ResultFile, StageTime, SubtitleFile, Video
from pipeline.core.runner import PlanResult


@dataclass
class Attempt:
    """State of a running attempt: its deadline, timeline, inputs (role → SHA-256) and uploaded files."""

    invocation: Invocation
    params: BaseModel
    writer: ProgressWriter
    progress_images: ProgressImages
    intermediates: S3Intermediates
    timeline: list[StageTime] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    stored: list[ResultFile] = field(default_factory=list)
    deadline: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = self.invocation.deadline

    def start_time_limit(self, now: datetime) -> float | None:
        """Shorten the deadline to the attempt's time limit, as it no longer waits for an instance.

        Returns the time (epoch seconds) after which sweep may treat the attempt as lost. It is None if the core that
        sent the invocation is too old to tell the time limit.
        """
        seconds = self.invocation.time_limit_seconds
        if seconds is None:
            return None
        ends = now + timedelta(seconds=seconds)
        self.deadline = min(self.deadline, ends)
        return ends.timestamp() + NOTICE_SECONDS

    def report(self, stage: str, message: str, progress: float | None = None) -> None:
        """Report the progress of a step outside the plan's own stages."""
        reached = self.invocation.progress if progress is None else progress
        self.writer.report(reached, stage, message, self.timeline)

    def delete_intermediates(self) -> None:
        """Delete the intermediates, as there is no next attempt."""
        self.intermediates.delete(earlier=self.invocation.attempt > 1)

    def to_result(self, plan_result: PlanResult) -> Result:
        """Build the result from the plan's result and the uploaded files."""
        return Result(
            pictures=[each for each in self.stored if type(each) is Picture],
            videos=[each for each in self.stored if isinstance(each, Video)],
            subtitles=[each for each in self.stored if isinstance(each, SubtitleFile)],
            engine=plan_result.engine,
            seed=getattr(self.params, "seed", None) if plan_result.seed is None else plan_result.seed,
            models=list(plan_result.models),
            quality=plan_result.quality,
            room=plan_result.room,
            objects=list(plan_result.objects),
            notes=list(plan_result.notes),
        )
