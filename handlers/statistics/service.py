"""Statistics service: outcomes, durations and costs of a day's jobs, and the jobs open now."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

from pydantic import BaseModel, Field

from cloud.dynamodb.ledger import MICROS, Ledger
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jobs import State
from darkroom.contract.open_enum import Open
from handlers.jobs.open_jobs import OpenCount, OpenJobs
from handlers.statistics.daily_counters import LOOK_BACK_DAYS, WHOLE_JOB, DailyCounters, read_day
from handlers.statistics.histogram import quantile


class Durations(BaseModel):
    """Distribution of durations in seconds; percentiles are within a tenth of the true ones."""

    count: int
    p50: float | None = None
    p95: float | None = None


class EngineStatistics(BaseModel):
    """The ended jobs of a kind on one engine."""

    states: dict[Open[State], int]
    cost_usd: float
    seconds: Durations = Field(description="From request to completion, of completed jobs that were not cached.")
    stages: dict[str, Durations] = Field(
        description="Durations of the same jobs' stages, without those served from the cache."
    )


class KindStatistics(BaseModel):
    """The jobs of one kind."""

    states: dict[Open[State], int] = Field(
        description="Jobs that ended, of those requested on the day; for today, also the open ones."
    )
    cached: int = Field(description="Completed jobs that reused an earlier result.")
    success_rate: float | None = Field(description="completed / (completed + failed); null without such jobs.")
    cost_usd: float
    seconds: Durations = Field(description="From request to completion, of completed jobs that were not cached.")
    engines: dict[str, EngineStatistics]


class Statistics(BaseModel):
    """Statistics of the jobs that were requested on a UTC day."""

    date: date
    at: datetime
    states: dict[Open[State], int]
    cached: int
    success_rate: float | None
    cost_usd: float
    kinds: dict[str, KindStatistics]
    open_cut_off: bool = Field(False, description="More jobs are open than were counted.")


class StatisticsService:
    """Computes the statistics of a day."""

    def __init__(self, ledger: Ledger, open_jobs: OpenJobs) -> None:
        self._ledger = ledger
        self._open_jobs = open_jobs

    def for_day(self, day: date | None, now: datetime) -> Statistics:
        """Return the statistics of a day; None means today.

        Raises ``DarkroomError`` (``invalid_request``) for a future day, or one before the retention period.
        """
        today = now.astimezone(UTC).date()
        day = day or today
        oldest = today - timedelta(days=LOOK_BACK_DAYS - 1)
        if not oldest <= day <= today:
            raise DarkroomError(ErrorCode.INVALID_REQUEST, f"date: choose one from {oldest} to {today} (UTC).")
        # Read before the counters: a job that ends in between is counted twice for a moment, not lost.
        open_count = self._open_jobs.count() if day == today else OpenCount(Counter(), cut_off=False)
        return _statistics(day, now, read_day(self._ledger, day), open_count)


def _statistics(day: date, now: datetime, counters: list[DailyCounters], open_count: OpenCount) -> Statistics:
    by_kind: dict[str, list[DailyCounters]] = defaultdict(list)
    for each in counters:
        by_kind[each.kind].append(each)
    open_states: dict[str, Counter[State]] = defaultdict(Counter)
    for (kind, state), count in open_count.jobs.items():
        open_states[kind][State.of(state)] += count
    names = sorted(by_kind.keys() | open_states.keys())
    kinds = {name: _kind(by_kind[name], open_states[name]) for name in names}
    states = _states([kind.states for kind in kinds.values()])
    return Statistics(
        date=day,
        at=now,
        states=states,
        cached=sum(kind.cached for kind in kinds.values()),
        success_rate=_success_rate(states),
        cost_usd=_dollars(counters),
        kinds=kinds,
        open_cut_off=open_count.cut_off,
    )


def _kind(counters: list[DailyCounters], open_states: Mapping[State, int]) -> KindStatistics:
    states = _states([*(each.states for each in counters), open_states])
    return KindStatistics(
        states=states,
        cached=sum(each.cached for each in counters),
        success_rate=_success_rate(states),
        cost_usd=_dollars(counters),
        seconds=_durations(each.seconds.get(WHOLE_JOB, {}) for each in counters),
        engines={
            each.engine: EngineStatistics(
                states=_states([each.states]),
                cost_usd=_dollars([each]),
                seconds=_durations([each.seconds.get(WHOLE_JOB, {})]),
                stages={
                    stage: _durations([counts]) for stage, counts in sorted(each.seconds.items()) if stage != WHOLE_JOB
                },
            )
            for each in counters
        },
    )


def _states(counts: Iterable[Mapping[State, int]]) -> dict[State, int]:
    """Return the sum of several counts, in the order of a job's life."""
    total: Counter[State] = Counter()
    for count in counts:
        total.update(count)
    # States of a newer version come last.
    return {state: total[state] for state in dict.fromkeys((*State, *sorted(total))) if total[state]}


def _success_rate(states: Mapping[State, int]) -> float | None:
    completed, failed = states.get(State.COMPLETED, 0), states.get(State.FAILED, 0)
    return round(completed / (completed + failed), 4) if completed + failed else None


def _dollars(counters: Iterable[DailyCounters]) -> float:
    return sum(each.micro_usd for each in counters) / MICROS


def _durations(histograms: Iterable[Mapping[int, int]]) -> Durations:
    counts: Counter[int] = Counter()
    for histogram in histograms:
        counts.update(histogram)
    p50, p95 = quantile(counts, 0.5), quantile(counts, 0.95)
    return Durations(
        count=counts.total(),
        p50=None if p50 is None else round(p50, 4),
        p95=None if p95 is None else round(p95, 4),
    )
