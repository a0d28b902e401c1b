"""How the client reaches hosts: timeouts, bounded retries, and no proxy for this machine's own addresses."""

import random
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx

from darkroom.client.errors import UnreachableError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
TRANSFER_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
ATTEMPTS = 4
RETRIED_STATUS = frozenset({429, 500, 502, 503, 504})
LONGEST_PAUSE_SECONDS = 8.0
# Who is asked to wait longer than this is told so instead of being kept waiting.
MAX_RETRY_AFTER_SECONDS = 30.0


def loopback_mounts() -> dict[str, httpx.BaseTransport | None]:
    """For ``httpx.Client(mounts=…)``: loopback addresses are never asked of a proxy."""
    return {f"all://{host}": None for host in LOOPBACK}


def is_loopback(url: str) -> bool:
    """Whether ``url`` names this machine.

    >>> is_loopback("ws://127.0.0.1:4566/socket"), is_loopback("https://example.com")
    (True, False)
    """
    return urlsplit(url).hostname in {host.strip("[]") for host in LOOPBACK}


def backoff_seconds(attempt: int, *, first: float = 0.25, longest: float = LONGEST_PAUSE_SECONDS) -> float:
    """Seconds to wait after the ``attempt``-th failure (from 0): doubling, with jitter, never above ``longest``."""
    return min(longest, first * 2.0**attempt) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret


def retry_after(answer: httpx.Response) -> float | None:
    """The seconds that the service asks to wait, when it says so in seconds."""
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def send_with_retries(
    send: Callable[[], httpx.Response],
    *,
    attempts: int = ATTEMPTS,
    retried: Callable[[httpx.Response], bool] = lambda answer: answer.status_code in RETRIED_STATUS,
    sleep: Callable[[float], None] = time.sleep,
) -> httpx.Response:
    """The answer of ``send``, called again while the connection fails or the answer may be ``retried``.

    ``send`` must be safe to repeat. A ``RetryPolicy-After`` is waited for, but ``MAX_RETRY_AFTER_SECONDS`` in all at
    most. Raises
    ``UnreachableError`` when no attempt got an answer; the last answer is returned even when it is one to retry.
    """
    patience = MAX_RETRY_AFTER_SECONDS
    for number in range(attempts):
        last = number == attempts - 1
        try:
            answer = send()
        except (httpx.TransportError, httpx.InvalidURL) as error:
            if last or isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
                raise UnreachableError(_explain(error)) from error
            sleep(backoff_seconds(number))
            continue
        if last or not retried(answer):
            return answer
        asked = retry_after(answer)
        if asked is not None and asked > patience:
            return answer
        wait = backoff_seconds(number) if asked is None else asked
        patience -= wait
        answer.close()
        sleep(wait)
    raise AssertionError("attempts is at least 1")


def _explain(error: httpx.TransportError | httpx.InvalidURL) -> str:
    if isinstance(error, httpx.InvalidURL):
        return f"That is not an address: {error}."
    try:
        request = error.request
    except RuntimeError:  # httpx could not even make one
        return f"That address cannot be used: {error}."
    host = f"{request.url.scheme}://{request.url.netloc.decode()}"
    if isinstance(error, httpx.TimeoutException):
        return f"{host} did not answer in time."
    return f"{host} cannot be reached: {error or type(error).__name__}."
