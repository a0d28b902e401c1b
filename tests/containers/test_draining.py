"""Draining server: the first signal lets running jobs finish, the second ends at once; and how the server is set up."""

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn

from containers.gpu import __main__ as module
from containers.gpu.__main__ import DrainingServer, main
from containers.gpu.instance_reporter import InstanceReporter
from containers.gpu.server import InvocationRunner
from containers.worker.settings import Settings
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from pipeline.core.runner import Runner
from pipeline.core.stage_cache import StageCache


class BusyRunner(InvocationRunner):
    """Invocations that go on until ``finish`` is called in the server's event loop."""

    def __init__(self) -> None:
        self.draining = False
        self.seconds: float | None = None
        self.draining_begun = threading.Event()
        self.finish: Callable[[], object] = lambda: None

    async def drain(self, seconds: float) -> None:
        finished, loop = asyncio.Event(), asyncio.get_running_loop()
        self.seconds, self.finish = seconds, lambda: loop.call_soon_threadsafe(finished.set)
        self.draining_begun.set()
        await finished.wait()


@pytest.fixture
def busy() -> tuple[BusyRunner, DrainingServer, threading.Thread]:
    """A server with a running job, which has had its first SIGTERM."""
    serving = threading.Event()

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        return

    class Started(DrainingServer):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            serving.set()

    runner = BusyRunner()
    config = uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_config=None)
    server = Started(config, runner, 7.0)
    # Outside the main thread, uvicorn takes no signals: the test delivers them.
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    assert serving.wait(60)
    server.handle_exit(signal.SIGTERM, None)
    assert runner.draining_begun.wait(60)
    return runner, server, thread


def test_the_server_stops_when_its_running_jobs_have_ended(
    busy: tuple[BusyRunner, DrainingServer, threading.Thread],
) -> None:
    runner, server, thread = busy
    assert runner.seconds == 7.0
    assert not server.should_exit
    runner.finish()
    thread.join(60)
    assert not thread.is_alive()


def test_a_second_signal_does_not_wait_for_running_jobs(
    busy: tuple[BusyRunner, DrainingServer, threading.Thread],
) -> None:
    _, server, thread = busy
    server.handle_exit(signal.SIGTERM, None)
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(("megabytes", "size"), [("3", 3 * 1024 * 1024), ("0", None)])
def test_the_container_is_set_up_as_its_settings_say(
    monkeypatch: pytest.MonkeyPatch, megabytes: str, size: int | None
) -> None:
    environment = {"JOBS_TABLE": "jobs", "LEDGER_TABLE": "ledger", "BUCKET": "pictures", "STAGES": "noop"}
    more = {"HOST": "127.0.0.2", "PORT": "8181", "CACHE_MB": megabytes, "DRAIN_SECONDS": "9", "CONCURRENCY": "5"}
    for name, value in (environment | more).items():
        monkeypatch.setenv(name, value)
    servers: list[DrainingServer] = []
    caches: list[int | None] = []
    reported: list[tuple[Kind, Engine]] = []

    def record_server(server: DrainingServer) -> None:
        servers.append(server)

    class RecordedRunner(Runner):
        def __init__(self, *, cache: StageCache | None) -> None:
            caches.append(None if cache is None else cache._budget)
            super().__init__(cache=cache)

    monkeypatch.setattr("containers.worker.json_logging.configure", lambda _level: None)
    monkeypatch.setattr("containers.gpu.__main__.Runner", RecordedRunner)
    monkeypatch.setattr(InstanceReporter, "start", lambda _self, supported: reported.append(supported))
    monkeypatch.setattr(DrainingServer, "run", record_server)
    main()
    (server,) = servers
    config = server.config
    assert (config.host, config.port, server._drain_seconds) == ("127.0.0.2", 8181, 9)
    # SageMaker keeps its connection: if the server closed it as the next job arrives, that would look like a crash.
    assert config.timeout_keep_alive == 3600
    assert config.timeout_graceful_shutdown == 5
    # uvicorn's own log lines would not be JSON.
    assert (config.lifespan, config.log_config, config.access_log) == ("off", None, False)
    assert server._invocations._concurrency == 5
    assert (caches, reported) == ([size], [()])


