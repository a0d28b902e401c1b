"""Daily counters in the ledger: how the jobs of each kind and engine ended in a UTC day.

An item has an attribute for each terminal state, ``cached`` for completed jobs with a cached result, ``micro_usd``, and
a histogram (``handlers.statistics.histogram``) per stage: ``diffuse#17`` is bucket 17 of ``diffuse``.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date

from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.ledger import MICROS, Ledger, LedgerUpdate
from darkroom.contract.jobs import State
from handlers.statistics.histogram import bucket

# Items are kept a few days longer than the API allows to look back.
LOOK_BACK_DAYS = 30
KEEP_SECONDS = (LOOK_BACK_DAYS + 5) * 86400
# Name of the histogram from a job's creation to its end, beside those of the stages.
WHOLE_JOB = "whole_job"
CACHED = "cached"
MICRO_USD = "micro_usd"


@dataclass(frozen=True)
class DailyCounters:
    """Counters of the jobs of a kind and an engine that were created on a day."""

    kind: str
    engine: str
    states: dict[State, int]
    cached: int = 0
    micro_usd: int = 0
    # Stage, or WHOLE_JOB → bucket → count.
    seconds: dict[str, dict[int, int]] = field(default_factory=dict)


def day_of(record: JobRecord) -> date:
    """Return the UTC day that a job is counted for: the day of its creation."""
    return record.created_at.astimezone(UTC).date()


def count_ended_job(record: JobRecord) -> LedgerUpdate:
    """Return the update that counts an ended job. Stages served from the cache add no duration."""
    update = ConditionalUpdate()
    update.add(record.state, 1)
    if record.cached:
        update.add(CACHED, 1)
    update.add(MICRO_USD, round((record.cost_usd or 0) * MICROS))
    if record.state is State.COMPLETED and not record.cached:
        for name, seconds in _durations(record).items():
            update.add(f"{name}#{bucket(seconds)}", 1)
    update.set_if_absent("expires_at", int(record.created_at.timestamp()) + KEEP_SECONDS)
    # A job that was allowed a preview counts for the engine that made it.
    engine = record.result.engine if record.result is not None else record.engine
    return LedgerUpdate(_partition(day_of(record)), f"{record.kind}#{engine}", update)


def read_day(ledger: Ledger, day: date) -> list[DailyCounters]:
    """Return the counters of a day."""
    return [_parse_row(row) for row in ledger.query_partition(_partition(day))]


def _durations(record: JobRecord) -> dict[str, float]:
    durations: dict[str, float] = defaultdict(float)
    for entry in record.timeline:
        if not entry.cached:
            durations[entry.stage] += entry.seconds
    return durations | {WHOLE_JOB: (record.updated_at - record.created_at).total_seconds()}


def _parse_row(row: dict[str, object]) -> DailyCounters:
    kind, _, engine = str(row["sk"]).partition("#")
    numbers = {name: value for name, value in row.items() if isinstance(value, int)}
    seconds: dict[str, dict[int, int]] = defaultdict(dict)
    for name, count in numbers.items():
        stage, separator, number = name.rpartition("#")
        if separator:
            seconds[stage][int(number)] = count
    states = {state: numbers[state] for state in State if numbers.get(state)}
    return DailyCounters(kind, engine, states, numbers.get(CACHED, 0), numbers.get(MICRO_USD, 0), dict(seconds))


def _partition(day: date) -> str:
    return f"day#{day.isoformat()}"
