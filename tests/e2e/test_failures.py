"""Container failures: the job still ends, with an actionable error code."""

import time

import pytest

from darkroom.contract.jobs import MAX_ATTEMPTS
from infra.local.stack import LocalStack
from tests.e2e import pictures
from tests.e2e.caller import Caller, upload


@pytest.mark.usefixtures("on_the_endpoint")
def test_a_killed_container_is_retried_and_the_job_completes(stack: LocalStack, caller: Caller) -> None:
    with stack.faults(crash=1):
        job = caller.restyle(pictures.jpeg())
    assert job["state"] == "completed", job["error"]
    assert job["attempt"] == 2


@pytest.mark.usefixtures("on_the_endpoint")
def test_a_container_that_always_crashes_fails_the_job_after_all_attempts(stack: LocalStack, caller: Caller) -> None:
    with stack.faults(crash=MAX_ATTEMPTS):
        job = caller.restyle(pictures.jpeg())
    assert (job["state"], job["error"]["code"]) == ("failed", "container_failed")
    assert job["attempt"] == MAX_ATTEMPTS
    assert job["job_id"] in stack.dead_letters()


@pytest.mark.usefixtures("on_the_endpoint")
def test_an_unreachable_endpoint_fails_the_job(stack: LocalStack, caller: Caller) -> None:
    with stack.faults(unreachable=True):
        job = caller.restyle(pictures.jpeg())
    assert (job["state"], job["error"]["code"]) == ("failed", "endpoint_unavailable")
    assert caller.http.get("/health").status_code == 200


def test_health_names_the_component_that_is_down(stack: LocalStack, caller: Caller) -> None:
    with stack.faults(unreachable=True):
        response = caller.http.get("/health")
    assert response.status_code == 503
    assert [name for name, part in response.json()["parts"].items() if part["status"] != "ok"] == ["endpoint"]


def test_a_job_without_its_upload_expires(stack: LocalStack, caller: Caller) -> None:
    job_id, _ = caller.created()
    overdue(stack, job_id)
    stack.invoke("sweep", {})
    job = caller.finish(job_id)
    assert (job["state"], job["error"]["code"]) == ("expired", "upload_expired")


def test_a_lost_queue_message_is_sent_again(stack: LocalStack, caller: Caller) -> None:
    with stack.paused("dispatch"):
        job_id, ticket = caller.created()
        with caller.socket() as socket:
            socket.send(action="subscribe", job_id=job_id)
            upload(ticket, pictures.jpeg())
            socket.until(job_id, "queued")
        stack.client("sqs").purge_queue(QueueUrl=stack.queue_url)
    overdue(stack, job_id)
    stack.invoke("sweep", {})
    assert caller.finish(job_id)["state"] == "completed"


@pytest.mark.usefixtures("on_the_endpoint")
def test_a_late_outcome_of_an_abandoned_attempt_changes_nothing(stack: LocalStack, caller: Caller) -> None:
    with stack.faults(min_instances=0, idle_seconds=0, cold_start_seconds=600):
        stack.wait_for_instances(0)
        job_id, ticket = caller.created()
        with caller.socket() as socket:
            socket.send(action="subscribe", job_id=job_id)
            upload(ticket, pictures.jpeg())
            socket.until(job_id, "dispatched")
            overdue(stack, job_id)
            stack.invoke("sweep", {})
            second = next(job for job in socket.jobs(job_id) if (job["state"], job["attempt"]) == ("dispatched", 2))
    assert second["message"]
    job = caller.finish(job_id)
    assert job["state"] == "completed", job["error"]
    assert job["attempt"] == 2
    stack.wait_idle()
    assert caller.get(job_id)["seq"] == job["seq"]


def test_an_unexpected_upload_is_deleted(stack: LocalStack, caller: Caller) -> None:
    job_id, _ = caller.created()
    s3 = stack.client("s3")
    for key in (f"uploads/{'0' * 32}/photo", f"uploads/{job_id}/mask", "uploads/stray.jpg"):
        s3.put_object(Bucket=stack.bucket, Key=key, Body=pictures.jpeg())
        s3.get_waiter("object_not_exists").wait(
            Bucket=stack.bucket, Key=key, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
    assert caller.get(job_id)["state"] == "awaiting_upload"


def overdue(stack: LocalStack, job_id: str) -> None:
    """Let a job's time pass."""
    stack.client("dynamodb").update_item(
        TableName=stack.jobs_table,
        Key={"job_id": {"S": job_id}},
        UpdateExpression="SET due_at = :past",
        ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 10)}},
    )
