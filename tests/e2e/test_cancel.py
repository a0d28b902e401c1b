"""Cancellation: possible at any time before a job ends, and leaves no files behind."""

import httpx2
import pytest

from infra.local.stack import LocalStack
from tests.e2e import pictures
from tests.e2e.caller import Caller, upload
from tests.links import unlinked

SLOW = pictures.jpeg(6000, 4500)  # seconds of work for the preview engine


def test_a_job_can_be_cancelled_before_the_upload(caller: Caller) -> None:
    job_id, ticket = caller.created()
    assert caller.cancel(job_id).json()["state"] == "cancelled"
    upload(ticket, pictures.jpeg())
    assert caller.finish(job_id)["state"] == "cancelled"


def test_a_job_can_be_cancelled_while_queued(caller: Caller, stack: LocalStack, dispatch_paused: None) -> None:
    job_id, ticket = caller.created()
    with caller.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        upload(ticket, pictures.jpeg())
        socket.until(job_id, "queued")
        assert caller.cancel(job_id).json()["state"] == "cancelled"
        *_, last = socket.jobs(job_id)
    assert (last["state"], last["error"]["code"]) == ("cancelled", "cancelled")


def test_a_job_can_be_cancelled_while_running(caller: Caller, stack: LocalStack) -> None:
    job_id, ticket = caller.created()
    with caller.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        upload(ticket, SLOW)
        socket.until(job_id, "running")
        assert caller.cancel(job_id).json()["state"] == "cancelled"
        *_, last = socket.jobs(job_id)
    assert last["state"] == "cancelled"
    # The next job through the same container proves that this one was let go, and then nothing of it is left.
    assert caller.restyle(pictures.jpeg())["state"] == "completed"
    stack.wait_idle()
    left = stack.client("s3").list_objects_v2(Bucket=stack.bucket, Prefix=f"results/{job_id}/")
    assert left["KeyCount"] == 0
    assert caller.get(job_id)["state"] == "cancelled"


def test_cancelling_an_ended_job_is_a_conflict(caller: Caller) -> None:
    job = caller.restyle(pictures.jpeg())
    response = caller.cancel(job["job_id"])
    assert (response.status_code, response.json()["code"]) == (httpx2.codes.CONFLICT, "conflict")
    assert caller.get(job["job_id"])["state"] == "completed"


def test_cancelling_twice_changes_nothing(caller: Caller) -> None:
    job_id, _ = caller.created()
    first, again = caller.cancel(job_id), caller.cancel(job_id)
    assert (first.status_code, again.status_code) == (200, 200)
    assert unlinked(first.json()) == unlinked(again.json())


@pytest.fixture
def dispatch_paused(stack: LocalStack) -> object:
    """Messages stay in the queue while a test runs."""
    with stack.paused("dispatch"):
        yield
