"""Load test of the event path with an empty stage list: the overhead of the service per job.

The minimal chain runs on the same emulator and takes each load right before Darkroom does: it is the baseline. A second
pass polls the same jobs, to measure the requests that costs and the delay of updates. A third pass watches no jobs, and
reads their ends from the table's stream.
"""

import asyncio
from datetime import datetime
from functools import partial
from typing import Self
from urllib.parse import urlencode

from pydantic import BaseModel

from bench.context import Context
from bench.load_client import LoadClient, LoadTarget, Watcher, run_load
from bench.measurement import Percentiles
from bench.minimal_chain.chain import minimal_chain
from bench.section import Section
from darkroom.contract.jobs import State
from infra.local.stack import LocalStack
from infra.local.state import RunningProcesses

LOADS = {1: 20, 10: 100, 50: 200}  # jobs in flight: how many jobs to send
QUICK_LOADS = {1: 3, 10: 20}


class LoadTiming(BaseModel):
    """Timing of one load on one stack: ``submit_to_done`` in milliseconds, ``cpu_ms`` of all processes for each job."""

    jobs_per_second: float
    submit_to_done: Percentiles
    cpu_ms: float

    @classmethod
    def of(cls, load: LoadClient) -> Self:
        """Compute from a load that has ended."""
        jobs = len(load.done)
        return cls(
            jobs_per_second=round(jobs / load.seconds, 1),
            submit_to_done=Percentiles.of(load.done),
            cpu_ms=round(1000 * load.cpu_seconds / jobs, 1),
        )


class EventPathTiming(BaseModel):
    """Timing of one load. Times are milliseconds, p50 / p95 / p99. ``minimal`` is the minimal chain's."""

    in_flight: int
    jobs: int
    watched_by: Watcher
    load: LoadTiming
    minimal: LoadTiming
    api: Percentiles
    upload_to_queued: Percentiles
    upload_to_running: Percentiles
    state_to_client: Percentiles | None
    requests_per_job: float


def measure(context: Context, watcher: Watcher) -> list[EventPathTiming]:
    """Measure every load with one ``watcher``, after discarded rounds that start the functions."""
    loads = QUICK_LOADS if context.quick else LOADS
    greatest = max(loads)
    with minimal_chain(context.stack) as minimal:
        target = load_target(context.stack)
        for in_flight, jobs in ((1, 3), (greatest, 2 * greatest)):
            for each in (minimal, target):
                asyncio.run(run_load(each, in_flight, jobs, watcher))
        # The greatest load first, while its functions are still warm.
        measured = [_measure_load(minimal, target, *load, watcher) for load in reversed(loads.items())]
    return measured[::-1]


def load_target(stack: LocalStack) -> LoadTarget:
    """Return a running stack as a target of the load client."""
    running = RunningProcesses.read(stack.folder)
    assert running is not None
    token = stack.token_for("bench")
    return LoadTarget(
        endpoint=stack.endpoint,
        socket=f"{stack.socket}?{urlencode({'token': token})}",
        table=stack.jobs_table,
        client=stack.client,
        processes=[process for process in (running.emulator, running.stand_in) if process is not None],
        headers={"Authorization": f"Bearer {token}"},
    )


def _measure_load(
    minimal: LoadTarget, target: LoadTarget, in_flight: int, jobs: int, watcher: Watcher
) -> EventPathTiming:
    baseline, load = (asyncio.run(run_load(each, in_flight, jobs, watcher)) for each in (minimal, target))
    history = _state_times(load)
    return EventPathTiming(
        in_flight=in_flight,
        jobs=jobs,
        watched_by=watcher,
        load=LoadTiming.of(load),
        minimal=LoadTiming.of(baseline),
        api=Percentiles.of(load.response_seconds),
        upload_to_queued=Percentiles.of([times[State.QUEUED] for times in history]),
        upload_to_running=Percentiles.of([times[State.RUNNING] for times in history]),
        state_to_client=Percentiles.of(load.update_delays) if load.update_delays else None,
        requests_per_job=round(load.requests / jobs, 1),
    )


def _state_times(load: LoadClient) -> list[dict[State, float]]:
    """Return each job's seconds from the upload's end to each state, from the table's (uncoalesced) stream."""
    times: dict[str, dict[State, float]] = {job_id: {} for job_id in load.uploaded}
    for images in load.target.changes("TRIM_HORIZON"):
        if not images:
            break
        for image in images:
            job_id = image["job_id"]["S"]
            if job_id in times:
                moment = datetime.fromisoformat(image["updated_at"]["S"]).timestamp()
                times[job_id].setdefault(State(image["state"]["S"]), max(0.0, moment - load.uploaded[job_id]))
    return [job for job in times.values() if State.QUEUED in job and State.RUNNING in job]


def _times_minimal(row: EventPathTiming) -> tuple[str, str]:
    """Return the cells of CPU time and of duration, as multiples of the minimal chain's."""
    duration = row.load.submit_to_done.p50 / row.minimal.submit_to_done.p50
    return f"{row.load.cpu_ms / row.minimal.cpu_ms:.2f}", f"{duration:.2f}"


SECTION = Section(
    name="spine",
    about="Jobs through the whole event path with an empty stage list (milliseconds, p50 / p95 / p99; CPU of the "
    "emulator with its functions and of the endpoint with its container, for each job). The baseline is a minimal "
    "chain on the same emulator, under the same load right before: API, S3, queue, endpoint, topic, table, stream and "
    "socket, without owners, tokens, checks, retries or budgets",
    row=EventPathTiming,
    heads=(
        *("In flight", "Watched by", "Jobs/s", "POST /jobs", "Upload → queued", "Upload → running"),
        *("State → client", "Submit → done", "Requests/job", "CPU/job"),
        *("Minimal chain: jobs/s", "CPU, times minimal", "Submit → done, times minimal"),
    ),
    cells=lambda row: (
        *(row.in_flight, row.watched_by, row.load.jobs_per_second, row.api, row.upload_to_queued),
        *(row.upload_to_running, row.state_to_client or "", row.load.submit_to_done, row.requests_per_job),
        *(f"{row.load.cpu_ms:.0f}", row.minimal.jobs_per_second, *_times_minimal(row)),
    ),
    parts={watcher.value: partial(measure, watcher=watcher) for watcher in Watcher},
    uses_stack=True,
)
