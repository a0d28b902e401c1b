"""Daily budget of an owner: reserves a job's estimated cost, and settles it when the job ends."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from unicodedata import east_asian_width

from pydantic import BaseModel, Field

from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.ledger import MICROS, Ledger, LedgerUpdate
from cloud.dynamodb.transaction import TransactionItem
from cloud.lane import Lane, LanePrices
from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorCode
from darkroom.contract.jobs import State
from darkroom.contract.kinds import KINDS, Kind
from darkroom.contract.video_params import MAX_VOICE_SECONDS
from handlers.limits.limit_exceeded import LimitExceeded

KEEP_DAYS = 40
AMOUNT = "reserved_or_spent"

CHARACTERS_A_SECOND = 12  # of a slow voice
WIDE_CHARACTERS = 3  # one Chinese, Japanese or Korean character takes the time of this many others
RECORDED_SECONDS = 60  # the length of a recorded voice is unknown before its upload
SILENT_SECONDS = 4

MAX_ATTEMPT_SECONDS = 3600  # of an asynchronous invocation of SageMaker

_LOST = frozenset({ErrorCode.TIMED_OUT, ErrorCode.CONTAINER_FAILED})


class Spending(BaseModel):
    """Spending of an owner in a UTC day."""

    spent_usd: float = Field(description="Spent so far, including estimates of running jobs.")
    daily_usd: float | None = Field(description="Budget of a day; null if there is no limit.")
    ends_at: datetime = Field(description="End of the day.")


class Budget:
    """Budgets of all owners: ``daily_usd`` per UTC day (0: no limit), at the prices of the lane of an engine's jobs."""

    def __init__(
        self, ledger: Ledger, *, daily_usd: float, prices: LanePrices, lane_of: Callable[[Engine], Lane]
    ) -> None:
        self._ledger = ledger
        self._limit = round(daily_usd * MICROS)
        self._prices = prices
        self._lane_of = lane_of

    def estimate(self, kind: Kind, engine: Engine, params: Mapping[str, Any]) -> float | None:
        """Return the estimated cost of a job in dollars, which is to be reserved; None without a limit."""
        if self._limit == 0:
            return None
        usd = self._prices.usd(self._lane_of(engine), estimate_seconds(kind, engine, params))
        micros: int = round(usd * MICROS)
        return micros / MICROS

    def reservation(self, owner: str, estimate_usd: float, *, now: datetime) -> list[TransactionItem]:
        """Return the write that reserves an estimated cost, on the condition that the day's budget suffices.

        Raises ``LimitExceeded`` (``budget_exceeded``) for a cost above the budget of a whole day.

        The write belongs into the transaction that creates the job. Otherwise a function that ends in between would
        leave a reservation that no job settles.
        """
        micros = round(estimate_usd * MICROS)
        update = ConditionalUpdate()
        update.add(AMOUNT, micros)
        update.set_if_absent("expires_at", int((now + timedelta(days=KEEP_DAYS)).timestamp()))
        update.require_if_present(AMOUNT, "<=", self._limit - micros)
        if micros > self._limit:  # where nothing was spent yet, the condition above has nothing to compare
            raise self.refusal(owner, estimate_usd, now=now)
        return self._ledger.transaction_items([LedgerUpdate(*_row(owner, now), update)])

    def current_spending(self, owner: str, *, now: datetime) -> Spending:
        """Return an owner's spending in the UTC day of ``now``."""
        micros = (self._ledger.get(*_row(owner, now)) or {}).get(AMOUNT, 0)
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
        return Spending(spent_usd=micros / MICROS, daily_usd=self._limit / MICROS or None, ends_at=midnight)

    def refusal(self, owner: str, estimate_usd: float, *, now: datetime) -> LimitExceeded:
        """Return the error (``budget_exceeded``) for a job whose estimated cost does not fit."""
        spending = self.current_spending(owner, now=now)
        return LimitExceeded(
            ErrorCode.BUDGET_EXCEEDED,
            f"Your jobs of today have taken ${spending.spent_usd:.4f}, those under way included, of the "
            f"${self._limit / MICROS:.2f} that a day allows; this one may take ${estimate_usd:.4f}. "
            "The next day begins at midnight UTC.",
            seconds=(spending.ends_at - now).total_seconds(),
            headers={},
        )


