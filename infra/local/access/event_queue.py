"""Event queue: bounds the invocations of a function that run at once, and counts those that wait or run.

Lambda keeps the events of a busy function in a queue. MiniStack starts a process for each, however many there are.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any

from ministack.services import lambda_svc
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.local.access.routes import EXECUTIONS

# Variable of a function with a limit.
LIMIT = "LOCAL_CONCURRENCY"


class EventQueue:
    """Runs at most so many invocations of a function as its environment says; other functions have no limit.

    ``unfinished`` is the number of invocations of limited functions that wait or run.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: dict[str, threading.Semaphore] = {}
        self.unfinished = 0

    def install(self) -> None:
        """Replace MiniStack's dispatch of an invocation to a process."""
        execute = lambda_svc._execute_function_dispatch

        def execute_in_turn(func: dict[str, Any], config: dict[str, Any], *arguments: Any) -> Any:
            slots = self._slots_of(config)
            if slots is None:
                return execute(func, config, *arguments)
            with self._lock:
                self.unfinished += 1
            try:
                with slots:
                    return execute(func, config, *arguments)
            finally:
                with self._lock:
                    self.unfinished -= 1

        lambda_svc._execute_function_dispatch = execute_in_turn

    def _slots_of(self, config: Mapping[str, Any]) -> threading.Semaphore | None:
        limit = config.get("Environment", {}).get("Variables", {}).get(LIMIT)
        if limit is None:
            return None
        with self._lock:
            return self._slots.setdefault(config["FunctionName"], threading.Semaphore(int(limit)))


class ExecutionCount:
    """ASGI middleware that tells the number of unfinished invocations; the request guard has checked the signature."""

    def __init__(self, app: ASGIApp, queue: EventQueue) -> None:
        self._app = app
        self._queue = queue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or scope["path"] != EXECUTIONS:
            await self._app(scope, receive, send)
            return
        body = json.dumps({"executions": self._queue.unfinished}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
