"""Instance of the stand-in: the container's server in a process on a free port."""

import contextlib
import logging
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping

import urllib3

from darkroom.client.ports import free_port

logger = logging.getLogger(__name__)

PING_SECONDS = 2.0  # SageMaker's own limit
PING_PAUSE_SECONDS = 0.05


class InstanceCrashed(Exception):
    """Raised when the instance ends during an invocation."""


class InvocationTimedOut(Exception):
    """Raised when the container does not respond within the invocation's timeout."""


class Instance:
    """A process running ``python -m MODULE`` with ``environment`` added to this process's (None: removed).

    ``on_exit`` is called once, from another thread, when the process has ended.
    """

    def __init__(
        self,
        module: str,
        environment: Mapping[str, str | None],
        on_exit: Callable[["Instance"], None],
        *,
        concurrency: int,
    ) -> None:
        port = free_port()
        self.in_flight = 0
        self.killed = False
        self.idle_since = time.monotonic()
        self._token = secrets.token_urlsafe(24)  # its port is open to every user of this machine
        self._pool = urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=concurrency + 1)
        overrides = {"HOST": "127.0.0.1", "PORT": str(port), "INVOCATIONS_TOKEN": self._token}
        variables = {**os.environ, **environment, **overrides}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.local.endpoint.exit_with_parent", module],
            env={name: value for name, value in variables.items() if value is not None},
            stdin=subprocess.PIPE,
        )
        self._on_exit = on_exit
        threading.Thread(target=self._watch, name=f"instance-{self._process.pid}", daemon=True).start()

    def __str__(self) -> str:
        return f"instance {self._process.pid}"

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self._process.poll() is None

    def wait_ready(self, seconds: float, cancelled: threading.Event) -> bool:
        """Return True once ``/ping`` responds with 200; False after ``seconds``, when the process ends, or once
        ``cancelled``.
        """
        until = time.monotonic() + seconds
        while self.alive and time.monotonic() < until and not cancelled.is_set():
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                if self._pool.request("GET", "/ping", timeout=PING_SECONDS, retries=False).status == 200:
                    return True
            cancelled.wait(PING_PAUSE_SECONDS)
        return False

    def invoke(self, body: bytes, headers: Mapping[str, str], *, seconds: float) -> tuple[int, bytes, str]:
        """Return status, body and content type of the container's response.

        Raises ``InvocationTimedOut`` after ``seconds`` and ``InstanceCrashed`` when the connection is lost.
        """
        timeout = urllib3.Timeout(connect=PING_SECONDS, read=seconds)
        try:
            response = self._pool.request(
                "POST",
                "/invocations",
                body=body,
                headers={**headers, "Authorization": f"Bearer {self._token}"},
                timeout=timeout,
                retries=False,
            )
        except urllib3.exceptions.ReadTimeoutError as error:
            raise InvocationTimedOut from error
        except urllib3.exceptions.HTTPError as error:
            raise InstanceCrashed from error
        return response.status, response.data, response.headers.get("Content-Type", "application/octet-stream")

    def kill(self) -> None:
        """Kill the process, as a crash does; it gets no more invocations."""
        self.killed = True
        self._process.kill()

    def stop(self, seconds: float) -> None:
        """Terminate the process; kill it after ``seconds``."""
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            logger.warning("%s did not finish in %s s", self, seconds)
            self._process.kill()
            self._process.wait()

    def _watch(self) -> None:
        code = self._process.wait()
        logger.info("%s ended with code %s", self, code)
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._pool.close()
        self._on_exit(self)
