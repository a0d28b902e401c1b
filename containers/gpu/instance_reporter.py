"""What this instance says of itself: which engines it has, at its start, and how it is, every now and then."""

import logging
import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from cloud.instance_reports import InstanceReport, InstanceReports, LoadedModel
from containers.worker.plan_preparer import PlanPreparer
from darkroom.contract.engine import Engine
from darkroom.contract.requests import Kind

logger = logging.getLogger(__name__)

MEGABYTE = 1_000_000
REPORT_SECONDS = 30.0


class InstanceReporter:
    """A thread that reports every ``interval`` seconds until ``stop``. ``jobs`` says how many are in flight.

    Nobody waits for a report: one that cannot be made or written is logged, and the next one is tried.
    """

    def __init__(
        self,
        reports: InstanceReports,
        engines: PlanPreparer,
        jobs: Callable[[], int],
        *,
        interval: float = REPORT_SECONDS,
    ) -> None:
        self._reports = reports
        self._engines = engines
        self._jobs = jobs
        self._interval = interval
        self._instance_id = uuid.uuid4().hex
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, supported: Iterable[tuple[Kind, Engine]]) -> None:
        """Announce what does each of these kinds on these engines here, then report."""
        self._thread = threading.Thread(target=self._run, args=(tuple(supported),), name="reporter", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Report no more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def report(self) -> InstanceReport:
        """How this instance is now."""
        inventory = self._engines.inventory()
        return InstanceReport(
            instance_id=self._instance_id,
            reported_at=datetime.now(UTC),
            device=inventory.device,
            jobs=self._jobs(),
            networks=[
                LoadedModel(name=each.name, megabytes=round(each.size / MEGABYTE, 1), on_device=each.on_device)
                for each in inventory.networks
            ],
            vram_used_mb=None if inventory.used is None else round(inventory.used / MEGABYTE, 1),
            vram_total_mb=None if inventory.total is None else round(inventory.total / MEGABYTE, 1),
        )

    def _run(self, able: tuple[tuple[Kind, Engine], ...]) -> None:
        digests = self._engines.engine_digests(able)
        while True:
            try:
                while digests:
                    (kind, engine), digest = next(iter(digests.items()))
                    self._reports.write_engine_digest(kind, engine, digest)
                    del digests[kind, engine]
                self._reports.write(self.report())
            except Exception:
                # Whatever it was, the thread goes on: without it the instance would seem to be gone.
                logger.warning("the instance could not report", exc_info=True)
            if self._stopped.wait(self._interval):
                return
