"""Restarts of a local stack: no dispatched or queued job is stranded, and none loses an attempt that did not run."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from darkroom.contract.jobs import State
from infra.local import event_sources, stand_in
from infra.local.process import Process
from infra.local.stack import LocalStack
from infra.local.state import RunningProcesses
from tests.e2e import pictures
from tests.e2e.caller import TIMEOUT_SECONDS, Caller, JobDict, upload
from tests.infra.restartable_stack import CONTEXT, RestartableStack

pytestmark = pytest.mark.timeout(300)  # the first one to ask synthesizes


@pytest.fixture
def restarted(restartable: RestartableStack) -> LocalStack:
    return restartable.stack


@pytest.fixture
def owner(restarted: LocalStack) -> Caller:
    return Caller(restarted.endpoint, restarted.socket, restarted.token_for("owner"))


@contextmanager
def no_instances(stack: LocalStack) -> Iterator[None]:
    """Invocations wait until the endpoint is started again, or the block ends."""
    with stack.faults(min_instances=0, idle_seconds=0):
        stack.wait_for_instances(0)
        with stack.faults(cold_start_seconds=600):
            yield


def delivers(stack: LocalStack) -> set[bool]:
    """Whether the stack's queues deliver."""
    mappings = stack.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    return {each["State"] == "Enabled" for each in mappings if ":sqs:" in each["EventSourceArn"]}


@contextmanager
def queues_paused_before(
    monkeypatch: pytest.MonkeyPatch, stack: LocalStack, owner: object, name: str
) -> Iterator[None]:
    """In the block, the queues deliver nothing when a function of the runtime is called, and then deliver again."""
    seen = []
    original = getattr(owner, name)

    def look(*arguments: Any, **options: Any) -> Any:
        seen.append(delivers(stack))
        return original(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, look)
        yield
    assert seen == [{False}]
    assert delivers(stack) == {True}


def until(owner: Caller, job_id: str, reached: Callable[[JobDict], bool]) -> JobDict:
    """The job, once it has ``reached`` something. It is polled: these restarts would cut a socket off."""
    deadline = time.monotonic() + 2 * TIMEOUT_SECONDS
    while not reached(job := owner.get(job_id)):
        assert time.monotonic() < deadline, job
        Event().wait(0.05)
    return job


def in_state(owner: Caller, state: str, count: int) -> list[str]:
    """Ids of new jobs that have come to ``state``."""
    jobs = []
    for _ in range(count):
        job_id, form = owner.created()
        assert upload(form, pictures.jpeg()).is_success
        until(owner, job_id, lambda job: job["state"] == state)
        jobs.append(job_id)
    return jobs


def dispatched_jobs(stack: LocalStack, owner: Caller, count: int) -> list[str]:
    """Ids of new jobs that the endpoint has accepted: a job is dispatched a moment before."""
    jobs = in_state(owner, "dispatched", count)
    stack.wait_for_invocations(count)
    return jobs


def assert_first_attempts_complete(owner: Caller, jobs: list[str]) -> None:
    ended = [until(owner, job_id, lambda job: State(job["state"]).terminal) for job_id in jobs]
    assert [(job["state"], job["attempt"], job["error"]) for job in ended] == [("completed", 1, None)] * len(jobs)


def test_down_and_up_strand_no_job(restarted: LocalStack, owner: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    with no_instances(restarted):
        dispatched = dispatched_jobs(restarted, owner, 3)
        with restarted.paused("dispatch"):
            queued = in_state(owner, "queued", 3)
            restarted.stop()
            # As in a state that the emulator saved while it ran: it would deliver before the endpoint is there.
            path = restarted.folder / "state" / event_sources.SAVED
            saved = json.loads(path.read_text())
            for mapping in saved["payload"]["esms"]["data"].values():
                mapping.update(Enabled=True, State="Enabled")
            path.write_text(json.dumps(saved))
            with queues_paused_before(monkeypatch, restarted, stand_in, "ensure"):
                restarted.start()
    assert_first_attempts_complete(owner, dispatched + queued)


def test_a_killed_endpoint_strands_no_job(
    restarted: LocalStack, owner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with no_instances(restarted):
        dispatched = dispatched_jobs(restarted, owner, 3)
        running = RunningProcesses.read(restarted.folder)
        assert running is not None
        assert running.stand_in is not None
        running.stand_in.stop(0)
        with queues_paused_before(monkeypatch, restarted, Process, "spawn"):
            restarted.start()
    assert_first_attempts_complete(owner, dispatched)


def test_another_setting_strands_no_job(restarted: LocalStack, owner: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    with no_instances(restarted):
        dispatched = dispatched_jobs(restarted, owner, 3)
        changed = LocalStack(restarted.folder, restarted.state.port, context=CONTEXT | {"concurrency": 1})
        with queues_paused_before(monkeypatch, restarted, Process, "stop"):
            changed.start()
    assert_first_attempts_complete(owner, dispatched)
