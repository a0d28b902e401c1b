"""Rate limiter: fixed windows per owner and subject, counted in the ledger.

A window begins with its first request and ends after its seconds; the next request opens another. Counting is one
conditional write, so concurrent requests cannot exceed the limit.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloud.dynamodb.batch_read import ItemKey
from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.ledger import Ledger
from darkroom.contract.errors import ErrorCode
from darkroom.contract.kinds import Kind
from handlers.limits.limit_exceeded import LimitExceeded
from handlers.limits.rates import ASSETS, DEFAULT, PROMPTS, Rate

# Time that an item is kept after its window.
KEEP_SECONDS = 3600


@dataclass(frozen=True)
class RateLimitStatus:
    """An owner's window for a subject; ``window_ends`` and ``now`` in epoch seconds."""

    rate: Rate
    remaining: int
    window_ends: float
    now: float

    @property
    def reset_seconds(self) -> int:
        """Seconds until the window ends, rounded up; at most those of a whole window.

        A concurrent request whose clock is ahead may have opened the window.
        """
        return min(self.rate.seconds, max(0, math.ceil(self.window_ends - self.now)))

    @property
    def headers(self) -> dict[str, str]:
        """Fields of draft-ietf-httpapi-ratelimit-headers-06, and the older X- ones."""
        return {
            "RateLimit-Limit": str(self.rate.count),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
            "X-RateLimit-Limit": str(self.rate.count),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Window": str(self.rate.seconds),
        }


class RateLimiter:
    """Limits of all owners, with the rate of each subject (a kind, or another name). Thread-safe."""

    def __init__(self, ledger: Ledger, rates: Mapping[str, Rate]) -> None:
        self._ledger = ledger
        self._rates = rates

    def item_key(self, owner: str, subject: str) -> ItemKey:
        """Return the key of the window's item, for a batch read."""
        return self._ledger.item_key(_partition(owner), subject)

    @staticmethod
    def is_open(row: Mapping[str, Any]) -> bool:
        """Return True if the window of an item is open."""
        return bool(row["window_ends"] > time.time())

    def acquire(self, owner: str, subject: str, *, window_open: bool = True) -> RateLimitStatus:
        """Count a request. Raises ``LimitExceeded`` (``rate_limited``) when the window is full.

        ``window_open`` tells which write succeeds, and is tried first.
        """
        rate = self._rate(subject)
        now = time.time()
        # If a concurrent request opens the window first, this one is counted in it.
        writes = (self._open_window, self._count_request)
        for write in (self._count_request, *writes) if window_open else writes:
            row = write(owner, subject, rate, now)
            if row is not None:
                return _status_of(rate, row, now)
        status = _status_of(rate, self._ledger.get(_partition(owner), subject), now)
        raise LimitExceeded(
            ErrorCode.RATE_LIMITED,
            f"The limit is {rate.count} requests for {subject} in {rate.seconds} seconds. "
            f"Try again in {status.reset_seconds} s.",
            seconds=status.reset_seconds,
            headers=status.headers,
        )

    def status(self, owner: str, subject: str) -> RateLimitStatus:
        """Return an owner's status for a subject, without counting."""
        return _status_of(self._rate(subject), self._ledger.get(_partition(owner), subject), time.time())

    def all_statuses(self, owner: str) -> dict[str, RateLimitStatus]:
        """Return an owner's status for every subject, without counting."""
        now = time.time()
        rows = {row["sk"]: row for row in self._ledger.query_partition(_partition(owner))}
        return {
            subject: _status_of(self._rate(subject), rows.get(subject), now) for subject in (*Kind, PROMPTS, ASSETS)
        }

    def release(self, owner: str, subject: str, window_ends: float) -> None:
        """Undo an ``acquire`` in the window with this end; does nothing if that window is over."""
        update = ConditionalUpdate()
        update.add("count", -1)
        update.require("window_ends", "=", window_ends)
        update.require("count", ">", 0)
        self._ledger.update_item(_partition(owner), subject, update)

    def _rate(self, subject: str) -> Rate:
        return self._rates.get(subject) or self._rates[DEFAULT]

    def _count_request(self, owner: str, subject: str, rate: Rate, now: float) -> dict[str, Any] | None:
        """Count in the open window; None when none is open, or it is full."""
        update = ConditionalUpdate()
        update.add("count", 1)
        update.require("window_ends", ">", now)
        update.require("count", "<", rate.count)
        return self._ledger.update_item(_partition(owner), subject, update)

    def _open_window(self, owner: str, subject: str, rate: Rate, now: float) -> dict[str, Any] | None:
        """Open a window with this request; None when one is open."""
        window_ends = now + rate.seconds
        update = ConditionalUpdate()
        update.set({"count": 1, "window_ends": window_ends, "expires_at": int(window_ends) + KEEP_SECONDS})
        update.require_if_present("window_ends", "<=", now)
        return self._ledger.update_item(_partition(owner), subject, update)


def _partition(owner: str) -> str:
    return f"limit#{owner}"


def _status_of(rate: Rate, row: Mapping[str, Any] | None, now: float) -> RateLimitStatus:
    if row is None or row["window_ends"] <= now:
        return RateLimitStatus(rate, rate.count, now + rate.seconds, now)
    return RateLimitStatus(rate, max(0, rate.count - row["count"]), float(row["window_ends"]), now)
