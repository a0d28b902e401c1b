"""The cpu lane: previews run by a function, end in each way that a function can end, and cost what it costs."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cloud.lane import RESERVE_SECONDS
from darkroom.contract.jobs import MAX_ATTEMPTS
from infra.local.stack import LocalStack
from tests.e2e import pictures
from tests.e2e.caller import Caller, JobDict, picture, upload

# Seconds of work for the preview engine.
SLOW = pictures.jpeg(6000, 4500)


@contextmanager
def configured(stack: LocalStack, *, timeout: int | None = None, **variables: str) -> Iterator[None]:
    """Change the function's settings until the block ends; its processes start anew."""
    client, name = stack.client("lambda"), stack.state.functions["cpu"]
    before = client.get_function_configuration(FunctionName=name)
    kept = before["Environment"]["Variables"]
    client.update_function_configuration(
        FunctionName=name, Timeout=timeout or before["Timeout"], Environment={"Variables": {**kept, **variables}}
    )
    try:
        yield
    finally:
        client.update_function_configuration(
            FunctionName=name, Timeout=before["Timeout"], Environment={"Variables": kept}
        )


def processes(stack: LocalStack) -> list[int]:
    """The processes of the function on this stack."""
    marks = {
        f"AWS_LAMBDA_FUNCTION_NAME={stack.state.functions['cpu']}".encode(),
        f"BUCKET={stack.bucket}".encode(),
        f"AWS_ENDPOINT_URL=http://127.0.0.1:{stack.state.port}".encode(),
    }
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = set(path.read_bytes().split(b"\0"))
        except OSError:
            continue
        if marks <= variables:
            found.append(int(path.parent.name))
    return found


def run_slowly(caller: Caller, when_running: Any) -> JobDict:
    """Run a job that takes seconds, and return its last state."""
    job_id, ticket = caller.created()
    with caller.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        upload(ticket, SLOW)
        socket.until(job_id, "running")
        when_running()
        *_, last = socket.jobs(job_id)
    return last


def test_a_preview_is_made_by_the_function_and_costs_its_seconds(caller: Caller) -> None:
    job = caller.restyle(pictures.jpeg())
    assert (job["state"], job["attempt"], job["result"]["engine"]) == ("completed", 1, "preview")
    assert picture(job).size == (320, 240)
    # An hour of the function costs 14 cents, one of the GPU more than five times that.
    seconds = job["cost_usd"] / 0.1410 * 3600
    assert 0 < seconds < 60


def test_the_status_has_the_function(stack: LocalStack, caller: Caller) -> None:
    # Just deployed, it is pending for a moment.
    function = stack.state.functions["cpu"]
    stack.client("lambda").get_waiter("function_active_v2").wait(FunctionName=function, WaiterConfig={"Delay": 1})
    assert caller.http.get("/services").json()["previews"] == {"status": "Active"}
    assert caller.http.get("/health").json()["parts"]["previews"]["status"] == "ok"


def test_a_killed_process_is_retried_and_the_job_completes(stack: LocalStack, caller: Caller) -> None:
    def kill() -> None:
        found = processes(stack)
        assert found
        for process in found:
            os.kill(process, signal.SIGKILL)

    job = run_slowly(caller, kill)
    assert (job["state"], job["attempt"]) == ("completed", 2), job["error"]


def test_a_function_that_never_starts_fails_the_job_after_all_attempts(stack: LocalStack, caller: Caller) -> None:
    with configured(stack, LOG_LEVEL="nonsense"):
        job = caller.restyle(pictures.jpeg())
    assert (job["state"], job["error"]["code"]) == ("failed", "container_failed")
    assert job["attempt"] == MAX_ATTEMPTS
    assert job["job_id"] in stack.dead_letters()
    assert caller.restyle(pictures.jpeg())["state"] == "completed"


def test_an_attempt_ends_before_the_functions_time_does(stack: LocalStack, caller: Caller) -> None:
    with configured(stack, timeout=RESERVE_SECONDS):
        job = caller.restyle(pictures.jpeg())
    assert (job["state"], job["error"]["code"]) == ("failed", "timed_out")


@pytest.mark.usefixtures("on_the_endpoint")
def test_the_endpoint_makes_previews_where_the_deployment_says_so(caller: Caller) -> None:
    job = caller.restyle(pictures.jpeg())
    assert (job["state"], job["result"]["engine"]) == ("completed", "preview")
