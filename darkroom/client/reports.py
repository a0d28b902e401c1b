"""What the service reports of itself: a day in numbers, what works at the moment, limits, and the result cache.

Names of states, kinds and engines are plain strings here, so that a newer service may have more of them.
"""

from datetime import date, datetime

from pydantic import BaseModel


class Durations(BaseModel):
    """How long ``count`` jobs or stages took, in seconds: half of them at most ``p50``, 95 of 100 at most ``p95``."""

    count: int = 0
    p50: float | None = None
    p95: float | None = None


class EngineStatistics(BaseModel):
    """A day's jobs of one kind on one engine; cached ones have no durations."""

    states: dict[str, int] = {}
    cost_usd: float = 0.0
    seconds: Durations = Durations()
    stages: dict[str, Durations] = {}


class KindStatistics(BaseModel):
    """A day's jobs of one kind. ``success_rate`` is completed / (completed + failed), in [0, 1]."""

    states: dict[str, int] = {}
    cached: int = 0
    success_rate: float | None = None
    cost_usd: float = 0.0
    seconds: Durations = Durations()
    engines: dict[str, EngineStatistics] = {}


class Statistics(BaseModel):
    """A UTC day in numbers, as of ``at``; jobs that are open now belong to today."""

    date: date
    at: datetime
    states: dict[str, int] = {}
    cached: int = 0
    success_rate: float | None = None
    cost_usd: float = 0.0
    kinds: dict[str, KindStatistics] = {}
    open_cut_off: bool = False


class Endpoint(BaseModel):
    """The GPU endpoint: ``absent``, or its status, and how many instances run."""

    status: str
    instances: int


class Backlog(BaseModel):
    """What waits: messages for dispatch, dispatched jobs for an instance; and what runs."""

    messages: int
    dispatched: int
    running: int
    cut_off: bool = False


class LoadedNetwork(BaseModel):
    """A network that an instance holds, on the GPU or in the host's memory."""

    name: str
    megabytes: float
    on_device: bool


class Instance(BaseModel):
    """What an instance said of itself lately. The device is None until it is known, GPU memory without a GPU."""

    instance_id: str
    reported_at: datetime
    device: str | None = None
    jobs: int
    networks: list[LoadedNetwork] = []
    vram_used_mb: float | None = None
    vram_total_mb: float | None = None


class Services(BaseModel):
    """What works at the moment. A part that does not answer is None, and ``reasons`` says why."""

    checked_at: datetime
    endpoint: Endpoint | None = None
    backlog: Backlog | None = None
    instances: list[Instance] | None = None
    reasons: dict[str, str] = {}


class RateLimit(BaseModel):
    """``limit`` requests in a window; the open one, if there is one, ends in ``reset_seconds``."""

    limit: int
    remaining: int
    window_seconds: int
    reset_seconds: int


class Spending(BaseModel):
    """What your jobs of this UTC day have taken, those under way included; ``daily_usd`` is None for any sum."""

    spent_usd: float
    daily_usd: float | None = None
    ends_at: datetime


class Limits(BaseModel):
    """What you may still ask for: ``rates`` by kind, or ``prompts``."""

    rates: dict[str, RateLimit]
    budget: Spending


class CacheDay(BaseModel):
    """The result cache on one UTC day."""

    date: date
    hits: int = 0
    misses: int = 0
    stores: int = 0
    saved_usd: float = 0.0
    saved_seconds: float = 0.0


class CacheStats(BaseModel):
    """The result cache: ``cache_days`` is how long a result is taken again; 0 is never."""

    cache_days: int
    valid_from: datetime | None = None
    hits: int
    misses: int
    hit_rate: float | None = None
    stores: int
    saved_usd: float
    saved_seconds: float
    days: list[CacheDay] = []


class CacheCleared(BaseModel):
    """Results made before ``valid_from`` are taken no more; not ``moved`` when as much was cleared before."""

    valid_from: datetime
    moved: bool
