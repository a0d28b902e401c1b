"""Load client: sends jobs to a deployed stack, a number of them in flight, and records their times.

It runs on the machine it measures, over a few WebSockets and a pool of HTTP connections.
"""

import asyncio
import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import httpx2
import psutil
from PIL import Image
from websockets.asyncio.client import ClientConnection, connect

from darkroom.contract.jobs import State
from infra.local.process import Process

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


class Watcher(StrEnum):
    """Ways in which the load client follows its jobs."""

    SOCKET = "socket"
    POLLING = "polling"
    NOBODY = "nobody"


@dataclass(frozen=True)
class LoadTarget:
    """Stack under load: its URLs, its table of jobs, and the processes whose CPU time it takes.

    ``socket`` includes the query of its token. ``client`` returns a boto3 client of a service.
    """

    endpoint: str
    socket: str
    table: str
    client: Callable[[str], Any]
    processes: Sequence[Process]
    headers: Mapping[str, str] = field(default_factory=dict)

    def cpu_seconds(self) -> float:
        """Return the CPU time of the processes and their children so far, in seconds."""
        return sum(_cpu_seconds(process) for process in self.processes)

    def changes(self, start: str) -> Iterator[list[dict[str, Any]]]:
        """Yield the new images of the table's stream from ``start`` on, page by page, endlessly.

        ``start`` is an iterator type of DynamoDB Streams. The emulator has one shard.
        """
        streams = self.client("dynamodbstreams")
        (stream,) = streams.list_streams(TableName=self.table)["Streams"]
        arn = stream["StreamArn"]
        (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType=start)[
            "ShardIterator"
        ]
        while True:
            page = streams.get_records(ShardIterator=iterator)
            iterator = page["NextShardIterator"]
            yield [record["dynamodb"]["NewImage"] for record in page["Records"] if "NewImage" in record["dynamodb"]]


@dataclass
class LoadClient:
    """Load client of one load. ``update_delays`` are the seconds between a state's time and its arrival."""

    target: LoadTarget
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
    seconds: float = 0.0
    cpu_seconds: float = 0.0

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

    async def follow_stream(self) -> None:
        """Read the ends of jobs from the table's stream until cancelled."""
        pages = self.target.changes("LATEST")
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
            try:
                content = json.loads(message)
            except ValueError:  # the emulator sends the text of a function's error
                raise RuntimeError(f"the socket sent {message!r}") from None
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


async def run_load(target: LoadTarget, in_flight: int, jobs: int, watcher: Watcher) -> LoadClient:
    """Send ``jobs`` jobs, ``in_flight`` at once, and return the client with their times when all have ended."""
    limits = httpx2.Limits(max_connections=in_flight + 4, max_keepalive_connections=in_flight + 4)
    async with (
        httpx2.AsyncClient(
            base_url=target.endpoint,
            headers=dict(target.headers),
            timeout=TIMEOUT_SECONDS,
            limits=limits,
            trust_env=False,
        ) as api,
        httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, limits=limits, trust_env=False) as s3,
        AsyncExitStack() as opened,
    ):
        sockets = [
            await opened.enter_async_context(connect(target.socket, open_timeout=TIMEOUT_SECONDS, proxy=None))
            for _ in range(min(in_flight, SOCKETS) if watcher is Watcher.SOCKET else 0)
        ]
        load = LoadClient(target, api, s3, sockets, _photo())
        job = {
            Watcher.SOCKET: load.run_over_websocket,
            Watcher.POLLING: load.run_polling,
            Watcher.NOBODY: load.run_unwatched,
        }[watcher]
        slots = asyncio.Semaphore(in_flight)

        async def one() -> None:
            async with slots:
                await job()

        start, cpu_start = time.perf_counter(), target.cpu_seconds()
        async with asyncio.TaskGroup() as group:
            followers = [group.create_task(load.follow_websocket(socket)) for socket in sockets]
            if watcher is Watcher.NOBODY:
                followers.append(group.create_task(load.follow_stream()))
            async with asyncio.TaskGroup() as jobs_group:
                for _ in range(jobs):
                    jobs_group.create_task(one())
            load.seconds = time.perf_counter() - start
            load.cpu_seconds = target.cpu_seconds() - cpu_start
            for follower in followers:
                follower.cancel()
    return load


def _photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(buffer, "PNG")
    return buffer.getvalue()


def _cpu_seconds(process: Process) -> float:
    found = process.find()
    if found is None:
        return 0.0
    own = found.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in found.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:  # it has ended since; the next reading has its time in its parent's
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return float(total)
