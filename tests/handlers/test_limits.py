"""Rate limits per owner, also under concurrent requests."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import ValidationError

from cloud.dynamodb.ledger import Ledger
from handlers.limits import rates
from handlers.limits.limit_exceeded import LimitExceeded
from handlers.limits.rate_limiter import RateLimiter
from handlers.limits.rates import DEFAULT_RATES, Rate
from handlers.settings.api import ApiSettings
from infra.config import Config, ConfigError
from tests.handlers.atomic import Atomic


class Clock:
    """A time that passes when it is refusal to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.5

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("handlers.limits.rate_limiter.time", clock)
    return clock


@pytest.fixture
def limits(ledger: Ledger) -> RateLimiter:
    return RateLimiter(ledger, {**DEFAULT_RATES, "generate": Rate(3, 60), "default": Rate(2, 10)})


def accepted(limits: RateLimiter, owner: str = "owner-1", subject: str = "generate") -> bool:
    try:
        limits.acquire(owner, subject)
    except LimitExceeded:
        return False
    return True


def test_a_window_begins_with_the_first_request_and_ends_after_its_seconds(limits: RateLimiter, clock: Clock) -> None:
    assert limits.acquire("owner-1", "generate").remaining == 2
    clock.now += 40
    assert [limits.acquire("owner-1", "generate").remaining for _ in range(2)] == [1, 0]
    clock.now += 19.9
    with pytest.raises(LimitExceeded, match=r"3 requests for generate in 60 seconds. Try again in 1 s") as refused:
        limits.acquire("owner-1", "generate")
    assert refused.value.headers == {
        "RateLimit-Limit": "3",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "1",
        "X-RateLimit-Limit": "3",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Window": "60",
        "Retry-After": "1",
    }
    clock.now += 0.1
    assert limits.acquire("owner-1", "generate").remaining == 2


def test_nobody_waits_longer_than_a_window_if_clocks_differ(limits: RateLimiter, clock: Clock) -> None:
    for _ in range(3):
        limits.acquire("owner-1", "generate")
    clock.now -= 2.5  # this request was received before the one that opened the window
    with pytest.raises(LimitExceeded, match="Try again in 60 s") as refused:
        limits.acquire("owner-1", "generate")
    assert refused.value.headers["Retry-After"] == "60"
    assert limits.status("owner-1", "generate").reset_seconds == 60


def test_owners_and_subjects_are_counted_apart(limits: RateLimiter, clock: Clock) -> None:
    assert [accepted(limits) for _ in range(4)] == [True, True, True, False]
    assert accepted(limits, owner="owner-2")
    assert [accepted(limits, subject="restyle_room") for _ in range(3)] == [True, True, False]


def test_reading_the_status_counts_nothing(limits: RateLimiter, clock: Clock) -> None:
    assert limits.status("owner-1", "generate").remaining == 3
    taken = limits.acquire("owner-1", "generate")
    assert limits.status("owner-1", "generate") == taken


def test_a_released_request_frees_its_own_window_only(limits: RateLimiter, clock: Clock) -> None:
    first = limits.acquire("owner-1", "generate")
    limits.release("owner-1", "generate", first.window_ends)
    limits.release("owner-1", "generate", first.window_ends)
    assert limits.status("owner-1", "generate").remaining == 3
    clock.now += 61
    assert [accepted(limits) for _ in range(3)] == [True, True, True]
    limits.release("owner-1", "generate", first.window_ends)
    assert not accepted(limits)


@examples(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.floats(0, 30), min_size=1, max_size=25))
def test_no_window_holds_more_than_its_limit(limits: RateLimiter, clock: Clock, steps: list[float]) -> None:
    owner = uuid4().hex
    taken: list[tuple[float, float]] = []
    for step in steps:
        clock.now += step
        try:
            status = limits.acquire(owner, "generate")
        except LimitExceeded as refusal:
            opened = [ends for at, ends in taken if ends > clock.now]
            assert len(opened) == 3
            assert 1 <= int(refusal.headers["Retry-After"]) <= 60
        else:
            assert clock.now < status.window_ends <= clock.now + 60
            taken.append((clock.now, status.window_ends))
    windows = [ends for _, ends in taken]
    assert all(windows.count(ends) <= 3 for ends in windows)


