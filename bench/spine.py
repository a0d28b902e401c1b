"""Jobs through the whole event path with an empty stage list: what the spine itself costs.

The load client runs on the machine it measures, over a few WebSockets (the emulator takes one frame of a socket
at a time) and a pool of HTTP connections. A second pass watches the same jobs by polling, for the requests that
costs and how late its news is.
"""

import asyncio
import json
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel
from websockets.asyncio.client import ClientConnection, connect

from bench.statistics import Spread
from infra.local.stack import LocalStack
from pipeline.jobs import State

BODY = {
    "kind": "restyle_room",
    "params": {"style": "modern"},
    "uploads": {"photo": {"content_type": "image/png"}},
}
POLL_SECONDS = 0.5
PATIENCE = 120.0
SOCKETS = 8


class Spine(BaseModel):
    """One load. Times are milliseconds, p50 / p95 / p99."""

    in_flight: int
    jobs: int
    watched_by: str
    jobs_per_second: float
    api: Spread
    upload_to_queued: Spread
    upload_to_running: Spread
    state_to_client: Spread
    submit_to_done: Spread
    requests_per_job: float


def measure(stack: LocalStack, photo: bytes, loads: dict[int, int]) -> list[Spine]:
    """``loads`` maps jobs in flight to how many jobs to send. Two rounds before, thrown away, start the functions."""
    most = max(loads)
    for in_flight, jobs in ((1, 3), (most, 2 * most), (most, 2 * most)):
        asyncio.run(_run(stack, photo, in_flight, jobs, polling=False))
    return [
        asyncio.run(_run(stack, photo, in_flight, jobs, polling=polling))
        for polling in (False, True)
        for in_flight, jobs in loads.items()
    ]


@dataclass
class Load:
    """One load in progress. ``news`` is the delay between a state's time and its arrival, in seconds."""

    api: httpx.AsyncClient
    s3: httpx.AsyncClient
    sockets: list[ClientConnection]
    photo: bytes
    ended: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    answers: list[float] = field(default_factory=list)
    uploaded: dict[str, float] = field(default_factory=dict)
    news: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)
    requests: int = 0

    async def submit(self) -> tuple[str, dict[str, Any]]:
        """POST a job; its id and the presigned POST of its photo."""
        start = time.perf_counter()
        response = await self.api.post("/jobs", json=BODY)
        self.answers.append(time.perf_counter() - start)
        self.requests += 1
        created = response.raise_for_status().json()
        return created["job"]["job_id"], created["uploads"]["photo"]

    async def upload(self, job_id: str, ticket: dict[str, Any]) -> None:
        """Send the photo, and note when it had arrived."""
        response = await self.s3.post(ticket["url"], data=ticket["fields"], files={"file": self.photo})
        self.uploaded[job_id] = time.time()
        response.raise_for_status()

    async def watched(self) -> None:
        """One job, watched over one of the WebSockets."""
        start = time.perf_counter()
        job_id, ticket = await self.submit()
        self.ended[job_id] = asyncio.get_running_loop().create_future()
        socket = self.sockets[len(self.ended) % len(self.sockets)]
        await socket.send(json.dumps({"action": "subscribe", "job_id": job_id}))
        self.requests += 1
        await self.upload(job_id, ticket)
        await asyncio.wait_for(self.ended[job_id], PATIENCE)
        self.done.append(time.perf_counter() - start)

    async def polled(self) -> None:
        """One job, watched by asking every half second."""
        start = time.perf_counter()
        job_id, ticket = await self.submit()
        await self.upload(job_id, ticket)
        while True:
            await asyncio.sleep(POLL_SECONDS)
            job = (await self.api.get(f"/jobs/{job_id}")).raise_for_status().json()
            self.requests += 1
            if self.heard(job):
                break
        self.done.append(time.perf_counter() - start)

    async def listen(self, socket: ClientConnection) -> None:
        """Take a socket's messages until cancelled."""
        async for message in socket:
            content = json.loads(message)
            if content["type"] == "job" and self.heard(content["job"]):
                ended = self.ended[content["job"]["job_id"]]
                if not ended.done():  # the last news may come twice
                    ended.set_result(None)

    def heard(self, job: dict[str, Any]) -> bool:
        """Note how old this news is; whether it is the last."""
        terminal = State(job["state"]).terminal
        if terminal and job["state"] != State.COMPLETED:
            raise RuntimeError(f"a job ended as {job['state']}: {job['error']}")
        if job["seq"] > 1:
            self.news.append(max(0.0, time.time() - datetime.fromisoformat(job["updated_at"]).timestamp()))
        return terminal


async def _run(stack: LocalStack, photo: bytes, in_flight: int, jobs: int, *, polling: bool) -> Spine:
    token = stack.token_for("bench")
    limits = httpx.Limits(max_connections=in_flight + 4, max_keepalive_connections=in_flight + 4)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(base_url=stack.endpoint, headers=headers, timeout=PATIENCE, limits=limits) as api,
        httpx.AsyncClient(timeout=PATIENCE, limits=limits) as s3,
        AsyncExitStack() as opened,
    ):
        url = f"{stack.socket}?{urlencode({'token': token})}"
        sockets = [
            await opened.enter_async_context(connect(url, open_timeout=PATIENCE))
            for _ in range(0 if polling else min(in_flight, SOCKETS))
        ]
        load = Load(api, s3, sockets, photo)
        places = asyncio.Semaphore(in_flight)

        async def one() -> None:
            async with places:
                await (load.polled() if polling else load.watched())

        start = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            listeners = [group.create_task(load.listen(socket)) for socket in sockets]
            async with asyncio.TaskGroup() as jobs_group:
                for _ in range(jobs):
                    jobs_group.create_task(one())
            seconds = time.perf_counter() - start
            for listener in listeners:
                listener.cancel()
    history = _history(stack, load)
    return Spine(
        in_flight=in_flight,
        jobs=jobs,
        watched_by="polling" if polling else "socket",
        jobs_per_second=round(jobs / seconds, 1),
        api=Spread.of(load.answers),
        upload_to_queued=Spread.of([times[State.QUEUED] for times in history]),
        upload_to_running=Spread.of([times[State.RUNNING] for times in history]),
        state_to_client=Spread.of(load.news),
        submit_to_done=Spread.of(load.done),
        requests_per_job=round(load.requests / jobs, 1),
    )


def _history(stack: LocalStack, load: Load) -> list[dict[State, float]]:
    """Seconds from the upload's end to each state, read from the table's stream: nothing is coalesced there."""
    streams = stack.client("dynamodbstreams")
    (stream,) = streams.list_streams(TableName=stack.jobs_table)["Streams"]
    shards = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    times: dict[str, dict[State, float]] = {job_id: {} for job_id in load.uploaded}
    for shard in shards:
        iterator: str | None = streams.get_shard_iterator(
            StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            page = streams.get_records(ShardIterator=iterator)
            iterator = page.get("NextShardIterator") if page["Records"] else None
            for record in page["Records"]:
                image = record["dynamodb"].get("NewImage", {})
                job_id = image.get("job_id", {}).get("S", "")
                if job_id in times:
                    moment = datetime.fromisoformat(image["updated_at"]["S"]).timestamp()
                    times[job_id].setdefault(State(image["state"]["S"]), max(0.0, moment - load.uploaded[job_id]))
    return [job for job in times.values() if State.QUEUED in job and State.RUNNING in job]
