"""Instance reporter: writes engine digests at the start, then the instance's state at intervals, to the ledger."""

import logging
import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from cloud.instance_reports import InstanceReport, InstanceReports, LoadedModel
from containers.worker.plan_preparer import PlanPreparer
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind

logger = logging.getLogger(__name__)

MEGABYTE = 1_000_000
REPORT_SECONDS = 30.0


class InstanceReporter:
    """Thread that reports every ``interval`` seconds until ``stop``. ``jobs`` returns the number of jobs in flight.

    Never blocks a job. A failed report is logged, and the next one is tried.
    """

    def __init__(
        self,
        reports: InstanceReports,
        plan_preparer: PlanPreparer,
        jobs: Callable[[], int],
        *,
        interval: float = REPORT_SECONDS,
    ) -> None:
        self._reports = reports
        self._plan_preparer = plan_preparer
        self._jobs = jobs
        self._interval = interval
        self._instance_id = uuid.uuid4().hex
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, supported: Iterable[tuple[Kind, Engine]]) -> None:
        """Write the engine digest of each supported kind and engine, then start reporting."""
        self._thread = threading.Thread(target=self._run, args=(tuple(supported),), name="reporter", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop reporting and join the thread."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def report(self) -> InstanceReport:
        """Return this instance's state: device, jobs, loaded networks and GPU memory."""
        inventory = self._plan_preparer.inventory()
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

    def _run(self, supported: tuple[tuple[Kind, Engine], ...]) -> None:
        digests = self._plan_preparer.engine_digests(supported)
        while True:
            try:
                while digests:
                    (kind, engine), digest = next(iter(digests.items()))
                    self._reports.write_engine_digest(kind, engine, digest)
                    del digests[kind, engine]
                self._reports.write(self.report())
            except Exception:
                # The thread survives any error, as an instance without reports counts as gone.
                logger.warning("the instance could not report", exc_info=True)
            if self._stopped.wait(self._interval):
                return
