"""Load test of the event path with an empty stage list: the overhead of the service per job.

The load client runs on the machine it measures, over a few WebSockets and a pool of HTTP connections. The emulator
takes one frame of a socket at a time, all through one process. A second pass polls the same jobs, to measure the
requests that costs and the delay of updates. A third pass watches no jobs, and reads their ends from the table's
stream.
"""

import asyncio
import io
import json
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any
from urllib.parse import urlencode

import httpx2
from PIL import Image
from pydantic import BaseModel
from websockets.asyncio.client import ClientConnection, connect

from bench.context import Context
from bench.measurement import Percentiles
from bench.section import Section
from darkroom.contract.jobs import State
from infra.local.stack import LocalStack

BODY = {
    "kind": "restyle_room",
    "cache": False,
    "params": {"style": "modern"},
    "uploads": {"photo": {"content_type": "image/png"}},
}
POLL_SECONDS = 0.5
FOLLOW_SECONDS = 0.1
TIMEOUT_SECONDS = 120.0
SOCKETS = 8
LOADS = {1: 20, 10: 100, 50: 200}  # jobs in flight: how many jobs to send
QUICK_LOADS = {1: 3, 10: 20}


class Watcher(StrEnum):
    """Ways in which the load client follows its jobs."""

    SOCKET = "socket"
    POLLING = "polling"
    NOBODY = "nobody"


class EventPathTiming(BaseModel):
    """Timing of one load. Times are milliseconds, p50 / p95 / p99."""

    in_flight: int
    jobs: int
    watched_by: Watcher
    jobs_per_second: float
    api: Percentiles
    upload_to_queued: Percentiles
    upload_to_running: Percentiles
    state_to_client: Percentiles | None
    submit_to_done: Percentiles
    requests_per_job: float


def measure(context: Context, watcher: Watcher) -> list[EventPathTiming]:
    """Measure every load with one ``watcher``, after discarded rounds that start the functions."""
    stack, photo = context.stack, _photo()
    loads = QUICK_LOADS if context.quick else LOADS
    greatest = max(loads)
    for in_flight, jobs in ((1, 3), (greatest, 2 * greatest)):
        asyncio.run(_run(stack, photo, in_flight, jobs, watcher))
    # The greatest load first, while its functions are still warm.
    measured = [asyncio.run(_run(stack, photo, *load, watcher)) for load in reversed(loads.items())]
    return measured[::-1]


def _photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class LoadClient:
    """Load client of one load. ``update_delays`` are the seconds between a state's time and its arrival."""

    api: httpx2.AsyncClient
    s3: httpx2.AsyncClient
    sockets: list[ClientConnection]
    photo: bytes
    ended: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    response_seconds: list[float] = field(default_factory=list)
    uploaded: dict[str, float] = field(default_factory=dict)
    update_delays: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)
    requests: int = 0

    async def submit(self) -> tuple[str, dict[str, Any]]:
        """POST a job; returns its id and the presigned POST of its photo."""
        start = time.perf_counter()
        response = await self.api.post("/jobs", json=BODY)
        self.response_seconds.append(time.perf_counter() - start)
        self.requests += 1
        created = response.raise_for_status().json()
        return created["job"]["job_id"], created["uploads"]["photo"]

    async def upload(self, job_id: str, form: dict[str, Any]) -> None:
        """Upload the photo, and record when that was complete."""
        response = await self.s3.post(form["url"], data=form["fields"], files={"file": self.photo})
        self.uploaded[job_id] = time.time()
        response.raise_for_status()

    async def run_over_websocket(self) -> None:
        """Run one job, followed over one of the WebSockets."""
        start = time.perf_counter()
        job_id, form = await self.submit()
        self.ended[job_id] = asyncio.get_running_loop().create_future()
        socket = self.sockets[len(self.ended) % len(self.sockets)]
        await socket.send(json.dumps({"action": "subscribe", "job_id": job_id}))
        self.requests += 1
        await self.upload(job_id, form)
        await asyncio.wait_for(self.ended[job_id], TIMEOUT_SECONDS)
        self.done.append(time.perf_counter() - start)

    async def run_polling(self) -> None:
        """Run one job, polled every half second."""
        start = time.perf_counter()
        job_id, form = await self.submit()
        await self.upload(job_id, form)
        while True:
            await asyncio.sleep(POLL_SECONDS)
            job = (await self.api.get(f"/jobs/{job_id}")).raise_for_status().json()
            self.requests += 1
            if self.record_update(job):
                break
        self.done.append(time.perf_counter() - start)

    async def run_unwatched(self) -> None:
        """Run one job without following it."""
        start = time.perf_counter()
        job_id, form = await self.submit()
        self.ended[job_id] = asyncio.get_running_loop().create_future()
        await self.upload(job_id, form)
        await asyncio.wait_for(self.ended[job_id], TIMEOUT_SECONDS)
        self.done.append(time.perf_counter() - start)

    async def follow_stream(self, stack: LocalStack) -> None:
        """Read the ends of jobs from the table's stream until cancelled."""
        pages = _stream(stack, "LATEST")
        while True:
            for image in await asyncio.to_thread(next, pages):
                if State(image["state"]["S"]) is State.COMPLETED:
                    ended = self.ended.get(image["job_id"]["S"])
                    if ended is not None and not ended.done():
                        ended.set_result(None)
            await asyncio.sleep(FOLLOW_SECONDS)

    async def follow_websocket(self, socket: ClientConnection) -> None:
        """Receive a socket's messages until cancelled."""
        async for message in socket:
            content = json.loads(message)
            if content["type"] == "job" and self.record_update(content["job"]):
                ended = self.ended[content["job"]["job_id"]]
                if not ended.done():  # the last update may arrive twice
                    ended.set_result(None)

    def record_update(self, job: dict[str, Any]) -> bool:
        """Record an update's delay; returns True for a job's last one."""
        terminal = State(job["state"]).terminal
        if terminal and job["state"] != State.COMPLETED:
            raise RuntimeError(f"a job ended as {job['state']}: {job['error']}")
        if job["seq"] > 1:
            self.update_delays.append(max(0.0, time.time() - datetime.fromisoformat(job["updated_at"]).timestamp()))
        return terminal


