"""Entry point of the GPU container's server: ``python -m containers.gpu``."""

import asyncio
import logging
import os
import socket
import tempfile
import threading
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn

from cloud import clients
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.ledger import Ledger
from cloud.instance_reports import InstanceReports
from containers.gpu.instance_reporter import InstanceReporter
from containers.gpu.privileges import drop_root
from containers.gpu.server import INTERRUPT_SECONDS, InvocationRunner, make_app
from containers.worker import json_logging
from containers.worker.plan_preparer import PlanFor, PlanPreparer, create_network_provider, weights_digest
from containers.worker.settings import Settings
from containers.worker.speech_synthesis import create_speaker
from containers.worker.storage import Storage
from containers.worker.worker import Worker
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from pipeline.core.runner import Runner, noop_plan
from pipeline.core.stage_cache import StageCache
from pipeline.core.stages import Plan
from pipeline.decoding.client import DECODERS
from pipeline.plans import available_plans, get_plan

logger = logging.getLogger(__name__)

# Longer than any pause between invocations: a connection closed while the next one arrives would look like a crash.
KEEP_ALIVE_SECONDS = 3600


class DrainingServer(uvicorn.Server):
    """uvicorn server that drains on the first signal: it stops when the running invocations end, or on a second one."""

    def __init__(self, config: uvicorn.Config, invocations: InvocationRunner, drain_seconds: float) -> None:
        super().__init__(config)
        self._invocations = invocations
        self._drain_seconds = drain_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._drain: Future[None] | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until drained."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain on the first SIGTERM or SIGINT, exit on the second. Called by uvicorn."""
        if self._loop is None or self._drain is not None:
            super().handle_exit(sig, frame)
        else:
            self._drain = asyncio.run_coroutine_threadsafe(self._finish(), self._loop)

    async def _finish(self) -> None:
        await self._invocations.drain(self._drain_seconds)
        self.should_exit = True


def _plans(settings: Settings) -> PlanFor:
    if settings.stages == "noop":
        return lambda kind, engine, _allow_preview: noop_plan(kind, engine)

    def plan_for(kind: Kind, engine: Engine, allow_preview: bool) -> Plan:
        return get_plan(kind, engine, allow_preview=allow_preview)

    for kind, engine in available_plans():
        # Imported now, so that the first job need not wait. An engine that fails to import must not affect the others.
        try:
            get_plan(kind, engine)
        except Exception:
            logger.exception("%s on the %s engine cannot be done here", kind, engine)
    return plan_for


def main() -> None:
    """Serve until told to stop."""
    settings = Settings.read()
    json_logging.configure(settings.log_level)
    if settings.run_as is not None:
        drop_root(settings.run_as, settings.weights, Path(tempfile.gettempdir()))
    storage = Storage(settings.bucket, clients.s3())
    speaker = create_speaker(settings)
    plan_preparer = PlanPreparer(
        _plans(settings),
        partial(create_network_provider, settings),
        partial(weights_digest, settings),
        synthesiser=speaker.about if speaker else "",
    )
    runner = Runner(cache=StageCache(settings.cache_mb * 2**20) if settings.cache_mb else None)
    worker = Worker(settings, JobStore(settings.jobs_table), storage, runner, plan_preparer, speaker)
    if settings.stages != "noop":
        # The first job need not wait for the decoder's start.
        DECODERS.warm_up()
    if settings.preload:
        # In a thread, so that /ping answers while weights are loaded. An early job waits for them.
        threading.Thread(target=plan_preparer.preload, args=(settings.preload,), name="preload", daemon=True).start()
    reports = InstanceReports(Ledger(settings.ledger_table))
    InstanceReporter(reports, plan_preparer, lambda: worker.jobs).start(
        ()
        if settings.stages == "noop"
        else tuple(each for each in available_plans() if each[1] in settings.reported_engines)
    )
    invocations = InvocationRunner(worker, settings.concurrency)
    config = uvicorn.Config(
        make_app(invocations, settings.invocations_token),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(INTERRUPT_SECONDS),
    )
    DrainingServer(config, invocations, settings.drain_seconds).run()
    if worker.jobs:
        # A stage that never reports cannot be stopped. Its thread would keep the process alive.
        logging.shutdown()
        os._exit(1)


if __name__ == "__main__":
    main()