def settings(**changes: Any) -> Settings:
    return Settings(jobs_table="jobs", ledger_table="ledger", bucket="pictures", **changes)


def test_measurements_of_the_overhead_run_plans_without_stages() -> None:
    plan = module._plans(settings(stages="noop"))(Kind.UPSCALE, Engine.MODELS, False)
    assert (plan.kind, plan.engine, plan.steps) == (Kind.UPSCALE, Engine.MODELS, ())


def test_an_engine_that_fails_to_import_does_not_affect_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[Kind, Engine, bool]] = []

    def get_plan(kind: Kind, engine: Engine, *, allow_preview: bool = False) -> str:
        tried.append((kind, engine, allow_preview))
        if engine is Engine.MODELS:
            raise ImportError("no torch")
        return f"plan of {kind}"

    both = [(Kind.UPSCALE, Engine.MODELS), (Kind.UPSCALE, Engine.PREVIEW)]
    monkeypatch.setattr("containers.gpu.__main__.available_plans", lambda: both)
    monkeypatch.setattr("containers.gpu.__main__.get_plan", get_plan)
    plan_for = module._plans(settings())
    assert tried == [(*each, False) for each in both], "every engine is imported before the first job"
    assert str(plan_for(Kind.UPSCALE, Engine.PREVIEW, True)) == "plan of upscale"
    assert tried[-1] == (Kind.UPSCALE, Engine.PREVIEW, True)
    with pytest.raises(ImportError):
        plan_for(Kind.UPSCALE, Engine.MODELS, False)


@pytest.mark.usefixtures("s3")
def test_a_container_reports_no_engine_of_another_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"JOBS_TABLE": "jobs", "LEDGER_TABLE": "ledger", "BUCKET": "pictures", "REPORTED_ENGINES": '["models"]'}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    reported: list[tuple[Kind, Engine]] = []
    monkeypatch.setattr("containers.worker.json_logging.configure", lambda _level: None)
    monkeypatch.setattr("containers.gpu.__main__.DECODERS.warm_up", lambda: None)
    monkeypatch.setattr(InstanceReporter, "start", lambda _self, given: reported.extend(given))
    monkeypatch.setattr(DrainingServer, "run", lambda _self: None)
    main()
    assert reported
    assert {engine for _, engine in reported} == {Engine.MODELS}


@pytest.mark.usefixtures("s3")
def test_a_container_with_engines_warms_up_reports_them_and_preloads(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"JOBS_TABLE": "jobs", "LEDGER_TABLE": "ledger", "BUCKET": "pictures", "PRELOAD": '["upscale"]'}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    done: list[object] = []
    loading = threading.Event()

    def preload(_self: object, kinds: object) -> None:
        done.append(kinds)
        loading.set()

    supported = [(Kind.UPSCALE, Engine.PREVIEW)]
    monkeypatch.setattr("containers.worker.json_logging.configure", lambda _level: None)
    monkeypatch.setattr("containers.gpu.__main__.available_plans", lambda: supported)
    monkeypatch.setattr("containers.gpu.__main__.DECODERS.warm_up", lambda: done.append("decoders"))
    monkeypatch.setattr("containers.worker.plan_preparer.PlanPreparer.preload", preload)
    monkeypatch.setattr(InstanceReporter, "start", lambda _self, given: done.append(given))
    monkeypatch.setattr(DrainingServer, "run", lambda _self: None)
    main()
    assert loading.wait(60)
    assert done[0] == "decoders"
    assert sorted(map(str, done[1:])) == sorted(map(str, [(Kind.UPSCALE,), tuple(supported)]))
