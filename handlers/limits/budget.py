"""What one owner's jobs may cost in a UTC day: an estimate is reserved at the start, and settled when a job ends."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from unicodedata import east_asian_width

from pydantic import BaseModel, Field

from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.ledger import MICROS, Ledger, LedgerUpdate
from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorCode
from darkroom.contract.jobs import State
from darkroom.contract.requests import VIDEO_KINDS, Kind
from darkroom.contract.video_params import MAX_VOICE_SECONDS
from handlers.limits.limit_exceeded import LimitExceeded

KEEP_DAYS = 40
AMOUNT = "reserved_or_spent"

# What one picture of a kind takes on an instance, in seconds, on the generous side: more jobs at once than the budget
# allows would begin otherwise. What is too much comes back when the job ends.
SECONDS: Mapping[tuple[Kind, Engine], float] = {
    (Kind.RESTYLE_ROOM, Engine.MODELS): 30,
    (Kind.RESTYLE_ROOM, Engine.PREVIEW): 6,
    (Kind.INPAINT, Engine.MODELS): 30,
    (Kind.INPAINT, Engine.PREVIEW): 10,
    (Kind.GENERATE, Engine.MODELS): 20,
    (Kind.FACE_SWAP, Engine.MODELS): 15,
    (Kind.FACE_SWAP, Engine.PREVIEW): 5,
    (Kind.UPSCALE, Engine.MODELS): 20,
    (Kind.UPSCALE, Engine.PREVIEW): 5,
    (Kind.FIND_OBJECTS, Engine.MODELS): 5,
    (Kind.FIND_OBJECTS, Engine.PREVIEW): 4,
}
# The same of a second of video. Nobody knows how long a recorded voice is before it comes.
SECONDS_OF_VIDEO: Mapping[Engine, float] = {Engine.MODELS: 6, Engine.PREVIEW: 2}
VIDEO_START_SECONDS: Mapping[Engine, float] = {Engine.MODELS: 60, Engine.PREVIEW: 5}
CHARACTERS_A_SECOND = 12  # of a slow voice
WIDE_CHARACTERS = 3  # as many as one of Chinese, Japanese or Korean takes the time of
RECORDED_SECONDS = 60
SILENT_SECONDS = 4


class Spending(BaseModel):
    """What an owner's jobs of a UTC day have taken."""

    spent_usd: float = Field(description="Estimates of jobs under way included.")
    daily_usd: float | None = Field(description="What a day allows; null: any sum.")
    ends_at: datetime = Field(description="When the day ends.")


class Budget:
    """The budgets of every owner: ``daily_usd`` in a UTC day, 0 for no limit, at an instance's hourly price."""

    def __init__(self, ledger: Ledger, *, daily_usd: float, usd_per_hour: float) -> None:
        self._ledger = ledger
        self._limit = round(daily_usd * MICROS)
        self._usd_per_hour = usd_per_hour

    def reserve(
        self, owner: str, kind: Kind, engine: Engine, params: Mapping[str, Any], *, now: datetime
    ) -> float | None:
        """Set aside what a job will cost about; the dollars, None without a limit.

        Raises ``LimitExceeded`` (``budget_exceeded``) when the day's budget does not hold as much any more.
        """
        if self._limit == 0:
            return None
        micros: int = round(estimate_seconds(kind, engine, params) / 3600 * self._usd_per_hour * MICROS)
        update = ConditionalUpdate()
        update.add(AMOUNT, micros)
        update.set_if_absent("expires_at", int((now + timedelta(days=KEEP_DAYS)).timestamp()))
        update.require_if_present(AMOUNT, "<=", self._limit - micros)
        fits = micros <= self._limit  # where nothing was spent yet, the condition has nothing to compare
        if not fits or self._ledger.update_item(*_row(owner, now), update) is None:
            raise self._refusal(owner, micros, now)
        return micros / MICROS

    def release(self, owner: str, reserved_usd: float | None, *, now: datetime) -> None:
        """Undo a ``reserve`` of the same moment."""
        if reserved_usd:
            update = ConditionalUpdate()
            update.add(AMOUNT, -round(reserved_usd * MICROS))
            self._ledger.update_item(*_row(owner, now), update)

    def current_spending(self, owner: str, *, now: datetime) -> Spending:
        """Where an owner stands in the UTC day of ``now``."""
        micros = (self._ledger.get(*_row(owner, now)) or {}).get(AMOUNT, 0)
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
        return Spending(spent_usd=micros / MICROS, daily_usd=self._limit / MICROS or None, ends_at=midnight)

    def _refusal(self, owner: str, micros: int, now: datetime) -> LimitExceeded:
        spending = self.current_spending(owner, now=now)
        return LimitExceeded(
            ErrorCode.BUDGET_EXCEEDED,
            f"Your jobs of today have taken ${spending.spent_usd:.4f}, those under way included, of the "
            f"${self._limit / MICROS:.2f} that a day allows; this one may take ${micros / MICROS:.4f}. "
            "The next day begins at midnight UTC.",
            seconds=(spending.ends_at - now).total_seconds(),
            headers={},
        )


def estimate_seconds(kind: Kind, engine: Engine, params: Mapping[str, Any]) -> float:
    """The seconds that a job takes on an instance, on the generous side.

    >>> estimate_seconds(Kind.GENERATE, Engine.MODELS, {"count": 3})
    60
    """
    if kind not in VIDEO_KINDS:
        return SECONDS[kind, engine] * int(params.get("count", 1))
    shown = sum(_seconds_shown(scene) for scene in params.get("scenes", [params]))
    return VIDEO_START_SECONDS[engine] + SECONDS_OF_VIDEO[engine] * shown


def _seconds_shown(scene: Mapping[str, Any]) -> float:
    script = scene.get("script") or ""
    # Without words, an avatar by itself or a scene that names a voice_track has a recorded voice.
    recorded = not script and (scene.get("voice_track") is not None or "type" not in scene)
    wide = sum(east_asian_width(character) in "WF" for character in script)
    characters = len(script) + (WIDE_CHARACTERS - 1) * wide
    spoken = RECORDED_SECONDS if recorded else min(characters / CHARACTERS_A_SECOND, MAX_VOICE_SECONDS)
    return max(spoken, scene.get("seconds") or SILENT_SECONDS)


def settle_budget(record: JobRecord) -> LedgerUpdate | None:
    """What a job that ended changes in its owner's budget: what it cost in place of what was reserved.

    A job that was cancelled at work costs no less than was reserved: nobody knows what its machine did until it heard,
    and who cancels each job at its last step would spend without end. None where there is nothing to change.
    """
    if record.reserved_usd is None:
        return None
    begun = record.state is State.CANCELLED and record.started_at is not None
    cost = max(record.cost_usd or 0, record.reserved_usd if begun else 0)
    difference = round(cost * MICROS) - round(record.reserved_usd * MICROS)
    if difference == 0:
        return None
    update = ConditionalUpdate()
    update.add(AMOUNT, difference)
    # The row of a job that took until its day was forgotten.
    update.set_if_absent("expires_at", int((record.created_at + timedelta(days=KEEP_DAYS)).timestamp()))
    return LedgerUpdate(*_row(record.owner, record.created_at), update)


def _row(owner: str, moment: datetime) -> tuple[str, str]:
    """The partition and sort key of an owner's UTC day."""
    return f"budget#{owner}", moment.astimezone(UTC).date().isoformat()
