"""Cost of the request guard: the same calls to the emulator with and without it."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import httpx2
from pydantic import BaseModel

from bench.context import Context
from bench.section import Section
from darkroom.client.ports import free_port
from infra.bundling.functions import ROOT
from infra.local import emulator
from infra.local.clients import Clients
from infra.local.process import Process
from infra.local.state import RootKey

PICTURE = bytes(range(256)) * 4096  # 1 MB
NAME = "bench"
ITEM = {"job_id": {"S": "0" * 32}, "state": {"S": "queued"}}
CALLS_PER_REPEAT = 40

Call = Callable[[], object]


class GuardedCall(BaseModel):
    """Median milliseconds of one call, by a client that does nothing else."""

    call: str
    guarded_ms: float
    bare_ms: float


def measure(context: Context) -> list[GuardedCall]:
    """Measure both emulators in turn while both run, so that a slow moment of the machine affects both."""
    with ExitStack() as stack:
        guarded, bare = (stack.enter_context(_emulator(guarded=guarded)) for guarded in (True, False))
        return [
            GuardedCall(call=name, guarded_ms=_ms(times[0]), bare_ms=_ms(times[1]))
            for name, call in guarded.items()
            for times in [_alternate(call, bare[name], CALLS_PER_REPEAT * context.repeats)]
        ]


def _alternate(first: Call, second: Call, count: int) -> tuple[list[float], list[float]]:
    times: tuple[list[float], list[float]] = ([], [])
    for call in (first, second):
        call()
    for _ in range(count):
        for call, seconds in zip((first, second), times, strict=True):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
    return times


@contextmanager
def _emulator(*, guarded: bool) -> Iterator[dict[str, Call]]:
    """Start an emulator with a table and a bucket, and return the calls to measure."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, port = Path(name), free_port()
        environment = emulator.environment(folder, port, endpoint_url=emulator.address(1), snapshots=False)
        process = emulator.start(folder, port, environment) if guarded else _start_bare(folder, environment)
        stack.callback(emulator.stop, process, folder, save=False)
        emulator.wait_until_ready(process, emulator.ready_url(port), folder / emulator.LOG)
        yield _calls(Clients(port, RootKey.of(folder)), stack.enter_context(httpx2.Client(trust_env=False)))


def _start_bare(folder: Path, environment: Mapping[str, str]) -> Process:
    (folder / "tmp").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "ministack"]
    return Process.spawn(command, environment=environment, log=folder / emulator.LOG, folder=ROOT)


def _calls(clients: Clients, http: httpx2.Client) -> dict[str, Call]:
    dynamodb, s3 = clients("dynamodb"), clients("s3")
    dynamodb.create_table(
        TableName=NAME,
        KeySchema=[{"AttributeName": "job_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "job_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName=NAME, Item=ITEM)
    s3.create_bucket(Bucket=NAME)
    s3.put_object(Bucket=NAME, Key="picture", Body=PICTURE)
    link = s3.generate_presigned_url("get_object", {"Bucket": NAME, "Key": "picture"})
    form = s3.generate_presigned_post(NAME, "upload")

    def send_form() -> None:
        http.post(form["url"], data=form["fields"], files={"file": PICTURE}).raise_for_status()

    def follow_link() -> None:
        http.get(link).raise_for_status()

    return {
        "DynamoDB GetItem": partial(dynamodb.get_item, TableName=NAME, Key={"job_id": ITEM["job_id"]}),
        "S3 PutObject, 1 MB": partial(s3.put_object, Bucket=NAME, Key="picture", Body=PICTURE),
        "Presigned link, 1 MB": follow_link,
        "POST form, 1 MB": send_form,
    }


def _ms(seconds: list[float]) -> float:
    return round(median(seconds) * 1000, 2)


SECTION = Section(
    name="request_guard",
    about="What the request guard around the local emulator costs a call (median milliseconds of one caller; the same "
    "emulator without the guard is the baseline, measured in turn)",
    row=GuardedCall,
    heads=("Call", "With the guard", "Without", "Ratio"),
    cells=lambda row: (
        row.call,
        f"{row.guarded_ms:.2f}",
        f"{row.bare_ms:.2f}",
        f"{row.guarded_ms / row.bare_ms:.2f}",
    ),
    parts={"request_guard": measure},
)
