"""Runner: runs a plan's stages, and handles progress, timing, cancellation, deadline and memory for them."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.results import FoundObject, ModelUsed, Quality, RecognisedRoom, StageTime
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import OBJECTS, QUALITY, ROOM, SAVED, SEED, SavedFile
from pipeline.core.failures import translate_errors
from pipeline.core.stage_cache import CacheKeys, StageCache, StageOutput
from pipeline.core.stages import Artifact, Plan, Slot, Stage, StageContext

T = TypeVar("T")

# A job that waits for the compute slot checks this often whether it was cancelled.
SLOT_POLL_SECONDS = 0.05


class ProgressReporter(Protocol):
    """Receiver of a job's progress.

    ``report`` and ``check`` raise ``JobAbandoned`` when the job was cancelled or taken over by another attempt.
    """

    def report(self, progress: float, stage: str, message: str, timeline: Sequence[StageTime]) -> None:
        """Receive the progress in [0, 1], which never falls. Must not block, as the stage waits for it."""

    def check(self) -> None:
        """Check whether the job may go on, without reporting progress."""

    def report_progress_image(self, picture: Rgb) -> None:
        """Receive a small progress image, h×w×3 uint8 sRGB. Must not block."""


@dataclass(frozen=True)
class PlanResult:
    """Result of a plan. ``files`` lie in the job's folder and must be uploaded before it is removed.

    ``unsafe_progress_images``: some progress images show content that was removed from the result.
    """

    files: tuple[SavedFile, ...]
    engine: Engine
    quality: Quality | None
    seed: int | None
    room: RecognisedRoom | None
    objects: tuple[FoundObject, ...]
    models: tuple[ModelUsed, ...]
    notes: tuple[str, ...]
    timeline: tuple[StageTime, ...]
    unsafe_progress_images: bool


def noop_plan(kind: Kind, engine: Engine) -> Plan:
    """Return a plan without stages, which completes without a picture: for measuring the overhead around plans."""
    return Plan(kind, engine, ())


class Runner:
    """Runs plans. Thread-safe: one thread per job; stages of ``Slot.COMPUTE`` take turns on ``slot``.

    With a ``cache``, a stage is skipped if its output is cached from an earlier job.
    """

    def __init__(
        self,
        slot: threading.Semaphore | None = None,
        *,
        cache: StageCache | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._slot = slot or threading.Semaphore()
        self._cache = cache
        self._clock = clock
        self._now = now

    def run(
        self,
        plan: Plan,
        context: StageContext,
        reporter: ProgressReporter,
        deadline: datetime | None = None,
        *,
        span: tuple[float, float] = (0.0, 1.0),
        timeline: list[StageTime] | None = None,
    ) -> PlanResult:
        """Run every stage of ``plan`` over ``context`` and collect the results.

        ``span`` is the part of the job's progress that the plan covers, in [0, 1]. It starts at an earlier attempt's
        progress and ends where the caller goes on. ``timeline`` is appended to as stages end, so that the caller has
        it even if the job fails. It counts a stage's own seconds, without its wait for the compute slot.

        Raises ``JobAbandoned`` as soon as the reporter does, and ``DarkroomError``:

        - as the stage raised it
        - ``timed_out`` at the first report after the deadline; retryable, as late jobs mostly waited in queues
        - ``out_of_memory``; retryable, as the other jobs that used the memory have ended by then
        - ``internal`` for anything unexpected; the traceback goes to the log only
        """
        times = [] if timeline is None else timeline
        cache = self._cache if any(stage.cacheable for stage, _ in plan.steps) else None
        run = _PlanRun(context, reporter, self._monotonic_deadline(deadline), self._clock, span, times, cache)
        readers = _artifacts_to_release(plan)
        try:
            for index, (stage, share) in enumerate(plan.steps):
                run.begin(stage, share)
                self._run_step(stage, run)
                run.end()
                for artifact in readers[index]:
                    context.release(artifact)
        finally:
            context.enter_stage(None, _ignore_report, _ignore_progress_image, _go_on)
        return PlanResult(
            files=_get(context, SAVED) or (),
            engine=plan.engine,
            quality=_get(context, QUALITY),
            seed=_get(context, SEED),
            room=_get(context, ROOM),
            objects=_get(context, OBJECTS) or (),
            models=tuple(context.models_used),
            notes=tuple(context.notes),
            timeline=tuple(times),
            unsafe_progress_images=context.unsafe_progress_images,
        )

    def _monotonic_deadline(self, deadline: datetime | None) -> float:
        """Convert the deadline to the monotonic clock, which system time changes do not affect."""
        if deadline is None:
            return math.inf
        return self._clock() + (deadline - self._now()).total_seconds()

    def _run_step(self, stage: Stage, run: "_PlanRun") -> None:
        with translate_errors(stage.name, run.context.network_provider):
            cache_key = run.cache_keys.key_for(stage) if run.cache is not None else None
        cache = run.cache if stage.cacheable else None
        if cache is None or cache_key is None:
            with self._compute_slot(stage, run):
                self._run_timed(stage, run)
        elif not self._use_cached_output(cache.get(cache_key), stage, run):
            with self._compute_slot(stage, run):
                # Another job with the same photo may have filled the cache while this one waited for the slot.
                if not self._use_cached_output(cache.get(cache_key), stage, run):
                    cache.put(cache_key, self._run_and_capture(stage, run))

    def _use_cached_output(self, output: StageOutput | None, stage: Stage, run: "_PlanRun") -> bool:
        if output is None:
            return False
        for artifact in stage.provides:
            run.context[artifact] = output.values[artifact.name]
        run.context.notes.extend(output.notes)
        run.context.models_used |= dict.fromkeys(output.models)
        run.timeline.append(StageTime(stage=stage.name, seconds=0, cached=True))
        return True

    def _run_and_capture(self, stage: Stage, run: "_PlanRun") -> StageOutput:
        context = run.context
        notes, models_used = context.notes, context.models_used
        context.notes, context.models_used = [], {}
        try:
            self._run_timed(stage, run)
            values = {artifact.name: context[artifact] for artifact in stage.provides}
            return StageOutput(values, tuple(context.notes), tuple(context.models_used))
        finally:
            notes.extend(context.notes)
            context.notes, context.models_used = notes, models_used | context.models_used

    @contextmanager
    def _compute_slot(self, stage: Stage, run: "_PlanRun") -> Iterator[None]:
        # A stage that needs no network for these params does not take the device.
        if stage.slot is not Slot.COMPUTE or (
            stage.optional_networks and not stage.required_networks(run.context.params)
        ):
            yield
            return
        while not self._slot.acquire(timeout=SLOT_POLL_SECONDS):
            run.check()
        try:
            run.check()
            yield
        finally:
            self._slot.release()

    def _run_timed(self, stage: Stage, run: "_PlanRun") -> None:
        started = self._clock()
        try:
            with translate_errors(stage.name, run.context.network_provider):
                stage.run(run.context)
                _check_provided(stage, run.context)
        finally:
            run.timeline.append(StageTime(stage=stage.name, seconds=max(self._clock() - started, 0.0)))


class _PlanRun:
    """State of one job's run of a plan: its current stage, progress, deadline and timeline."""

    def __init__(
        self,
        context: StageContext,
        reporter: ProgressReporter,
        deadline: float,
        clock: Callable[[], float],
        span: tuple[float, float],
        timeline: list[StageTime],
        cache: StageCache | None,
    ) -> None:
        self.context = context
        self.cache = cache
        self.timeline = timeline
        self.cache_keys = CacheKeys(context)
        self._reporter = reporter
        self._deadline = deadline
        self._clock = clock
        self._start, self._width = span[0], max(span[1] - span[0], 0.0)
        self._reported = span[0]
        self._done = 0.0
        self._share = 0.0
        self._stage = self._message = ""

    def begin(self, stage: Stage, share: float) -> None:
        self._stage, self._message, self._share = stage.name, stage.message, share
        self.context.enter_stage(stage, self.report, self._reporter.report_progress_image, self.check)
        self.report(0.0)

    def end(self) -> None:
        self._done += self._share
        self._share = 0.0
        self.report(0.0)

    def check(self) -> None:
        self._reporter.check()
        if self._clock() >= self._deadline:
            raise DarkroomError(
                ErrorCode.TIMED_OUT,
                f"The job's time was up while it was at {self._stage!r}. Try again, or with a smaller picture.",
                retryable=True,
            )

    def report(self, fraction: float, message: str = "") -> None:
        self.check()
        clamped = min(max(fraction, 0.0), 1.0) if math.isfinite(fraction) else 0.0
        progress = self._start + self._width * min(self._done + self._share * clamped, 1.0)
        self._reported = min(max(self._reported, progress), 1.0)
        self._reporter.report(self._reported, self._stage, message or self._message, tuple(self.timeline))


