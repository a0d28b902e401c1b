"""Reports of the service: daily statistics, service status, limits and the result cache.

States, kinds and engines are plain strings here, so that a newer service may add more.
"""

from datetime import date, datetime

from pydantic import BaseModel


class Durations(BaseModel):
    """Durations of ``count`` jobs or stages in seconds: median (``p50``) and 95th percentile (``p95``)."""

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
    """Statistics of a UTC day, as of ``at``; open jobs are counted today."""

    date: date
    at: datetime
    states: dict[str, int] = {}
    cached: int = 0
    success_rate: float | None = None
    cost_usd: float = 0.0
    kinds: dict[str, KindStatistics] = {}
    open_cut_off: bool = False


class Endpoint(BaseModel):
    """The GPU endpoint: ``absent`` or SageMaker's status, and the number of running instances."""

    status: str
    instances: int


class Backlog(BaseModel):
    """Backlog: messages to dispatch, dispatched jobs that wait for an instance, and running jobs."""

    messages: int
    dispatched: int
    running: int
    cut_off: bool = False


class LoadedNetwork(BaseModel):
    """A network that an instance has loaded, on the GPU or in host memory."""

    name: str
    megabytes: float
    on_device: bool


class Instance(BaseModel):
    """Latest report of an instance. ``device`` is None until it is known, GPU memory is None without a GPU."""

    instance_id: str
    reported_at: datetime
    device: str | None = None
    jobs: int
    networks: list[LoadedNetwork] = []
    vram_used_mb: float | None = None
    vram_total_mb: float | None = None


class Previews(BaseModel):
    """Status of the function that makes previews: ``absent``, or Lambda's state."""

    status: str


class Services(BaseModel):
    """Service status. A component that does not respond is None, with its reason in ``reasons``."""

    checked_at: datetime
    endpoint: Endpoint | None = None
    previews: Previews | None = None
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
    """Your spending in this UTC day, including jobs under way; ``daily_usd`` is None without a limit."""

    spent_usd: float
    daily_usd: float | None = None
    ends_at: datetime


class Limits(BaseModel):
    """Your rate limits by kind (or ``prompts``), and your budget."""

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
    """Statistics of the result cache. ``cache_days`` is how long a result is reused; 0 disables the cache."""

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
    """Outcome of clearing: results made before ``valid_from`` are not reused. Not ``moved`` if they were cleared
    before.
    """

    valid_from: datetime
    moved: bool
