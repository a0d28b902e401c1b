"""Fleet of an endpoint's instances: started on demand, replaced after crashes, stopped when idle."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from infra.local.endpoint.faults import Faults
from infra.local.endpoint.instance import Instance

logger = logging.getLogger(__name__)

Launch = Callable[[Callable[[Instance], None]], Instance]

TICK_SECONDS = 1.0
# Pause after an instance that did not start.
RETRY_SECONDS = 1.0


class Closed(Exception):
    """Raised when the fleet is shutting down."""


class Fleet:
    """At most ``max_instances`` instances with ``concurrency`` slots each. ``launch`` starts one."""

    def __init__(
        self,
        launch: Launch,
        faults: Faults,
        *,
        max_instances: int,
        concurrency: int,
        start_seconds: float,
        stop_seconds: float,
    ) -> None:
        self._launch = launch
        self._faults = faults
        self._max_instances = max_instances
        self._concurrency = concurrency
        self._start_seconds = start_seconds
        self._stop_seconds = stop_seconds
        lock = threading.RLock()
        # Two conditions, for the supervisor and for invocations: waking every waiter on every change would cost more
        # than an invocation.
        self._changed = threading.Condition(lock)
        self._slot_freed = threading.Condition(lock)
        self._ready: list[Instance] = []
        self._starting: set[threading.Thread] = set()
        self._demand = 0
        self._closed = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="fleet", daemon=True)
        self._supervisor.start()

    @property
    def ready(self) -> int:
        """Number of ready instances."""
        return len(self._ready)

    @property
    def demand(self) -> int:
        """Number of waiting and running invocations."""
        return self._demand

    def reevaluate(self) -> None:
        """Reevaluate the fleet at once, after a change of the fault switches."""
        with self._changed:
            self._changed.notify_all()

    def enter(self) -> None:
        """Add a waiting invocation; the fleet grows with the demand."""
        with self._changed:
            self._demand += 1
            if self._needed() > len(self._ready) + len(self._starting):
                self._changed.notify_all()

    def leave(self) -> None:
        """Remove a finished invocation."""
        with self._changed:
            self._demand -= 1

    @contextmanager
    def slot(self, seconds: float) -> Iterator[Instance | None]:
        """Yield a slot of a ready instance, or None after ``seconds`` without one. Raises ``Closed``."""
        with self._changed:
            self._slot_freed.wait_for(lambda: self._closed.is_set() or self._free() is not None, seconds)
            if self._closed.is_set():
                raise Closed
            instance = self._free()
            if instance is not None:
                instance.in_flight += 1
        try:
            yield instance
        finally:
            if instance is not None:
                with self._changed:
                    instance.in_flight -= 1
                    instance.idle_since = time.monotonic()
                    self._slot_freed.notify()

    def close(self) -> None:
        """Stop every instance; every waiting ``slot`` raises ``Closed``."""
        with self._changed:
            self._closed.set()
            self._changed.notify_all()
            self._slot_freed.notify_all()
        self._supervisor.join()
        while True:
            with self._changed:
                starting = list(self._starting)
                ready, self._ready = self._ready, []
            if not starting and not ready:
                return
            self._stop_all(ready)
            for thread in starting:
                thread.join()

    def _free(self) -> Instance | None:
        free = [item for item in self._ready if item.in_flight < self._concurrency and not item.killed]
        return min(free, key=lambda instance: instance.in_flight, default=None)

    def _needed(self) -> int:
        wanted = max(self._faults.values.min_instances, -(-self._demand // self._concurrency))
        return min(wanted, self._max_instances)

    def _supervise(self) -> None:
        while not self._closed.is_set():
            with self._changed:
                needed = self._needed()
                for _ in range(needed - len(self._ready) - len(self._starting)):
                    thread = threading.Thread(target=self._start, name="start", daemon=True)
                    self._starting.add(thread)
                    thread.start()
                idle = time.monotonic() - self._faults.values.idle_seconds
                surplus = [
                    instance for instance in self._ready if not instance.in_flight and instance.idle_since <= idle
                ][: max(len(self._ready) - needed, 0)]
                self._ready = [instance for instance in self._ready if instance not in surplus]
                if not surplus:
                    self._changed.wait(TICK_SECONDS)
            self._stop_all(surplus)

    def _start(self) -> None:
        thread = threading.current_thread()
        instance = None
        try:
            if self._wait_for_cold_start():
                instance = self._launch(self._remove)
                if not instance.wait_ready(self._start_seconds, self._closed):
                    if not self._closed.is_set():
                        logger.error("%s did not become ready", instance)
                    instance.kill()
                    instance = None
                    self._closed.wait(RETRY_SECONDS)
        except OSError:
            logger.exception("an instance could not be started")
            self._closed.wait(RETRY_SECONDS)
        finally:
            with self._changed:
                self._starting.discard(thread)
                if instance is not None and instance.alive:
                    logger.info("%s is ready", instance)
                    instance.idle_since = time.monotonic()
                    self._ready.append(instance)
                    self._slot_freed.notify_all()
                self._changed.notify_all()

    def _wait_for_cold_start(self) -> bool:
        """Wait for the cold start, whose duration may change meanwhile; False when the fleet closes."""
        started_at = time.monotonic()
        with self._changed:
            while not self._closed.is_set():
                left = started_at + self._faults.values.cold_start_seconds - time.monotonic()
                if left <= 0:
                    return True
                self._changed.wait(left)
        return False

    def _remove(self, instance: Instance) -> None:
        with self._changed:
            self._ready = [other for other in self._ready if other is not instance]
            self._changed.notify_all()

    def _stop_all(self, instances: list[Instance]) -> None:
        threads = [threading.Thread(target=instance.stop, args=(self._stop_seconds,)) for instance in instances]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
