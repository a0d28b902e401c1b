"""Cold start: waiting callers are told of it, with an estimate from the second time on."""

import time
from threading import Event

import pytest

from infra.local.stack import LocalStack
from tests.e2e import pictures
from tests.e2e.caller import TIMEOUT_SECONDS, Caller, upload

DAY_SECONDS = 24 * 60 * 60


@pytest.mark.usefixtures("on_the_endpoint")
def test_a_cold_start_is_reported_and_the_next_one_estimated(stack: LocalStack, caller: Caller) -> None:
    delete_row(stack, "waking", "wakes")
    assert message_without_instances(stack, caller) == "Waking a GPU: this takes several minutes"
    wait_until_measured(stack)
    assert message_without_instances(stack, caller).startswith("Waking a GPU: ready in a")


@pytest.mark.usefixtures("on_the_endpoint")
def test_a_gpu_stopped_by_the_spend_limit_is_reported(stack: LocalStack, caller: Caller) -> None:
    key = {"pk": {"S": f"guard#{stack.state.endpoint_name}"}, "sk": {"S": "spend"}}
    numbers = {"day": int(time.time() // DAY_SECONDS), "usd": 100, "counted_until": int(time.time()), "instances": 0}
    row = {**key, **{name: {"N": str(value)} for name, value in numbers.items()}, "stopped": {"BOOL": True}}
    stack.client("dynamodb").put_item(TableName=stack.state.tables.sockets, Item=row)
    try:
        assert "budget" in message_without_instances(stack, caller)
    finally:
        delete_row(stack, "guard", "spend")


def message_without_instances(stack: LocalStack, caller: Caller) -> str:
    """Message of a job that is dispatched to an endpoint without instances; the job completes after the cold start."""
    with stack.faults(min_instances=0, idle_seconds=0):
        stack.wait_for_instances(0)
        job_id, ticket = caller.created()
        with caller.socket() as socket:
            socket.send(action="subscribe", job_id=job_id)
            with stack.faults(cold_start_seconds=600):
                upload(ticket, pictures.jpeg())
                message: str = socket.until(job_id, "dispatched")["message"]
            later = list(socket.jobs(job_id))
    assert later[-1]["state"] == "completed", later[-1]["error"]
    assert message not in {job["message"] for job in later}
    return message


def wait_until_measured(stack: LocalStack) -> None:
    """Return when the endpoint's last cold start has been stored."""
    key = {"pk": {"S": f"waking#{stack.state.endpoint_name}"}, "sk": {"S": "wakes"}}
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        answer = stack.client("dynamodb").get_item(TableName=stack.state.tables.sockets, Key=key)
        if answer.get("Item", {}).get("seconds", {}).get("L"):
            return
        Event().wait(0.05)
    raise TimeoutError("the cold start was not measured")


def delete_row(stack: LocalStack, kind: str, row: str) -> None:
    """Delete a row about the endpoint."""
    key = {"pk": {"S": f"{kind}#{stack.state.endpoint_name}"}, "sk": {"S": row}}
    stack.client("dynamodb").delete_item(TableName=stack.state.tables.sockets, Key=key)
