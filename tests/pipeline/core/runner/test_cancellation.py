"""Runner: cancellation and deadline."""

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.results import StageTime
from pipeline.core.runner import Runner
from pipeline.core.stages import JobAbandoned, Slot, StageContext
from tests.pipeline.core.runner.plans import Clock, RecordingReporter, nothing, plan, stage


def test_a_cancelled_job_stops_between_stages(context: StageContext) -> None:
    cancelled = threading.Event()
    ran: list[str] = []
    steps = plan(stage(lambda _: cancelled.set(), "first"), stage(lambda _: ran.append("second"), "second"))
    with pytest.raises(JobAbandoned):
        Runner().run(steps, context, RecordingReporter(cancelled.is_set))
    assert ran == []


def test_a_cancelled_job_stops_at_the_stages_next_report(context: StageContext) -> None:
    cancelled = threading.Event()
    steps_done: list[int] = []
    timeline: list[StageTime] = []

    def denoise(context: StageContext) -> None:
        for step in range(10):
            context.report(step / 10)
            steps_done.append(step)
            if step == 3:
                cancelled.set()

    with pytest.raises(JobAbandoned):
        Runner().run(plan(stage(denoise)), context, RecordingReporter(cancelled.is_set), timeline=timeline)
    assert steps_done == [0, 1, 2, 3]
    assert [time.stage for time in timeline] == ["only"]


def test_a_job_past_its_deadline_times_out_within_a_stage(context: StageContext) -> None:
    clock = Clock()
    timeline: list[StageTime] = []

    def slow(context: StageContext) -> None:
        for _ in range(10):
            clock.seconds += 4
            context.report(0.1)

    with pytest.raises(DarkroomError) as error:
        clock.runner().run(
            plan(stage(slow, "slow")),
            context,
            RecordingReporter(),
            clock.now() + timedelta(seconds=10),
            timeline=timeline,
        )
    assert error.value.detail.code is ErrorCode.TIMED_OUT
    assert error.value.detail.retryable
    assert timeline == [StageTime(stage="slow", seconds=12)]


def test_a_job_past_its_deadline_at_the_start_runs_no_stage(context: StageContext) -> None:
    clock = Clock()
    ran: list[str] = []
    with pytest.raises(DarkroomError, match="time was up"):
        clock.runner().run(plan(stage(lambda _: ran.append("ran"))), context, RecordingReporter(), clock.now())
    assert ran == []


def test_a_job_waiting_for_the_slot_can_be_cancelled(context: StageContext) -> None:
    slot = threading.Semaphore()
    cancelled = threading.Event()

    class Cancelling(RecordingReporter):
        def report(self, progress: float, stage: str, message: str, timeline: Sequence[StageTime]) -> None:
            super().report(progress, stage, message, timeline)
            cancelled.set()

    with slot, pytest.raises(JobAbandoned):
        Runner(slot).run(plan(stage(nothing, slot=Slot.COMPUTE)), context, Cancelling(cancelled.is_set))
    assert slot.acquire(blocking=False)
