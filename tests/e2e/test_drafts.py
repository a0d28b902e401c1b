"""Drafts: while the endpoint has no instance, the cpu lane shows its picture; the GPU's own takes its place."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from PIL import Image

from cloud.dynamodb.draft_store import DRAFT_MESSAGE
from cloud.invocation import DraftInvocation, Invocation
from infra.local.stack import LocalStack
from infra.names import CPU_FUNCTION
from tests.e2e import pictures
from tests.e2e.caller import Caller, JobDict, upload


@pytest.fixture
def asleep(stack: LocalStack) -> Iterator[None]:
    """The endpoint has no instance."""
    with stack.faults(min_instances=0, idle_seconds=0):
        stack.wait_for_instances(0)
        yield


@pytest.mark.usefixtures("asleep")
def test_a_draft_is_shown_while_the_gpu_wakes_and_gives_way_to_its_picture(stack: LocalStack, caller: Caller) -> None:
    job_id, ticket = caller.created(engine="models", steps=2)
    with caller.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        with stack.faults(cold_start_seconds=600):
            upload(ticket, pictures.jpeg())
            shown = next(job for job in socket.jobs(job_id) if job["preview"])
            draft = shown["preview"]
            assert (shown["state"], shown["attempt"], draft["draft"]) == ("dispatched", 1, True)
            assert shown["message"].startswith(f"{DRAFT_MESSAGE}: ")
            assert picture_at(draft["url"]).size == (draft["width"], draft["height"]) == (320, 240)
            assert caller.get(job_id)["preview"]["draft"]
        later = list(socket.jobs(job_id))
    seen = [job["preview"]["draft"] for job in later if job["preview"]]
    assert seen == sorted(seen, reverse=True), "no draft after the GPU's first image"
    assert DRAFT_MESSAGE not in {job["message"] for job in later if job["state"] == "running"}
    done = later[-1]
    assert (done["state"], done["attempt"], done["preview"]) == ("completed", 1, None), done["error"]
    assert done["result"]["engine"] == "models"

    # The draft's event comes again, after everything.
    before = objects(stack, f"previews/{job_id}/")
    request_draft(stack, done)
    assert caller.get(job_id)["seq"] == done["seq"]
    assert objects(stack, f"previews/{job_id}/") == before


@pytest.mark.usefixtures("asleep")
def test_a_deployment_without_drafts_shows_none(stack: LocalStack, caller: Caller) -> None:
    with configured(stack, "dispatch", DRAFTS="false"):
        job_id, ticket = caller.created(engine="models", steps=1)
        with caller.socket() as socket:
            socket.send(action="subscribe", job_id=job_id)
            with stack.faults(cold_start_seconds=600):
                upload(ticket, pictures.jpeg())
                assert socket.until(job_id, "dispatched")["message"].startswith("Waking a GPU: ")
            later = list(socket.jobs(job_id))
    assert later[-1]["state"] == "completed", later[-1]["error"]
    assert not [job for job in later if (job["preview"] or {}).get("draft")]
    assert not [key for key in objects(stack, f"previews/{job_id}/") if "draft" in key]


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
