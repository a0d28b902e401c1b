"""Network rules of the client: which failures are repeated, after which pauses, and what the last one says."""

import random
from collections.abc import Iterator

import httpx2
import pytest

from darkroom.client import network
from darkroom.client.errors import UnreachableError
from darkroom.client.network import backoff_seconds, is_loopback, retry_after, send_with_retries

REQUEST = httpx2.Request("GET", "https://api.example:8443/jobs")


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)


class Service:
    """Answers or raises one thing after the other, and records the pauses between."""

    def __init__(self, *answers: "int | httpx2.Response | Exception") -> None:
        self.answers: Iterator[int | httpx2.Response | Exception] = iter(answers)
        self.pauses: list[float] = []
        self.sent = 0

    async def send(self) -> httpx2.Response:
        self.sent += 1
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer) if isinstance(answer, int) else answer

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def ask(self, **options: int) -> int:
        return (await send_with_retries(self.send, self.sleep, **options)).status_code


def later(status: int, seconds: "int | str") -> httpx2.Response:
    return httpx2.Response(status, headers={"Retry-After": str(seconds)})


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_passing_status_is_repeated_after_doubling_pauses(status: int) -> None:
    service = Service(status, status, status, 200)
    assert await service.ask() == 200
    assert service.pauses == [0.25, 0.5, 1.0]


@pytest.mark.parametrize("status", [200, 204, 302, 400, 403, 404, 409, 501, 505])
async def test_another_status_is_an_answer(status: int) -> None:
    service = Service(status, 200)
    assert await service.ask() == status
    assert (service.sent, service.pauses) == (1, [])


async def test_the_fourth_attempt_is_the_last_and_its_answer_is_returned() -> None:
    service = Service(503, 503, 503, 500, 200)
    assert await service.ask() == 500
    assert (service.sent, len(service.pauses)) == (4, 3)


async def test_a_single_attempt_is_not_followed_by_a_pause() -> None:
    service = Service(503, 200)
    assert await service.ask(attempts=1) == 503
    assert service.pauses == []


async def test_a_connection_that_comes_back_is_used() -> None:
    service = Service(httpx2.ConnectError("refused", request=REQUEST), 503, 200)
    assert await service.ask() == 200
    assert service.pauses == [0.25, 0.5]


async def test_the_services_own_pause_is_kept() -> None:
    service = Service(later(429, 3), later(503, 0), 200)
    assert await service.ask() == 200
    assert service.pauses == [3.0, 0.0]


async def test_pauses_of_thirty_seconds_in_all_are_waited_for() -> None:
    service = Service(later(429, 20), later(429, 10), 200)
    assert await service.ask() == 200
    assert service.pauses == [20.0, 10.0]


async def test_a_longer_pause_is_left_to_the_caller() -> None:
    assert await (alone := Service(later(429, 31), 200)).ask() == 429
    assert alone.pauses == []
    assert await (together := Service(later(429, 20), later(429, 11), 200)).ask() == 429
    assert together.pauses == [20.0]


async def test_own_pauses_count_too() -> None:
    service = Service(503, later(503, 30), 200)
    assert await service.ask() == 503
    assert service.pauses == [0.25]


def test_a_date_is_no_number_of_seconds() -> None:
    assert retry_after(later(429, "Wed, 21 Oct 2026 07:28:00 GMT")) is None
    assert retry_after(later(429, "-5")) is None
    assert retry_after(httpx2.Response(429)) is None
    assert retry_after(later(429, 7)) == 7.0


def test_the_pause_doubles_up_to_eight_seconds() -> None:
    assert [backoff_seconds(attempt) for attempt in range(7)] == [0.25, 0.5, 1, 2, 4, 8, 8]
    assert [backoff_seconds(attempt, first=1, longest=3) for attempt in range(3)] == [1, 2, 3]


def test_callers_do_not_come_back_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, _high: low)
    assert backoff_seconds(2) == 0.5


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.ConnectError("refused", request=REQUEST), "https://api.example:8443 cannot be reached: refused."),
        (httpx2.ConnectError("", request=REQUEST), "https://api.example:8443 cannot be reached: ConnectError."),
        (httpx2.ReadTimeout("slow", request=REQUEST), "https://api.example:8443 did not answer in time."),
    ],
)
async def test_the_last_error_names_the_host(error: Exception, words: str) -> None:
    service = Service(*[error] * 4)
    with pytest.raises(UnreachableError) as raised:
        await service.ask()
    assert str(raised.value) == f"unreachable: {words}"
    assert service.sent == 4


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.InvalidURL("no host"), "That is not an address: no host."),
        (httpx2.UnsupportedProtocol("no protocol"), "That address cannot be used: no protocol."),
    ],
)
async def test_a_wrong_address_is_not_tried_again(error: Exception, words: str) -> None:
    service = Service(error, 200)
    with pytest.raises(UnreachableError) as raised:
        await service.ask()
    assert str(raised.value) == f"unreachable: {words}"
    assert (service.sent, service.pauses) == (1, [])


def test_a_transfer_may_pause_for_a_minute_and_a_request_for_half_a_minute() -> None:
    assert (network.TIMEOUT.read, network.TIMEOUT.connect) == (30.0, 5.0)
    assert (network.TRANSFER_TIMEOUT.read, network.TRANSFER_TIMEOUT.connect) == (60.0, 5.0)


def test_loopback_addresses_are_this_machines_own() -> None:
    own = ("http://localhost:4566/x", "http://LOCALHOST", "ws://[::1]:9", "http://127.0.0.1", "http://127.8.4.2:80")
    assert [is_loopback(url) for url in own] == [True] * 5
    others = (
        "http://localhost.example",
        "http://10.0.0.1",
        "http://[::2]",
        "nothing",
        "http://[::1",
        "http://128.0.0.1",
    )
    assert [is_loopback(url) for url in others] == [False] * 6
