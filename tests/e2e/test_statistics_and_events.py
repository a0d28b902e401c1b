"""Statistics, events and reports about jobs, which customers may build on."""

import json
import time
from typing import Any

import httpx2
import pytest

from infra.local.stack import LocalStack
from tests.e2e import pictures
from tests.e2e.caller import TIMEOUT_SECONDS, Caller, picture


@pytest.fixture(scope="module")
def admin(stack: LocalStack) -> Caller:
    """Caller with the rights of an administrator."""
    return Caller(stack.endpoint, stack.socket, stack.token_for("local"))


def restyled(stats: dict[str, Any]) -> dict[str, int]:
    kind: dict[str, Any] = stats["kinds"].get("restyle_room", {})
    return kind.get("states", {})


def test_a_job_is_counted_once_with_its_time_and_cost(caller: Caller, admin: Caller) -> None:
    before = admin.http.get("/stats").json()
    job = caller.restyle(pictures.jpeg())
    assert job["state"] == "completed"
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while restyled(after := admin.http.get("/stats").json()).get("completed", 0) == restyled(before).get(
        "completed", 0
    ):
        assert time.monotonic() < deadline, "the job was never counted"
    assert after["cost_usd"] > before["cost_usd"]
    assert 0 < after["success_rate"] <= 1
    assert caller.http.get("/stats").status_code == httpx2.codes.FORBIDDEN


def test_services_reports_endpoint_instances_and_backlog(caller: Caller) -> None:
    services = caller.http.get("/services").json()
    assert services["endpoint"]["status"] == "InService"
    assert services["endpoint"]["instances"] >= 1
    (instance, *_) = services["instances"]
    assert instance["jobs"] >= 0
    assert services["backlog"] is not None


def test_an_ended_job_publishes_an_event_that_a_rule_can_match(caller: Caller, stack: LocalStack) -> None:
    sqs, events = stack.client("sqs"), stack.client("events")
    queue = sqs.create_queue(QueueName="webhook")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["darkroom"], "detail-type": ["Job completed"]}
    bus = stack.state.event_bus
    events.put_rule(Name="webhook", EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule="webhook", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])

    job = caller.run("upscale", {"scale": 2}, {"photo": pictures.jpeg(80, 60)})
    assert job["state"] == "completed"
    event = None
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while event is None or event["detail"]["job_id"] != job["job_id"]:
        assert time.monotonic() < deadline, "the event never came"
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            event = json.loads(message["Body"])
    assert event["detail-type"] == "Job completed"
    assert event["detail"]["state"] == "completed"
    assert all(each.get("url") is None for each in event["detail"]["result"]["pictures"])


def test_rerun_uses_the_uploads_of_the_first_job(caller: Caller) -> None:
    photo = pictures.jpeg(100, 80)
    first = caller.run("upscale", {"scale": 2}, {"photo": photo})
    answer = caller.http.post(f"/jobs/{first['job_id']}/rerun", json={"cache": False})
    assert answer.status_code == httpx2.codes.CREATED, answer.text
    same = caller.upload_and_wait(answer.json(), {})
    assert picture(same).tobytes() == picture(first).tobytes()

    larger = caller.http.post(f"/jobs/{first['job_id']}/rerun", json={"params": {"scale": 3}})
    assert picture(caller.upload_and_wait(larger.json(), {})).size == (300, 240)

    wrong = caller.http.post(f"/jobs/{first['job_id']}/rerun", json={"params": {"scale": 30}})
    assert wrong.status_code == httpx2.codes.UNPROCESSABLE_CONTENT
    assert wrong.json()["errors"][0]["field"] == "params.scale"


def test_an_enhanced_prompt_names_its_enhancer(caller: Caller) -> None:
    answer = caller.http.post("/prompts/enhance", json={"prompt": "a red bicycle", "kind": "generate"})
    assert answer.status_code == httpx2.codes.OK, answer.text
    body = answer.json()
    assert (body["original"], body["by"]) == ("a red bicycle", "rules")
    assert body["prompt"].startswith("a red bicycle")
    assert "RateLimit-Remaining" in answer.headers


def test_avatars_are_listed_with_their_pictures(caller: Caller) -> None:
    avatars = caller.http.get("/avatars").json()["avatars"]
    assert len(avatars) >= 6
    assert all(each["picture"].startswith("data:image/webp;base64,") for each in avatars)
