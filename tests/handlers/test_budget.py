"""Daily budget of an owner's jobs: reserved, spent, and released."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud import clients
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.ledger import Ledger
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import KINDS, Kind
from handlers.limits.budget import Budget, estimate_seconds, settle_budget
from handlers.limits.limit_exceeded import LimitExceeded
from tests.handlers.atomic import Atomic
from tests.handlers.budget_reservation import reserve_upscale
from tests.handlers.lane_prices import PRICES, on_the_gpu

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
# 0.36 dollars an hour are 100 millionths a second: an upscaling by models (20 s) is reserved 0.002.
PRICE = 0.36
WISH: Any = {"kind": "upscale", "uploads": {"photo": {"content_type": "image/jpeg"}}}


def budget(ledger: Ledger, daily_usd: float = 0.01) -> Budget:
    return Budget(ledger, daily_usd=daily_usd, **on_the_gpu(PRICE))


def reserve(budget: Budget, *, owner: str = "owner-1", now: datetime = NOON, **params: Any) -> float | None:
    return reserve_upscale(budget, owner=owner, now=now, **params)


def spent(ledger: Ledger, day: str = "2026-06-01") -> int:
    return int((ledger.get("budget#owner-1", day) or {}).get("reserved_or_spent", 0))


def test_every_kind_has_an_estimate_on_each_engine_that_can_do_it() -> None:
    for kind, definition in KINDS.items():
        for engine in definition.engines:
            assert estimate_seconds(kind, engine, {"script": "Hello."}) > 0


@pytest.mark.parametrize(
    ("longer", "shorter"),
    [
        ({"script": "word " * 200}, {"script": "word"}),
        ({"script": ""}, {"script": "word"}),  # a recorded voice
        ({"script": "今晚" * 50}, {"script": "on" * 50}),
        ({"scenes": [{"type": "image", "seconds": 30}] * 3}, {"scenes": [{"type": "image"}] * 3}),
        ({"scenes": [{"type": "image"}] * 4}, {"scenes": [{"type": "image"}] * 3}),
        ({"scenes": [{"type": "avatar", "voice_track": "v"}]}, {"scenes": [{"type": "avatar", "script": "word"}]}),
    ],
)
def test_a_longer_video_is_estimated_to_cost_more(longer: dict[str, Any], shorter: dict[str, Any]) -> None:
    for engine in Engine:
        more, less = (estimate_seconds(Kind.RENDER_SCENES, engine, params) for params in (longer, shorter))
        assert more > less


def test_a_day_holds_its_budget_and_no_more(ledger: Ledger) -> None:
    ours = budget(ledger)
    assert [reserve(ours) for _ in range(5)] == [0.002] * 5
    with pytest.raises(LimitExceeded, match=r"taken \$0.0100, those under way included, of the \$0.01") as refused:
        reserve(ours)
    assert refused.value.detail.code == "budget_exceeded"
    assert refused.value.headers == {"Retry-After": str(12 * 3600)}
    assert reserve(ours, owner="owner-2") == 0.002
    assert reserve(ours, now=NOON + timedelta(hours=12)) == 0.002
    assert spent(ledger) == 10_000


def test_a_job_that_alone_is_more_than_a_day_allows_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LimitExceeded):
        reserve(budget(ledger, 0.001))
    assert spent(ledger) == 0


def test_several_pictures_are_reserved_for_one_by_one(ledger: Ledger) -> None:
    assert reserve(budget(ledger), count=4) == 0.008


def test_no_limit_asks_nobody(ledger: Ledger, record: Callable[..., JobRecord]) -> None:
    assert reserve(budget(ledger, 0)) is None
    assert spent(ledger) == 0
    assert settle_budget(record(reserved_usd=None, cost_usd=0.5), PRICES) is None


@pytest.mark.parametrize(("cost", "left"), [(None, 0), (0.0, 0), (0.0005, 500), (0.002, 2000), (0.0044, 4400)], ids=str)
def test_what_a_job_cost_takes_the_place_of_what_was_reserved(
    ledger: Ledger, record: Callable[..., JobRecord], cost: float | None, left: int
) -> None:
    reserved = reserve(budget(ledger))
    # It ended the day after: its own day is settled.
    job = record(state="completed", created_at=NOON, reserved_usd=reserved, cost_usd=cost)
    change = settle_budget(job, PRICES)
    if change is not None:
        ledger.transact([change])
    assert spent(ledger) == left


@pytest.mark.parametrize(
    ("started_at", "cost", "left"),
    [(None, None, 0), (-0.0, None, 2000), (0.0, 0.0004, 2000), (0.0, 0.003, 3000)],
    ids=str,
)
def test_cancelling_gives_back_only_what_was_not_begun(
    ledger: Ledger, record: Callable[..., JobRecord], started_at: float | None, cost: float | None, left: int
) -> None:
    reserved = reserve(budget(ledger))
    started_at = None if started_at is None else NOON.timestamp()
    times = {"created_at": NOON, "updated_at": NOON, "started_at": started_at}
    job = record(state="cancelled", reserved_usd=reserved, cost_usd=cost, **times)
    change = settle_budget(job, PRICES)
    if change is not None:
        ledger.transact([change])
    assert spent(ledger) == left


@pytest.mark.parametrize(
    ("seconds", "cost", "dollars"),
    [(-5, None, 0.002), (5, None, 0.002), (800, None, 0.163644), (800, 0.1, 0.263644), (10**6, None, 0.7364)],
)
def test_a_job_cancelled_while_it_ran_pays_its_wall_time_if_that_is_more(
    record: Callable[..., JobRecord], seconds: int, cost: float | None, dollars: float
) -> None:
    times = {"created_at": NOON, "started_at": NOON.timestamp(), "updated_at": NOON + timedelta(seconds=seconds)}
    job = record(state="cancelled", reserved_usd=0.002, cost_usd=cost, **times)
    change = settle_budget(job, PRICES)
    added = 0 if change is None else int(change.update.arguments()["ExpressionAttributeValues"][":v0"]["N"])
    assert 0.002 + added / 1e6 == pytest.approx(dollars, abs=2e-6)


def test_what_was_forgotten_meanwhile_is_no_obstacle(ledger: Ledger, record: Callable[..., JobRecord]) -> None:
    change = settle_budget(record(state="failed", created_at=NOON, reserved_usd=0.002, cost_usd=0.003), PRICES)
    assert change is not None
    ledger.transact([change])
    assert spent(ledger) == 1000


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(costs=st.lists(st.none() | st.floats(0, 0.004), max_size=8), day=st.dates(NOON.date()))
def test_at_the_end_of_all_jobs_the_day_holds_just_what_they_cost(
    ledger: Ledger, record: Callable[..., JobRecord], costs: list[float | None], day: Any
) -> None:
    moment = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    before = spent(ledger, day.isoformat())
    jobs = []
    for cost in costs:
        reserved = reserve(budget(ledger, 1000), now=moment)
        jobs.append(record(created_at=moment, reserved_usd=reserved, cost_usd=cost))
    assert spent(ledger, day.isoformat()) - before == 2000 * len(costs)
    for job in jobs:
        change = settle_budget(JobRecord.from_item(job.to_item()), PRICES)
        if change is not None:
            ledger.update_item(change.partition, change.sort, change.update)
    assert spent(ledger, day.isoformat()) - before == sum(round((cost or 0) * 1e6) for cost in costs)


def test_fifty_at_once_never_exceed_it(ledger: Ledger, atomic: Atomic) -> None:
    ours = budget(Ledger("ledger", atomic.client()), 0.013)
    together = threading.Barrier(50)

    def ask(_: int) -> bool:
        together.wait()
        try:
            reserve(ours)
        except LimitExceeded:
            return False
        return True

    with ThreadPoolExecutor(50) as threads:
        assert sum(threads.map(ask, range(50))) == 6
    assert spent(ledger) == 12_000


def test_a_settlement_under_way_at_the_same_row_is_waited_for(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("cloud.dynamodb.transaction.time.sleep", pauses.append)

    class Busy:
        """A table whose row is in two transactions, one after the other."""

        def __init__(self) -> None:
            self.client = clients.dynamodb()
            self.conflicts = 2

        def transact_write_items(self, **arguments: Any) -> Any:
            if self.conflicts:
                self.conflicts -= 1
                reasons = [{"Code": "TransactionConflict"}]
                response: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
                raise ClientError(response, "TransactWriteItems")
            return self.client.transact_write_items(**arguments)

    busy: Any = Busy()
    assert reserve(budget(Ledger("ledger", busy))) == 0.002
    assert len(pauses) == 2
    busy.conflicts = 99
    with pytest.raises(ClientError):
        reserve(budget(Ledger("ledger", busy)))


# As callers see it.


@pytest.mark.usefixtures("environment")
class TestTheApi:
    """The budget where jobs are asked for."""

    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OWNER_DAILY_USD", "0.0025")

    def test_a_job_too_much_is_refused_and_costs_no_request(self, call: Callable[..., Any], store: JobStore) -> None:
        made = [call("POST", "/jobs", WISH) for _ in range(2)]
        assert [answer.status for answer in made] == [201, 201]
        refused = call("POST", "/jobs", WISH)
        assert "midnight UTC" in refused.problem(429, "budget_exceeded")["detail"]
        assert 1 <= int(refused.headers["retry-after"]) <= 86_400
        assert refused.headers["ratelimit-remaining"] == made[-1].headers["ratelimit-remaining"] == "3"
        kept = store.get(made[0].body["job"]["job_id"])
        assert kept is not None
        assert kept.reserved_usd == pytest.approx(5 * 0.7364 / 3600, abs=1e-6)
        assert "reserved_usd" not in made[0].body["job"]

    def test_the_same_key_reserves_once(self, call: Callable[..., Any]) -> None:
        key = {"headers": {"Idempotency-Key": "mine"}}
        assert [call("POST", "/jobs", WISH, **key).status for _ in range(5)] == [201, 200, 200, 200, 200]
        assert call("POST", "/jobs", WISH).status == 201

    def test_a_job_whose_writing_was_answered_too_late_is_new_all_the_same(
        self, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create = JobStore.create

        def twice(self: JobStore, record: JobRecord, **options: Any) -> JobRecord:
            create(self, record, **options)
            return create(self, record, **options)

        with monkeypatch.context() as broken:
            broken.setattr(JobStore, "create", twice)
            made = call("POST", "/jobs", WISH)
        assert (made.status, made.headers["ratelimit-remaining"]) == (201, "4")
        assert call("POST", "/jobs", WISH).headers["ratelimit-remaining"] == "3"

    def test_a_creation_that_was_cut_off_reserves_nothing(
        self, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = {"headers": {"Idempotency-Key": "mine"}}

        def end(*_arguments: Any, **_options: Any) -> None:
            raise SystemExit  # as a function that is stopped before it has written the job

        with monkeypatch.context() as broken:
            broken.setattr(JobStore, "create", end)
            with pytest.raises(SystemExit):
                call("POST", "/jobs", WISH, **key)
        made = call("POST", "/jobs", WISH, **key)
        assert made.status == 201
        spent_usd = call("GET", "/limits").body["budget"]["spent_usd"]
        assert spent_usd == pytest.approx(5 * 0.7364 / 3600, abs=1e-6)
