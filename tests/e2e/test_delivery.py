"""At-least-once delivery: events that arrive twice, late and out of order change nothing."""

import json
from typing import Any

import pytest

from cloud.invocation import inference_id
from infra.local.stack import LocalStack
from tests.e2e import pictures
from tests.e2e.caller import Caller, upload
from tests.links import unlinked


@pytest.fixture(scope="module")
def done(caller: Caller) -> dict[str, Any]:
    """A finished job, whose events are about to come again."""
    return caller.restyle(pictures.jpeg())


def test_a_repeated_upload_event_changes_nothing(stack: LocalStack, caller: Caller, done: dict[str, Any]) -> None:
    stack.invoke("uploaded", s3_event(stack, done["job_id"]))
    assert unlinked(caller.get(done["job_id"])) == unlinked(done)


def test_a_duplicate_upload_event_starts_one_attempt(stack: LocalStack, caller: Caller) -> None:
    job_id, ticket = caller.created()
    upload(ticket, pictures.jpeg())
    for _ in range(2):
        stack.invoke("uploaded", s3_event(stack, job_id))
    job = caller.finish(job_id)
    assert job["state"] == "completed", job["error"]
    assert job["attempt"] == 1


def test_a_repeated_queue_message_changes_nothing(stack: LocalStack, caller: Caller, done: dict[str, Any]) -> None:
    answer = stack.invoke("dispatch", sqs_event({"job_id": done["job_id"], "attempt": 1}))
    assert answer == {"batchItemFailures": []}
    assert unlinked(caller.get(done["job_id"])) == unlinked(done)


def test_a_queue_message_before_the_upload_dispatches_nothing(stack: LocalStack, caller: Caller) -> None:
    job_id, ticket = caller.created()
    stack.invoke("dispatch", sqs_event({"job_id": job_id, "attempt": 1}))
    assert caller.get(job_id)["state"] == "awaiting_upload"
    upload(ticket, pictures.jpeg())
    assert caller.finish(job_id)["state"] == "completed"


@pytest.mark.parametrize("status", ["Completed", "Failed"])
def test_a_repeated_notification_changes_nothing(
    stack: LocalStack, caller: Caller, done: dict[str, Any], status: str
) -> None:
    for attempt in (1, 2):
        stack.invoke("finished", sns_event(stack, done["job_id"], attempt, status))
    assert unlinked(caller.get(done["job_id"])) == unlinked(done)


def test_a_notification_before_dispatch_changes_nothing(stack: LocalStack, caller: Caller) -> None:
    job_id, ticket = caller.created()
    stack.invoke("finished", sns_event(stack, job_id, 1, "Failed"))
    assert caller.get(job_id)["state"] == "awaiting_upload"
    upload(ticket, pictures.jpeg())
    assert caller.finish(job_id)["state"] == "completed"


def test_an_old_stream_record_is_not_pushed(stack: LocalStack, caller: Caller) -> None:
    job_id, ticket = caller.created()
    old = stack.client("dynamodb").get_item(TableName=stack.jobs_table, Key={"job_id": {"S": job_id}})["Item"]
    with caller.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        upload(ticket, pictures.jpeg())
        seen = [job["seq"] for job in socket.jobs(job_id)]
        for _ in range(2):
            stack.invoke("push", stream_event(old))
        socket.send(action="ping")
        assert socket.receive() == {"type": "pong"}
    assert seen == sorted(set(seen))


@pytest.mark.usefixtures("on_the_endpoint")
def test_duplicate_notifications_of_the_endpoint_change_nothing(stack: LocalStack, caller: Caller) -> None:
    with stack.faults(duplicate=True):
        job = caller.restyle(pictures.jpeg())
    assert job["state"] == "completed"
    stack.wait_idle()
    assert unlinked(caller.get(job["job_id"])) == unlinked(job)


def s3_event(stack: LocalStack, job_id: str) -> dict[str, Any]:
    entity = {"bucket": {"name": stack.bucket}, "object": {"key": f"uploads/{job_id}/photo", "size": 1}}
    return sqs_event({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Post", "s3": entity}]})


def sqs_event(body: dict[str, Any]) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "0"}
    record = {"messageId": "again", "receiptHandle": "x", "body": json.dumps(body), "attributes": attributes}
    return {"Records": [{**record, "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1"}]}


def sns_event(stack: LocalStack, job_id: str, attempt: int, status: str) -> dict[str, Any]:
    name = inference_id(job_id, attempt)
    parameters = (
        {"outputLocation": f"s3://{stack.bucket}/outcomes/{name}.out", "contentType": "application/json"}
        if status == "Completed"
        else {}
    )
    message = {
        "invocationStatus": status,
        "inferenceId": name,
        "failureReason": "ModelError",
        "requestParameters": {"endpointName": "darkroom"},
        "responseParameters": parameters,
    }
    notification = {"Type": "Notification", "MessageId": "again", "TopicArn": "t", "Message": json.dumps(message)}
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": notification}]}


def stream_event(image: dict[str, Any]) -> dict[str, Any]:
    change = {"Keys": {"job_id": image["job_id"]}, "NewImage": image, "SequenceNumber": "1"}
    return {"Records": [{"eventID": "again", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "dynamodb": change}]}
