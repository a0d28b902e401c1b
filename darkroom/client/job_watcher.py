"""Job watcher: yields a job's states over the WebSocket, resumes after disconnects, and falls back to polling."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from darkroom.client.errors import ClientError, ConnectionLost, ProblemError, UnreachableError
from darkroom.client.network import backoff_seconds
from darkroom.contract.jobs import Job


class Socket(Protocol):
    """Interface of a WebSocket connection."""

    def send(self, message: dict[str, Any]) -> None:
        """Send one JSON message. Raises ``ConnectionLost``."""

    def receive(self, seconds: float) -> dict[str, Any] | None:
        """Return the next JSON message; None when none arrives within ``seconds``. Raises ``ConnectionLost``."""


@dataclass(frozen=True)
class Pace:
    """Intervals and timeouts of watching, in seconds.

    API Gateway closes a WebSocket after ten idle minutes, hence the pings. After ``quiet`` seconds without a message,
    one GET checks the job, so that a lost push or half-open connection cannot hide its end. An unreachable or failing
    service is retried for ``patience`` seconds.
    """

    poll: float = 1.0
    quiet: float = 30.0
    ping: float = 240.0
    first_reconnect: float = 0.5
    longest_reconnect: float = 30.0
    patience: float = 60.0


class Clock(Protocol):
    """Interface of the clock, replaceable in tests."""

    def monotonic(self) -> float:
        """Return seconds since a fixed moment."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


class JobWatcher:
    """Iterable over the states of one job after ``after_seq``, in order, up to and including the terminal one.

    ``fetch`` is ``GET /jobs/{id}``; its errors end the iteration. ``connect`` opens an authorised WebSocket or raises
    ``ConnectionLost``; None means that the deployment has none. States may be skipped (the service sends the newest of
    a burst), but ``seq`` always grows.
    """

    def __init__(
        self,
        job_id: str,
        fetch: Callable[[], Job],
        connect: Callable[[], AbstractContextManager[Socket]] | None,
        *,
        after_seq: int = 0,
        pace: Pace | None = None,
        clock: Clock = time,
    ) -> None:
        self._job_id = job_id
        self._fetch = fetch
        self._connect = connect
        self._seq = after_seq
        self._pace = pace or Pace()
        self._clock = clock
        self._failures = 0
        self._ended = False
        self._fetched = False
        self._responded_at = clock.monotonic()

    def __iter__(self) -> Iterator[Job]:
        while not self._ended:
            try:
                yield from self._receive_updates()
            except ConnectionLost:
                self._failures += 1
            if not self._ended:
                yield from self._poll()

    def _receive_updates(self) -> Iterator[Job]:
        """Yield states from one connection until the end. Raises ``ConnectionLost``."""
        if self._connect is None:
            raise ConnectionLost("this deployment has no socket")
        with self._connect() as socket:
            socket.send({"action": "subscribe", "job_id": self._job_id, "after_seq": self._seq})
            now = self._clock.monotonic()
            ping_at, check_at = now + self._pace.ping, now + self._pace.quiet
            while not self._ended:
                now = self._clock.monotonic()
                if now >= ping_at:
                    socket.send({"action": "ping"})
                    ping_at = now + self._pace.ping
                if now >= check_at:
                    check_at = now + self._pace.quiet
                    before = self._seq
                    yield from self._poll_once()
                    if self._seq > before and not self._ended:
                        raise ConnectionLost("the socket kept silent about a change")
                    continue
                message = socket.receive(min(ping_at, check_at) - now)
                if message is None:
                    continue
                self._responded_at = self._clock.monotonic()
                check_at = self._responded_at + self._pace.quiet
                if message.get("type") == "job":
                    self._failures = 0
                    yield from self._yield_if_new(Job.model_validate(message["job"]))
                elif message.get("type") == "subscribed" and not self._fetched:
                    # Nothing is newer than after_seq: the job may have ended there, and no message would follow.
                    yield from self._poll_once()
                elif message.get("type") == "error" or "type" not in message:
                    # Refused, or an error of the gateway. The GET that follows raises the reason, or polling continues.
                    raise ConnectionLost(str(message.get("error") or message))

    def _poll(self) -> Iterator[Job]:
        """Yield states by GET until the next attempt to reconnect; at least one GET, for missed states."""
        if self._connect is None:
            retry_at = float("inf")
        else:
            longest, first = self._pace.longest_reconnect, self._pace.first_reconnect
            # The first disconnect is usually the gateway's: reconnect at once, then back off.
            wait = (
                0.0
                if self._failures <= 1
                else backoff_seconds(min(self._failures - 2, 16), first=first, longest=longest)
            )
            retry_at = self._clock.monotonic() + wait
        while True:
            yield from self._poll_once()
            remaining = retry_at - self._clock.monotonic()
            if self._ended or remaining <= 0:
                return
            self._clock.sleep(min(self._pace.poll, remaining))

    def _poll_once(self) -> Iterator[Job]:
        """Send one GET; yield the job if it is new."""
        self._fetched = True
        try:
            job = self._fetch()
        except ClientError as error:
            if not _is_transient(error) or self._clock.monotonic() - self._responded_at > self._pace.patience:
                raise
            return
        self._responded_at = self._clock.monotonic()
        yield from self._yield_if_new(job)

    def _yield_if_new(self, job: Job) -> Iterator[Job]:
        if job.job_id == self._job_id and job.seq > self._seq:
            self._seq = job.seq
            self._ended = job.state.terminal
            yield job
        elif job.job_id == self._job_id and job.state.terminal:
            self._ended = True


def _is_transient(error: ClientError) -> bool:
    """Return True for errors that a retry may fix: no connection, or a 5xx response."""
    return isinstance(error, UnreachableError) or (isinstance(error, ProblemError) and error.status >= 500)
