"""Service of a campaign: the stack as its callers see it, through outages and restarts."""

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx2
from websockets.exceptions import WebSocketException

from infra.local.stack import LocalStack
from tests.e2e.caller import Caller

API_VERSION_HEADER = "Darkroom-Api-Version"
REQUEST_SECONDS = 30.0
PAUSE_SECONDS = 0.25
# The emulator's saved state is at most so old when it is killed.
SAVED_SECONDS = 30.0
# What a caller meets while the stack is down, or on its way up.
OUTAGE = (httpx2.TransportError, WebSocketException, OSError)


class OutOfTime(Exception):
    """Raised when a job has not come to its end within the time after the last fault."""


class Service:
    """The running stack, and one caller for each owner. Thread-safe.

    ``seconds`` is the time that a caller waits after the last fault; ``finish`` starts it. ``generation`` grows at each
    restart of the emulator. ``killed_at`` has the times at which it was killed: it lost what it had not saved.
    ``repetitions`` is held while events are repeated, and while there must be none.
    """

    def __init__(self, stack: LocalStack, seconds: float) -> None:
        self.stack = stack
        self.generation = 0
        self.killed_at: list[float] = []
        self.repetitions = threading.Lock()
        self._seconds = seconds
        self._deadline: float | None = None
        self._callers: dict[tuple[int, str], Caller] = {}
        self._lock = threading.Lock()

    def caller(self, owner: str) -> Caller:
        """Return the caller of an owner, with the addresses of the running stack."""
        with self._lock:
            key = (self.generation, owner)
            if key not in self._callers:
                token = self.stack.token_for(owner)
                self._callers[key] = Caller(self.stack.endpoint, self.stack.socket, token, timeout=REQUEST_SECONDS)
            return self._callers[key]

    def restarted(self) -> None:
        """Take note of a restart of the emulator."""
        with self._lock:
            self.generation += 1

    def may_have_lost(self, accepted_at: float) -> bool:
        """Return True if a killed emulator may not have saved a job accepted at this time."""
        return any(killed_at - SAVED_SECONDS <= accepted_at <= killed_at for killed_at in self.killed_at)

    def finish(self) -> None:
        """Start the time in which every job must come to its end: there are no more faults."""
        self._deadline = time.monotonic() + self._seconds

    def abort(self) -> None:
        """Let every caller stop: the stack will not come back."""
        self._deadline = 0.0

    def check_time(self) -> None:
        """Raise ``OutOfTime`` if the time after the last fault is over."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise OutOfTime

    def pause(self) -> None:
        """Wait a moment before the next request. Raises ``OutOfTime``."""
        self.check_time()
        time.sleep(PAUSE_SECONDS)

    def ask(self, owner: str, method: str, path: str, **request: Any) -> httpx2.Response:
        """Send a request until the API answers it, as every client should. Raises ``OutOfTime``."""

        def send() -> httpx2.Response:
            return self.caller(owner).http.request(method, path, **request)

        while True:
            response = attempt(send)
            # The emulator itself answers what its API does not know yet.
            if response is not None and API_VERSION_HEADER in response.headers and response.status_code < 500:
                return response
            self.pause()


def attempt(send: Callable[[], httpx2.Response]) -> httpx2.Response | None:
    """Return the answer, or None during an outage."""
    try:
        return send()
    except OUTAGE:
        return None
