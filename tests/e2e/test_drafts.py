"""Drafts: while the endpoint has no instance, the cpu lane shows its picture; the GPU's own takes its place."""

import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from PIL import Image

from cloud.dynamodb.draft_store import DRAFT_MESSAGE
from cloud.invocation import DraftInvocation, Invocation
from handlers.endpoint.gpu_spend import GpuSpend, GpuSpendStore, partition
from infra.local.stack import LocalStack
from infra.names import CPU_FUNCTION
from tests.e2e import pictures
from tests.e2e.caller import Caller, JobDict, upload

DAY_SECONDS = 24 * 60 * 60


@pytest.fixture
def asleep(stack: LocalStack) -> Iterator[None]:
    """The endpoint has no instance."""
    with stack.faults(min_instances=0, idle_seconds=0):
        stack.wait_for_instances(0)
        yield


@pytest.mark.usefixtures("asleep")
def test_a_draft_is_shown_while_the_gpu_wakes_and_gives_way_to_its_picture(stack: LocalStack, caller: Caller) -> None:
    with stack.faults(cold_start_seconds=600):
        # These have none. By the end of the test theirs would be there.
        with configured(stack, "dispatch", DRAFTS="false"):
            without = [waiting_job(caller)]
        with budget_spent(stack):
            without.append(waiting_job(caller))
        assert [job["message"].split(":")[0] for job in without] == ["Waking a GPU", "The day's GPU budget is spent"]
        assert all(caller.cancel(job["job_id"]).is_success for job in without)

        job_id, ticket = caller.created(engine="models", steps=2)
        with caller.socket() as socket:
            socket.send(action="subscribe", job_id=job_id)
            upload(ticket, pictures.jpeg())
            shown = next(job for job in socket.jobs(job_id) if job["preview"])
        draft = shown["preview"]
        assert (shown["state"], shown["attempt"], draft["draft"]) == ("dispatched", 1, True)
        assert shown["message"].startswith(f"{DRAFT_MESSAGE}: ")
        assert picture_at(draft["url"]).size == (draft["width"], draft["height"]) == (320, 240)
        assert caller.get(job_id)["preview"]["draft"]

    with caller.socket() as socket:
        socket.send(action="subscribe", job_id=job_id, after_seq=shown["seq"])
        later = list(socket.jobs(job_id))
    seen = [job["preview"]["draft"] for job in later if job["preview"]]
    assert seen == sorted(seen, reverse=True), "no draft after the GPU's first image"
    assert not [job for job in later if job["state"] == "running" and job["message"].startswith(DRAFT_MESSAGE)]
    done = later[-1]
    assert (done["state"], done["attempt"], done["preview"]) == ("completed", 1, None), done["error"]
    assert done["result"]["engine"] == "models"

    # The draft's event comes again, after everything.
    before = objects(stack, f"previews/{job_id}/")
    request_draft(stack, done)
    assert caller.get(job_id)["seq"] == done["seq"]
    assert objects(stack, f"previews/{job_id}/") == before

    for job in without:
        assert caller.get(job["job_id"])["seq"] == job["seq"] + 1, "only the cancellation"
        assert objects(stack, f"previews/{job['job_id']}/") == []


def waiting_job(caller: Caller) -> JobDict:
    """A job of the models engine that waits for the endpoint."""
    job_id, ticket = caller.created(engine="models")
    with caller.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        upload(ticket, pictures.jpeg())
        return socket.until(job_id, "dispatched")


@contextmanager
def budget_spent(stack: LocalStack) -> Iterator[None]:
    """Write what the spend guard writes once the day's GPU budget is spent, until the block ends."""
    store = GpuSpendStore(stack.state.tables.sockets, stack.state.endpoint_name, stack.client("dynamodb"))
    now = time.time()
    spent = GpuSpend(day=int(now // DAY_SECONDS), usd=100, counted_until=now, instances=0, stopped=True)
    assert store.replace(store.get(), spent)
    try:
        yield
    finally:
        key = {"pk": {"S": partition(stack.state.endpoint_name)}, "sk": {"S": "spend"}}
        stack.client("dynamodb").delete_item(TableName=stack.state.tables.sockets, Key=key)


def picture_at(url: str) -> Image.Image:
    """The picture at a presigned URL."""
    answer = httpx2.get(url)
    assert answer.is_success, answer.text
    return Image.open(io.BytesIO(answer.content))


def objects(stack: LocalStack, prefix: str) -> list[str]:
    """Keys of the bucket."""
    listed = stack.client("s3").list_objects_v2(Bucket=stack.bucket, Prefix=prefix)
    return [entry["Key"] for entry in listed.get("Contents", [])]


def request_draft(stack: LocalStack, job: JobDict) -> None:
    """Have the function make a draft of a job's first attempt, and wait for it."""
    invocation = Invocation(
        job_id=job["job_id"],
        attempt=1,
        kind=job["kind"],
        engine=job["engine"],
        params={"style": job["params"]["style"]},
        uploads={"photo": f"uploads/{job['job_id']}/photo"},
        deadline=datetime.now(UTC) + timedelta(minutes=10),
    )
    event = DraftInvocation(draft=invocation.model_dump(mode="json"))
    stack.invoke(CPU_FUNCTION, json.loads(event.model_dump_json()))


@contextmanager
def configured(stack: LocalStack, function: str, **variables: str) -> Iterator[None]:
    """Change variables of a function's environment until the block ends."""
    client: Any = stack.client("lambda")
    name = stack.state.functions[function]
    before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    client.update_function_configuration(FunctionName=name, Environment={"Variables": before | variables})
    try:
        yield
    finally:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": before})
