"""Values that the ledger keeps: estimates of each kind, expiry times, and reservations that races give back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.ledger import Ledger
from cloud.instance_reports import InstanceReports
from cloud.invocation import Completed
from cloud.job_queue import JobQueue
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.results import Picture, Result, StageTime
from handlers.jobs.result_cache import ResultCache, cache_key
from handlers.limits.budget import Budget, estimate_seconds, settle_budget
from handlers.limits.limit_exceeded import LimitExceeded
from handlers.limits.rate_limiter import RateLimiter
from handlers.limits.rates import Rate
from tests.handlers.budget_reservation import reserve_upscale
from tests.handlers.calls import Call
from tests.handlers.fixed_clock import NOW, stop_clock
from tests.handlers.lane_prices import PRICES, on_the_gpu

DAY = 86_400
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
UPSCALE: Any = {"kind": "upscale", "uploads": {"photo": {"content_type": "image/jpeg"}}}


@pytest.mark.parametrize(
    ("kind", "models", "preview"),
    [
        (Kind.RESTYLE_ROOM, 30, 6),
        (Kind.INPAINT, 30, 10),
        (Kind.FACE_SWAP, 15, 5),
        (Kind.UPSCALE, 20, 5),
        (Kind.FIND_OBJECTS, 5, 4),
    ],
)
def test_each_kind_of_picture_has_its_own_estimate(kind: Kind, models: float, preview: float) -> None:
    assert estimate_seconds(kind, Engine.MODELS, {}) == models
    assert estimate_seconds(kind, Engine.PREVIEW, {}) == preview
    assert estimate_seconds(kind, Engine.PREVIEW, {"count": 3}) == 3 * preview


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({"script": "x" * 120}, 10),  # twelve characters a second
        ({"script": "幕" * 40}, 10),  # a wide character takes the time of three
        ({"script": "x" * 60 + "幕" * 20}, 10),
        ({"script": "x"}, 4),  # no video is shorter
        ({"script": "x" * 100_000}, 300),  # the longest voice
        ({}, 60),  # a recorded voice, of unknown length
        ({"scenes": [{"type": "image", "seconds": 30}, {"type": "image"}]}, 34),
        ({"scenes": [{"type": "avatar", "voice_track": "v"}]}, 60),
        ({"scenes": [{"type": "avatar", "script": "x" * 120, "seconds": 12}]}, 12),
        ({"scenes": [{"type": "avatar", "script": "x" * 240, "seconds": 12}]}, 20),
    ],
)
def test_a_video_is_estimated_by_the_seconds_that_it_shows(params: dict[str, Any], shown: float) -> None:
    assert estimate_seconds(Kind.RENDER_SCENES, Engine.MODELS, params) == pytest.approx(60 + 6 * shown)
    assert estimate_seconds(Kind.RENDER_VIDEO, Engine.PREVIEW, params) == pytest.approx(5 + 2 * shown)


def test_a_days_spending_is_kept_for_forty_days_from_its_first_job(ledger: Ledger) -> None:
    ours = Budget(ledger, daily_usd=1, **on_the_gpu(0.36))
    for hours in (0, 3):
        reserve_upscale(ours, now=NOON + timedelta(hours=hours))
    row = ledger.get("budget#owner-1", "2026-06-01")
    assert row is not None
    assert row["expires_at"] == NOON.timestamp() + 40 * DAY


def test_a_settlement_of_a_forgotten_day_is_forgotten_in_turn(ledger: Ledger, record: Callable[..., JobRecord]) -> None:
    change = settle_budget(record(state="failed", created_at=NOON, reserved_usd=0.002, cost_usd=0.003), PRICES)
    assert change is not None
    ledger.transact([change])
    row = ledger.get("budget#owner-1", "2026-06-01")
    assert row is not None
    assert row["expires_at"] == NOON.timestamp() + 40 * DAY


@pytest.mark.usefixtures("environment")
def test_the_loser_of_two_equal_requests_at_once_gives_back_what_it_took(
    call: Call, store: JobStore, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both see no job of the key. One writes it; the other has counted and reserved when it finds it written."""
    key = {"headers": {"Idempotency-Key": "mine"}}
    first = call("POST", "/jobs", UPSCALE, **key)
    job = store.get(first.body["job"]["job_id"])
    assert job is not None
    get = JobStore.get
    too_early = iter([True])

    def get_too_early(self: JobStore, job_id: str) -> JobRecord | None:
        return None if next(too_early, False) else get(self, job_id)

    with monkeypatch.context() as patch:
        patch.setattr(JobStore, "get", get_too_early)
        second = call("POST", "/jobs", UPSCALE, **key)
    assert (second.status, second.body["job"]["job_id"]) == (200, job.job_id)
    (day,) = ledger.query_partition(f"budget#{job.owner}")
    assert day["reserved_or_spent"] == round((job.reserved_usd or 0) * 1e6) > 0
    third = call("POST", "/jobs", UPSCALE)
    assert int(third.headers["ratelimit-remaining"]) == int(first.headers["ratelimit-remaining"]) - 1