def _ignore_report(_fraction: float, _message: str) -> None:
    """Replace the context's progress callback after a run."""


def _go_on() -> None:
    """Replace the context's check after a run."""


def _ignore_progress_image(_picture: Rgb) -> None:
    """Replace the context's callback for progress images after a run."""


def _artifacts_to_release(plan: Plan) -> list[list[Artifact[Any]]]:
    """List, for each step, the artifacts that no later step reads, without those that are collected at the end."""
    collected: tuple[Artifact[Any], ...] = (SAVED, QUALITY, SEED, ROOM, OBJECTS, *plan.results)
    kept = {artifact.name for artifact in collected}
    released: list[list[Artifact[Any]]] = []
    needed = set(kept)
    for stage, _ in reversed(plan.steps):
        artifacts = {artifact.name: artifact for artifact in (*stage.requires, *stage.provides)}
        released.append([artifact for name, artifact in artifacts.items() if name not in needed])
        needed |= {artifact.name for artifact in stage.requires}
    return released[::-1]


def _check_provided(stage: Stage, context: StageContext) -> None:
    missing = [artifact.name for artifact in stage.provides if artifact not in context]
    if missing:
        raise LookupError(f"stage {stage.name!r} ended without providing {', '.join(missing)}")


def _get(context: StageContext, artifact: Artifact[T]) -> T | None:
    try:
        return context[artifact]
    except KeyError:
        return None
