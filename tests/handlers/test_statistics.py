"""Daily statistics, as an administrator sees them."""

import math
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.ledger import Ledger
from darkroom.contract.jobs import State
from handlers.jobs import open_jobs
from handlers.statistics import daily_counters
from handlers.statistics.histogram import GROWTH, bucket, quantile
from tests.handlers.calls import Answer, Call

environment = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]
MakeRecord = Callable[..., JobRecord]


@pytest.fixture
def stats(call: Call) -> Callable[..., Answer]:
    """Requests the statistics as an administrator."""
    return lambda **query: call("GET", "/stats", query=query, scope="darkroom/admin")  # type: ignore[no-any-return]


@pytest.fixture
def end(record: MakeRecord, ledger: Ledger) -> Callable[..., None]:
    """Counts a job that ended today after ``seconds``."""

    def do(
        state: State = State.COMPLETED, *, seconds: float = 20, stages: dict[str, float] | None = None, **changes: Any
    ) -> None:
        now = changes.pop("created_at", datetime.now(UTC))
        timeline = [{"stage": name, "seconds": duration} for name, duration in (stages or {}).items()]
        job = record(
            state=state, created_at=now, updated_at=now + timedelta(seconds=seconds), timeline=timeline, **changes
        )
        ledger.transact([daily_counters.count_ended_job(job)])

    return do


@environment
def test_a_days_jobs_are_counted_by_kind_and_engine(stats: Any, end: Any, job_in: JobIn) -> None:
    for seconds in range(1, 21):
        end(seconds=seconds, stages={"diffuse": seconds / 2, "load": 0.05}, cost_usd=0.001)
    end(State.FAILED, cost_usd=0.002)
    end(State.CANCELLED)
    end(cached=True, seconds=500)
    end(kind="upscale", engine="models", seconds=100)
    for state in (State.QUEUED, State.RUNNING, State.RUNNING):
        job_in(state)
    answer = stats()
    assert answer.status == 200
    body = answer.body
    assert body["date"] == datetime.now(UTC).date().isoformat()
    assert body["states"] == {"queued": 1, "running": 2, "completed": 22, "failed": 1, "cancelled": 1}
    assert body["kinds"].keys() == {"restyle_room", "upscale"}
    rooms = body["kinds"]["restyle_room"]
    assert rooms["states"] == {"queued": 1, "running": 2, "completed": 21, "failed": 1, "cancelled": 1}
    assert (rooms["cached"], rooms["success_rate"]) == (1, round(21 / 22, 4))
    assert rooms["cost_usd"] == pytest.approx(0.022)
    assert body["cost_usd"] == pytest.approx(0.022)
    for durations, middle, last in (
        (rooms["seconds"], 10, 19),
        (rooms["engines"]["preview"]["seconds"], 10, 19),
        (rooms["engines"]["preview"]["stages"]["diffuse"], 5, 9.5),
        (rooms["engines"]["preview"]["stages"]["load"], 0.05, 0.05),
    ):
        assert durations["count"] == 20
        assert durations["p50"] == pytest.approx(middle, rel=0.1)
        assert durations["p95"] == pytest.approx(last, rel=0.1)
    assert body["kinds"]["upscale"]["engines"].keys() == {"models"}
    assert body["open_cut_off"] is False


@environment
def test_a_day_without_jobs_is_empty(stats: Any) -> None:
    body = stats().body
    assert (body["kinds"], body["states"], body["success_rate"], body["cost_usd"]) == ({}, {}, None, 0)


@environment
def test_an_earlier_day_has_its_own_counts_and_no_open_jobs(stats: Any, end: Any, job_in: JobIn) -> None:
    before = datetime.now(UTC) - timedelta(days=3)
    end(State.FAILED, created_at=before)
    end()
    job_in(State.RUNNING)
    body = stats(date=before.date().isoformat()).body
    assert (body["states"], body["success_rate"]) == ({"failed": 1}, 0)


@environment
def test_an_invalid_day_is_rejected(stats: Any) -> None:
    today = datetime.now(UTC).date()
    assert stats(date=(today - timedelta(days=29)).isoformat()).status == 200
    for day in ((today - timedelta(days=30)).isoformat(), (today + timedelta(days=1)).isoformat(), "yesterday", ""):
        problem = stats(date=day).problem(422, "invalid_request")
        assert "date" in problem["detail"]


@environment
def test_a_job_counts_for_the_day_of_its_creation_in_utc(record: MakeRecord) -> None:
    job = record(created_at="2026-01-02T00:30:00+01:00")
    assert daily_counters.day_of(job) == date(2026, 1, 1)


@environment
def test_an_incomplete_count_of_open_jobs_is_marked(stats: Any, job_in: JobIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_jobs, "PAGE_ROWS", 1)
    monkeypatch.setattr(open_jobs, "PAGES", 1)
    for number in range(3):
        job_in(State.QUEUED, job_id="0" * 31 + str(number))
    body = stats().body
    assert (body["states"], body["open_cut_off"]) == ({"queued": 1}, True)


@environment
def test_only_administrators_read_the_statistics(call: Call) -> None:
    call("GET", "/stats").problem(403, "forbidden")
    call("GET", "/stats", owner=None).problem(401, "unauthorized")


@settings(max_examples=200, deadline=None)
@given(
    seconds=st.lists(st.floats(0.001, 1e5), min_size=1, max_size=60),
    share=st.sampled_from([0.01, 0.5, 0.9, 0.95, 1.0]) | st.floats(0.001, 1),
)
def test_a_quantile_is_within_a_tenth_of_the_true_one(seconds: list[float], share: float) -> None:
    true = sorted(seconds)[max(1, math.ceil(share * len(seconds) - 1e-9)) - 1]
    found = quantile(Counter(bucket(value) for value in seconds), share)
    assert found is not None
    assert true / (GROWTH + 1e-6) <= found <= true * (GROWTH + 1e-6)


@settings(max_examples=100, deadline=None)
@given(seconds=st.lists(st.floats(0, 1e9), min_size=1, max_size=30))
def test_quantiles_do_not_decrease_with_their_share(seconds: list[float]) -> None:
    counts = Counter(bucket(value) for value in seconds)
    found = [quantile(counts, share / 20) or 0.0 for share in range(21)]
    assert found == sorted(found)
    assert quantile({}, 0.5) is None
