"""Job watcher: yields a job's states over the WebSocket, resumes after disconnects, and falls back to polling."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import Any

from darkroom.client.connections import Clock, Socket
from darkroom.client.errors import ClientError, ConnectionLost, ProblemError, TokenExpired, UnreachableError
from darkroom.client.network import backoff_seconds
from darkroom.contract.jobs import Job


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


class JobWatcher:
    """Watcher of one job: ``states`` yields those after ``after_seq``, in order, up to and including the terminal one.

    ``fetch`` is ``GET /jobs/{id}``; its errors end the iteration. ``connect`` opens an authorised WebSocket or raises
    ``ConnectionLost``; None means that the deployment has none. States may be skipped (the service sends the newest of
    a burst), but ``seq`` always grows. ``params`` are the job's, if they are known. What a long message leaves out is
    fetched, except for links of a job that has not ended.
    """

    def __init__(
        self,
        job_id: str,
        fetch: Callable[[], Awaitable[Job]],
        connect: Callable[[], AbstractAsyncContextManager[Socket]] | None,
        clock: Clock,
        *,
        after_seq: int = 0,
        params: dict[str, Any] | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._job_id = job_id
        self._fetch = fetch
        self._connect = connect
        self._seq = after_seq
        self._params = params
        self._pace = pace or Pace()
        self._clock = clock
        self._failures = 0
        self._ended = False
        self._fetched = False
        self._responded_at = clock.monotonic()

    async def states(self) -> AsyncGenerator[Job, None]:
        """Yield the states. Closing the generator closes its connection."""
        while not self._ended:
            try:
                async with aclosing(self._receive_updates()) as updates:
                    async for job in updates:
                        yield job
            except ConnectionLost:
                self._failures += 1
            if not self._ended:
                async with aclosing(self._poll()) as polled:
                    async for job in polled:
                        yield job

    async def _receive_updates(self) -> AsyncGenerator[Job, None]:
        """Yield states from one connection until the end. Raises ``ConnectionLost``."""
        if self._connect is None:
            raise ConnectionLost("this deployment has no socket")
        async with self._connect() as socket:
            await socket.send({"action": "subscribe", "job_id": self._job_id, "after_seq": self._seq})
            now = self._clock.monotonic()
            ping_at, check_at = now + self._pace.ping, now + self._pace.quiet
            while not self._ended:
                now = self._clock.monotonic()
                if now >= ping_at:
                    await socket.send({"action": "ping"})
                    ping_at = now + self._pace.ping
                if now >= check_at:
                    check_at = now + self._pace.quiet
                    before = self._seq
                    if (job := await self._poll_once()) is not None:
                        yield job
                    if self._seq > before and not self._ended:
                        raise ConnectionLost("the socket kept silent about a change")
                    continue
                message = await socket.receive(min(ping_at, check_at) - now)
                if message is None:
                    continue
                self._responded_at = self._clock.monotonic()
                check_at = self._responded_at + self._pace.quiet
                if (job := await self._handle(message)) is not None:
                    yield job

    async def _handle(self, message: dict[str, Any]) -> Job | None:
        """Return the job if the message brings a new state. Raises ``ConnectionLost`` for an error, and
        ``TokenExpired`` if a new token is needed.
        """
        if message.get("type") == "job":
            self._failures = 0
            return await self._complete(Job.model_validate(message["job"]), message.get("omitted") or [])
        if message.get("type") == "subscribed" and not self._fetched:
            # Nothing is newer than after_seq: the job may have ended there, and no message would follow.
            return await self._poll_once()
        if _is_token_expired(message):
            raise TokenExpired(str(message.get("error")))
        if message.get("type") == "error" or "type" not in message:
            # Refused, or an error of the gateway. The GET that follows raises the reason, or polling continues.
            raise ConnectionLost(str(message.get("error") or message))
        return None

    async def _complete(self, job: Job, omitted: Iterable[str]) -> Job | None:
        """Return the job if it is new, with what its message left out. Raises ``ConnectionLost`` if the GET fails."""
        missing = {name for name in omitted if job.ended or not name.endswith(".url")}
        if "params" in missing and self._params is not None:
            # They never change.
            job = job.model_copy(update={"params": self._params})
            missing.remove("params")
        if not missing or job.job_id != self._job_id or job.seq <= self._seq:
            return self._accept(job)
        fetched = await self._poll_once()
        if self._seq < job.seq:
            raise ConnectionLost("a message had only a part of the job, and the rest could not be fetched")
        return fetched

    async def _poll(self) -> AsyncGenerator[Job, None]:
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
            if (job := await self._poll_once()) is not None:
                yield job
            remaining = retry_at - self._clock.monotonic()
            if self._ended or remaining <= 0:
                return
            await self._clock.sleep(min(self._pace.poll, remaining))

    async def _poll_once(self) -> Job | None:
        """Send one GET; return the job if it is new."""
        self._fetched = True
        try:
            job = await self._fetch()
        except ClientError as error:
            if not _is_transient(error) or self._clock.monotonic() - self._responded_at > self._pace.patience:
                raise
            return None
        self._responded_at = self._clock.monotonic()
        return self._accept(job)

    def _accept(self, job: Job) -> Job | None:
        """Return the job if it is new, and note its end."""
        if job.job_id == self._job_id and job.seq > self._seq:
            self._seq = job.seq
            self._params = job.params
            self._ended = job.ended
            return job
        if job.job_id == self._job_id and job.ended:
            self._ended = True
        return None


def _is_token_expired(message: dict[str, Any]) -> bool:
    error = message.get("error")
    return message.get("type") == "error" and isinstance(error, dict) and error.get("code") == "unauthorized"


def _is_transient(error: ClientError) -> bool:
    """Return True for errors that a retry may fix: no connection, or a 5xx response."""
    return isinstance(error, UnreachableError) or (isinstance(error, ProblemError) and error.status >= 500)