async def _run(stack: LocalStack, photo: bytes, in_flight: int, jobs: int, watcher: Watcher) -> EventPathTiming:
    token = stack.token_for("bench")
    limits = httpx2.Limits(max_connections=in_flight + 4, max_keepalive_connections=in_flight + 4)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(base_url=stack.endpoint, headers=headers, timeout=TIMEOUT_SECONDS, limits=limits) as api,
        httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, limits=limits) as s3,
        AsyncExitStack() as opened,
    ):
        url = f"{stack.socket}?{urlencode({'token': token})}"
        sockets = [
            await opened.enter_async_context(connect(url, open_timeout=TIMEOUT_SECONDS))
            for _ in range(min(in_flight, SOCKETS) if watcher is Watcher.SOCKET else 0)
        ]
        load = LoadClient(api, s3, sockets, photo)
        slots = asyncio.Semaphore(in_flight)

        job = {
            Watcher.SOCKET: load.run_over_websocket,
            Watcher.POLLING: load.run_polling,
            Watcher.NOBODY: load.run_unwatched,
        }[watcher]

        async def one() -> None:
            async with slots:
                await job()

        start = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            followers = [group.create_task(load.follow_websocket(socket)) for socket in sockets]
            if watcher is Watcher.NOBODY:
                followers.append(group.create_task(load.follow_stream(stack)))
            async with asyncio.TaskGroup() as jobs_group:
                for _ in range(jobs):
                    jobs_group.create_task(one())
            seconds = time.perf_counter() - start
            for follower in followers:
                follower.cancel()
    history = _state_times(stack, load)
    return EventPathTiming(
        in_flight=in_flight,
        jobs=jobs,
        watched_by=watcher,
        jobs_per_second=round(jobs / seconds, 1),
        api=Percentiles.of(load.response_seconds),
        upload_to_queued=Percentiles.of([times[State.QUEUED] for times in history]),
        upload_to_running=Percentiles.of([times[State.RUNNING] for times in history]),
        state_to_client=Percentiles.of(load.update_delays) if load.update_delays else None,
        submit_to_done=Percentiles.of(load.done),
        requests_per_job=round(load.requests / jobs, 1),
    )


def _state_times(stack: LocalStack, load: LoadClient) -> list[dict[State, float]]:
    """Return each job's seconds from the upload's end to each state, from the table's (uncoalesced) stream."""
    times: dict[str, dict[State, float]] = {job_id: {} for job_id in load.uploaded}
    for images in _stream(stack, "TRIM_HORIZON"):
        if not images:
            break
        for image in images:
            job_id = image["job_id"]["S"]
            if job_id in times:
                moment = datetime.fromisoformat(image["updated_at"]["S"]).timestamp()
                times[job_id].setdefault(State(image["state"]["S"]), max(0.0, moment - load.uploaded[job_id]))
    return [job for job in times.values() if State.QUEUED in job and State.RUNNING in job]


def _stream(stack: LocalStack, start: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the new images of the jobs table from ``start`` on, page by page, endlessly; the emulator has one shard."""
    streams = stack.client("dynamodbstreams")
    (stream,) = streams.list_streams(TableName=stack.jobs_table)["Streams"]
    arn = stream["StreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType=start)[
        "ShardIterator"
    ]
    while True:
        page = streams.get_records(ShardIterator=iterator)
        iterator = page["NextShardIterator"]
        yield [record["dynamodb"]["NewImage"] for record in page["Records"] if "NewImage" in record["dynamodb"]]


SECTION = Section(
    name="spine",
    about="Jobs through the whole event path with an empty stage list (milliseconds, p50 / p95 / p99)",
    row=EventPathTiming,
    heads=(
        *("In flight", "Watched by", "Jobs/s", "POST /jobs", "Upload → queued", "Upload → running"),
        *("State → client", "Submit → done", "Requests/job"),
    ),
    cells=lambda row: (
        *(row.in_flight, row.watched_by, row.jobs_per_second, row.api, row.upload_to_queued),
        *(row.upload_to_running, row.state_to_client or "", row.submit_to_done, row.requests_per_job),
    ),
    parts={watcher.value: partial(measure, watcher=watcher) for watcher in Watcher},
    uses_stack=True,
)
