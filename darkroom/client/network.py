"""Network settings of the client: timeouts, bounded retries, and which addresses are this machine's own."""

import ipaddress
import random
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx2

from darkroom.client.errors import UnreachableError

TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
TRANSFER_TIMEOUT = httpx2.Timeout(60.0, connect=5.0)
ATTEMPTS = 4
RETRIED_STATUS = frozenset({429, 500, 502, 503, 504})
LONGEST_PAUSE_SECONDS = 8.0
# A longer Retry-After is reported to the caller instead of waited for.
MAX_RETRY_AFTER_SECONDS = 30.0


def is_loopback(url: str) -> bool:
    """Return True if the host of ``url`` is a loopback address: ``localhost``, 127.0.0.0/8 or ``::1``.

    >>> is_loopback("ws://127.0.0.1:4566/socket"), is_loopback("https://example.com")
    (True, False)
    """
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def backoff_seconds(attempt: int, *, first: float = 0.25, longest: float = LONGEST_PAUSE_SECONDS) -> float:
    """Return the seconds to wait after the ``attempt``-th failure (from 0): doubling, with jitter, at most
    ``longest``.
    """
    return min(longest, first * 2.0**attempt) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret


def retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds of the ``Retry-After`` header, or None if it is missing or a date."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


async def send_with_retries(
    send: Callable[[], Awaitable[httpx2.Response]],
    sleep: Callable[[float], Awaitable[None]],
    *,
    attempts: int = ATTEMPTS,
    is_retried: Callable[[httpx2.Response], bool] = lambda response: response.status_code in RETRIED_STATUS,
) -> httpx2.Response:
    """Return the response of ``send``, retrying on connection errors and on responses for which ``is_retried`` is true.

    ``send`` must be idempotent. ``Retry-After`` is respected, up to ``MAX_RETRY_AFTER_SECONDS`` in total. Raises
    ``UnreachableError`` when no attempt got a response. The last response is returned even if it could be retried.
    """
    wait_left = MAX_RETRY_AFTER_SECONDS
    for number in range(attempts):
        is_last = number == attempts - 1
        try:
            response = await send()
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            if is_last or isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
                raise UnreachableError(_explain(error)) from error
            await sleep(backoff_seconds(number))
            continue
        if is_last or not is_retried(response):
            return response
        requested_wait = retry_after(response)
        if requested_wait is not None and requested_wait > wait_left:
            return response
        wait = backoff_seconds(number) if requested_wait is None else requested_wait
        wait_left -= wait
        await sleep(wait)
    raise AssertionError("attempts is at least 1")


def _explain(error: httpx2.TransportError | httpx2.InvalidURL) -> str:
    if isinstance(error, httpx2.InvalidURL):
        return f"That is not an address: {error}."
    try:
        request = error.request
    except RuntimeError:  # httpx2 could not even make one
        return f"That address cannot be used: {error}."
    host = f"{request.url.scheme}://{request.url.netloc.decode()}"
    if isinstance(error, httpx2.TimeoutException):
        return f"{host} did not answer in time."
    return f"{host} cannot be reached: {str(error) or type(error).__name__}."