def test_a_window_of_requests_is_kept_for_an_hour_after_its_end(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_clock(monkeypatch)
    limiter = RateLimiter(ledger, {"upscale": Rate(2, 60), "default": Rate(1, 1)})
    status = limiter.acquire("owner-1", "upscale")
    row = ledger.get("limit#owner-1", "upscale")
    assert row is not None
    assert (row["window_ends"], row["expires_at"]) == (NOW + 60, NOW + 60 + 3600)
    assert (status.remaining, status.reset_seconds) == (1, 60)


def test_a_window_ends_at_its_second(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = RateLimiter(ledger, {"upscale": Rate(1, 60), "default": Rate(1, 1)})
    stop_clock(monkeypatch)
    limiter.acquire("owner-1", "upscale")
    stop_clock(monkeypatch, NOW + 59)
    with pytest.raises(LimitExceeded) as refused:
        limiter.acquire("owner-1", "upscale")
    assert refused.value.headers["Retry-After"] == "1"
    stop_clock(monkeypatch, NOW + 60)
    assert limiter.status("owner-1", "upscale").remaining == 1
    assert limiter.acquire("owner-1", "upscale").remaining == 0


def test_a_request_is_given_back_in_its_own_window_alone(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = RateLimiter(ledger, {"upscale": Rate(2, 60), "default": Rate(1, 1)})
    stop_clock(monkeypatch)
    first = limiter.acquire("owner-1", "upscale")
    stop_clock(monkeypatch, NOW + 60)
    limiter.acquire("owner-1", "upscale")
    limiter.release("owner-1", "upscale", first.window_ends)
    assert limiter.status("owner-1", "upscale").remaining == 1
    for _ in range(3):
        limiter.release("owner-1", "upscale", NOW + 120)
    assert limiter.status("owner-1", "upscale").remaining == 2


def completed(job: JobRecord) -> Completed:
    picture = Picture(
        name="result", key="results/x/result.jpg", content_type="image/jpeg", width=4, height=3, size=9, sha256="0" * 64
    )
    return Completed(
        job_id=job.job_id,
        attempt=1,
        result=Result(pictures=[picture], engine=Engine.PREVIEW, seed=3),
        timeline=[StageTime(stage="paint", seconds=36)],
        inputs={"photo": "1" * 64},
        engine_digest="engine-1",
    )


@pytest.mark.parametrize(
    ("pictures_days", "kept"),
    [(30, 7 * DAY), (8, 7 * DAY), (7, 6 * DAY), (2, 1 * DAY)],
)
def test_a_result_is_reused_for_the_cache_days_or_until_a_day_before_its_pictures_go(
    ledger: Ledger,
    record: Callable[..., JobRecord],
    monkeypatch: pytest.MonkeyPatch,
    pictures_days: int,
    kept: int,
) -> None:
    stop_clock(monkeypatch)
    job = record(state="completed", expires_at=int(NOW) + pictures_days * DAY)
    cache = ResultCache(ledger, cache_days=7)
    cache.store(job, completed(job))
    same: Any = {"owner": job.owner, "kind": job.kind, "engine": job.engine, "params": job.params}
    digest = cache_key(**same, inputs={"photo": "1" * 64}, engine_digest="engine-1")
    (row,) = ledger.query_partition(f"cache#{digest}")
    assert row["expires_at"] == NOW + kept


def test_no_cache_days_reuse_nothing(ledger: Ledger) -> None:
    assert [ResultCache(ledger, cache_days=days).enabled for days in (0, 1)] == [False, True]


@pytest.mark.parametrize(
    ("owner", "group"),
    [
        ("auth0|5f7c", "auth0|5f7c"),
        ("x" * 128, "x" * 128),
        ("x" * 129, sha256(b"x" * 129).hexdigest()),
        ("Zoë", sha256("Zoë".encode()).hexdigest()),
        ("with space", sha256(b"with space").hexdigest()),
    ],
)
def test_an_owners_messages_are_a_group_of_their_own(record: Callable[..., JobRecord], owner: str, group: str) -> None:
    groups: list[str] = []

    class Queue:
        def send_message(self, *, MessageGroupId: str, **_rest: Any) -> None:  # noqa: N803 - boto3's own names
            groups.append(MessageGroupId)

    queue: Any = Queue()
    JobQueue(queue, "queue", "dead").send(record(owner=owner))
    JobQueue(queue, "queue", "dead").send_to_dead_letters(record(owner=owner))
    assert groups == [group, group]


def test_a_lookup_writes_nothing(ledger: Ledger) -> None:
    cache = ResultCache(ledger, cache_days=7)
    InstanceReports(ledger).write_engine_digest("upscale", "preview", "engine-1")
    same: Any = {"owner": "ann", "kind": Kind.UPSCALE, "engine": Engine.PREVIEW, "params": {}}
    for _ in range(2):
        assert cache.find(**same, inputs={"photo": "1" * 64}) is None
    assert cache.stats().days == []