def estimate_seconds(kind: Kind, engine: Engine, params: Mapping[str, Any]) -> float:
    """Estimate the seconds of a job on an instance, rather too high.

    >>> estimate_seconds(Kind.GENERATE, Engine.MODELS, {"count": 3})
    60
    """
    definition = KINDS[kind]
    estimate = definition.engines[engine]
    if not definition.makes_video:
        return estimate.seconds * int(params.get("count", 1))
    return estimate.seconds + estimate.per_video_second * video_seconds(params)


def video_seconds(params: Mapping[str, Any]) -> float:
    """Estimate the length of a video in seconds, rather too high.

    >>> video_seconds({"scenes": [{"type": "image", "seconds": 10}, {"type": "image", "script": "x" * 240}]})
    30.0
    """
    return sum(_seconds_shown(scene) for scene in params.get("scenes", [params]))


def _seconds_shown(scene: Mapping[str, Any]) -> float:
    script = scene.get("script") or ""
    # Without words, an avatar by itself or a scene that names a voice_track has a recorded voice.
    recorded = not script and (scene.get("voice_track") is not None or "type" not in scene)
    wide = sum(east_asian_width(character) in "WF" for character in script)
    characters = len(script) + (WIDE_CHARACTERS - 1) * wide
    spoken = RECORDED_SECONDS if recorded else min(characters / CHARACTERS_A_SECOND, MAX_VOICE_SECONDS)
    return max(spoken, scene.get("seconds") or SILENT_SECONDS)


def settle_budget(record: JobRecord, prices: LanePrices) -> LedgerUpdate | None:
    """Return the update that replaces an ended job's reservation by its cost; None if nothing changes.

    A job cancelled while it ran pays the wall time of that attempt, by its lane's price, and what earlier ones cost.
    Some jobs cost at least their reservation, because what they took is unknown and would otherwise be free: those of
    ``_keeps_reservation``.
    """
    if record.reserved_usd is None:
        return None
    cost = (record.cost_usd or 0) + prices.usd(record.lane, _cancelled_seconds(record))
    cost = max(cost, record.reserved_usd if _keeps_reservation(record) else 0)
    difference = round(cost * MICROS) - round(record.reserved_usd * MICROS)
    if difference == 0:
        return None
    update = ConditionalUpdate()
    update.add(AMOUNT, difference)
    # In case the day's item expired before the job ended.
    update.set_if_absent("expires_at", int((record.created_at + timedelta(days=KEEP_DAYS)).timestamp()))
    return LedgerUpdate(*_row(record.owner, record.created_at), update)


def _cancelled_seconds(record: JobRecord) -> float:
    """Return the seconds that an attempt had run when its job was cancelled; its outcome reports no cost."""
    if record.state is not State.CANCELLED or record.started_at is None:
        return 0.0
    return min(max(record.updated_at.timestamp() - record.started_at, 0.0), MAX_ATTEMPT_SECONDS)


def _keeps_reservation(record: JobRecord) -> bool:
    """Return True for a job cancelled while running or after it woke a GPU, and for one that crashed or timed out."""
    if record.state is State.CANCELLED:
        return record.started_at is not None or record.waking_since is not None
    lost = record.error is not None and record.error.code in _LOST
    return record.state is State.FAILED and lost and record.started_at is not None


def _row(owner: str, moment: datetime) -> tuple[str, str]:
    """Return partition and sort key of an owner's UTC day."""
    return f"budget#{owner}", moment.astimezone(UTC).date().isoformat()