def test_fifty_concurrent_requests_do_not_exceed_a_limit_of_ten(ledger: Ledger, atomic: Atomic) -> None:
    limits = RateLimiter(Ledger("ledger", atomic.client()), {"default": Rate(10, 60)})
    together = threading.Barrier(50)

    def ask(_: int) -> bool:
        together.wait()
        return accepted(limits)

    with ThreadPoolExecutor(50) as threads:
        assert sum(threads.map(ask, range(50))) == 10
    assert limits.status("owner-1", "generate").remaining == 0


# What may be configured.


def test_a_deployment_overrides_the_rate_of_each_subject() -> None:
    found = rates.configured_rates({"upscale": "1/10", "default": "7/3600"})
    assert (found["upscale"], found["default"], found["generate"]) == (Rate(1, 10), Rate(7, 3600), Rate(10, 60))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"upscale": "10"}, "write 10/60"),
        ({"upscale": "0/60"}, "write 10/60"),
        ({"upscale": "10/0"}, "write 10/60"),
        ({"upscale": "10/99999"}, "86400 seconds"),
        ({"upscale": "ten/60"}, "write 10/60"),
        ({"upscal": "10/60"}, "did you mean 'upscale'"),
        ({"zzz": "10/60"}, "choose among assets, default, .*face_swap"),
    ],
)
def test_an_invalid_rate_is_refused_with_a_hint(
    environment: None, monkeypatch: pytest.MonkeyPatch, overrides: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        Config.read({"rate_limits": json.dumps(overrides)})
    monkeypatch.setenv("RATE_LIMITS", json.dumps(overrides))
    with pytest.raises(ValidationError, match=said):
        ApiSettings.read()


# As callers see it.


@pytest.mark.usefixtures("environment")
class TestTheApi:
    """Limits on the routes."""

    def wish(self, **more: Any) -> dict[str, Any]:
        return {"kind": "upscale", "uploads": {"photo": {"content_type": "image/jpeg"}}, **more}

    def test_every_answer_says_where_one_stands(self, call: Callable[..., Any]) -> None:
        answers = [call("POST", "/jobs", self.wish()) for _ in range(6)]
        assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
        assert {answer.headers["x-ratelimit-window"] for answer in answers} == {"60"}
        answers[-1].problem(429, "rate_limited")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert call("POST", "/jobs", self.wish(), owner="owner-2").status == 201
        assert len(call("GET", "/jobs").body["jobs"]) == 5

    def test_a_request_that_is_wrong_costs_nothing(self, call: Callable[..., Any]) -> None:
        for _ in range(8):
            call("POST", "/jobs", self.wish(params={"scale": 9})).problem(422, "invalid_request")
        assert call("POST", "/jobs", self.wish()).headers["ratelimit-remaining"] == "4"

    def test_a_job_that_is_there_is_told_again_whatever_the_limit(self, call: Callable[..., Any]) -> None:
        key = {"headers": {"Idempotency-Key": "mine"}}
        made = call("POST", "/jobs", self.wish(), **key)
        again = call("POST", "/jobs", self.wish(), **key)
        assert (again.status, again.headers["ratelimit-remaining"]) == (200, "4")
        for _ in range(4):
            call("POST", "/jobs", self.wish())
        call("POST", "/jobs", self.wish()).problem(429, "rate_limited")
        again = call("POST", "/jobs", self.wish(), **key)
        assert (again.status, again.body["job"]["job_id"]) == (200, made.body["job"]["job_id"])

    def test_one_may_ask_where_one_stands(self, call: Callable[..., Any]) -> None:
        call("POST", "/jobs", self.wish())
        refusal = call("GET", "/limits").body
        assert (refusal["rates"]["upscale"]["limit"], refusal["rates"]["upscale"]["remaining"]) == (5, 4)
        assert (refusal["rates"]["prompts"]["remaining"], refusal["rates"]["generate"]["remaining"]) == (20, 10)
        assert 0 < refusal["budget"]["spent_usd"] < refusal["budget"]["daily_usd"]
        assert call("GET", "/limits").body["rates"]["upscale"]["remaining"] == 4, "asking counts for nothing"
        assert call("GET", "/limits", owner="owner-2").body["budget"]["spent_usd"] == 0
