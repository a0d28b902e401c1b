"""Lambda's records of failed invocations of the cpu lane: each becomes the notice of its attempt, and its job goes on.

The records have the form of AWS's developer guide, "Capturing records of Lambda asynchronous invocations", and the
error types and messages that Lambda writes. That of the emulator is as its source makes it.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.invocation import WARM, inference_id
from cloud.lane import Lane
from darkroom.contract.jobs import MAX_ATTEMPTS, State
from handlers import finished
from tests.handlers.stored_jobs import now

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]
REQUEST = "e4b46cbf-b738-4b1e-8880-a18cdf61200e"


def failure(
    job_id: str, attempt: int, *, condition: str = "RetriesExhausted", response: Any = None, count: int = 1
) -> str:
    """Return the record of an invocation that was tried ``count`` times."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": "2026-11-30T18:16:05.568Z",
        "requestContext": {
            "requestId": REQUEST,
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:cpu:$LATEST",
            "condition": condition,
            "approximateInvokeCount": count,
        },
        "requestPayload": {"inference_id": inference_id(job_id, attempt), "invocation": {}},
    }
    if response is not None:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        }
        record["responsePayload"] = response
    return json.dumps(record)


def of_the_emulator(job_id: str, attempt: int, message: str) -> str:
    """Return the record that MiniStack makes: always of exhausted retries, after three of them."""
    return json.dumps(
        {
            "requestContext": {"functionArn": "", "condition": "RetriesExhausted", "approximateInvokeCount": 3},
            "requestPayload": {"inference_id": inference_id(job_id, attempt), "invocation": {}},
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": {"errorMessage": message, "errorType": "Runtime.HandlerError"},
        }
    )


@pytest.fixture
def deliver(context: Any) -> Callable[..., None]:
    def do(message: str, *, times: int = 1) -> None:
        for _ in range(times):
            finished.handler({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message}}]}, context)

    return do


def on_the_cpu_lane(store: JobStore, job_in: JobIn, attempt: int = 1) -> JobRecord:
    job = job_in(State.QUEUED)
    for number in range(1, attempt + 1):
        assert store.dispatch(job.job_id, number, due_at=0, lane=Lane.CPU) is not None
        if number < attempt:
            assert store.requeue(job.job_id, number, due_at=0, message="again") is not None
    store.start(job.job_id, attempt, message="Loading")
    return now(store, job)


@pytest.mark.parametrize(
    ("condition", "response", "code"),
    [
        pytest.param(
            "RetriesExhausted",
            {"errorMessage": f"2026-11-30T18:16:05.568Z {REQUEST} Task timed out after 900.00 seconds"},
            "timed_out",
            id="timeout",
        ),
        pytest.param(
            "RetriesExhausted",
            {
                "errorType": "Sandbox.Timedout",
                "errorMessage": f"RequestId: {REQUEST} Error: Task timed out after 900.00 seconds",
            },
            "timed_out",
            id="timeout of today's runtimes",
        ),
        pytest.param("EventAgeExceeded", None, "timed_out", id="event too old, never tried"),
        pytest.param(
            "RetriesExhausted",
            {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {REQUEST} Error: Runtime exited with error: signal: killed",
            },
            "out_of_memory",
            id="out of memory",
        ),
        pytest.param(
            "RetriesExhausted",
            {
                "errorType": "Runtime.OutOfMemory",
                "errorMessage": f"RequestId: {REQUEST} Error: Runtime exited with error: signal: killed",
            },
            "out_of_memory",
            id="out of memory of today's runtimes",
        ),
        pytest.param(
            "RetriesExhausted",
            {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {REQUEST} Error: Runtime exited with error: exit status 1",
            },
            "container_failed",
            id="exit while it starts",
        ),
        pytest.param(
            "RetriesExhausted",
            {
                "errorMessage": "Unable to import module 'containers.cpu.function': No module named 'cv2'",
                "errorType": "Runtime.ImportModuleError",
                "requestId": "",
                "stackTrace": [],
            },
            "container_failed",
            id="import error",
        ),
        pytest.param(
            "RetriesExhausted",
            {"errorMessage": f"RequestId: {REQUEST} Process exited before completing request"},
            "container_failed",
            id="the guide's own example",
        ),
        pytest.param("RetriesExhausted", "not an object", "container_failed", id="response in another form"),
    ],
)
def test_a_failure_of_the_function_is_a_failed_attempt_with_an_error_code(
    store: JobStore, job_in: JobIn, deliver: Any, queues: Any, condition: str, response: Any, code: str
) -> None:
    first = on_the_cpu_lane(store, job_in)
    deliver(failure(first.job_id, 1, condition=condition, response=response), times=2)
    again = now(store, first)
    assert (again.state, queues.sent()) == (State.QUEUED, [(first.job_id, 2)])
    last = on_the_cpu_lane(store, job_in, MAX_ATTEMPTS)
    deliver(failure(last.job_id, MAX_ATTEMPTS, condition=condition, response=response), times=2)
    end = now(store, last)
    assert end.error is not None
    assert (end.state, end.error.code, end.error.retryable) == (State.FAILED, code, True)
    assert queues.dead_letters() == [last.job_id]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Task timed out after 5.00 seconds", "timed_out"),
        ("Worker process died", "container_failed"),
        ("Worker init failed: No module named 'cv2'", "container_failed"),
    ],
)
def test_a_failure_on_the_emulator_is_a_failed_attempt(
    store: JobStore, job_in: JobIn, deliver: Any, message: str, code: str
) -> None:
    job = on_the_cpu_lane(store, job_in, MAX_ATTEMPTS)
    deliver(of_the_emulator(job.job_id, MAX_ATTEMPTS, message))
    end = now(store, job)
    assert end.error is not None
    assert (end.state, end.error.code) == (State.FAILED, code)


def test_a_lost_attempt_is_charged_its_time_at_the_price_of_the_function(
    store: JobStore, job_in: JobIn, deliver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPU_USD_PER_HOUR", "0.36")
    job = on_the_cpu_lane(store, job_in)
    assert job.started_at is not None
    monkeypatch.setattr("handlers.jobs.retry.time.time", lambda: job.started_at + 10)
    deliver(failure(job.job_id, 1, response={"errorMessage": "Process exited before completing request"}))
    assert now(store, job).cost_usd == pytest.approx(0.36 * 10 / 3600)


def test_an_event_that_was_never_tried_costs_nothing(store: JobStore, job_in: JobIn, deliver: Any) -> None:
    job = job_in(State.QUEUED)
    assert store.dispatch(job.job_id, 1, due_at=0, lane=Lane.CPU) is not None
    deliver(failure(job.job_id, 1, condition="EventAgeExceeded", count=0))
    again = now(store, job)
    assert (again.state, again.cost_usd) == (State.QUEUED, None)


def test_a_late_failure_of_an_earlier_attempt_changes_nothing(store: JobStore, job_in: JobIn, deliver: Any) -> None:
    job = on_the_cpu_lane(store, job_in, 2)
    deliver(failure(job.job_id, 1, condition="EventAgeExceeded"))
    assert now(store, job) == job


@pytest.mark.parametrize("event", [None, {}, {"inference_id": None}, {"inference_id": "x"}, "text", []])
def test_a_record_that_names_no_attempt_is_a_dead_letter(deliver: Any, queues: Any, event: Any) -> None:
    message = json.dumps({"requestPayload": event, "requestContext": {"condition": "RetriesExhausted"}})
    deliver(message)
    assert queues.unreadable() == [message]


def test_a_warm_up_that_fails_is_no_dead_letter(deliver: Any, queues: Any) -> None:
    record = json.loads(of_the_emulator("0" * 32, 1, "Worker process exited immediately"))
    deliver(json.dumps(record | {"requestPayload": {"inference_id": WARM}}))
    assert (queues.unreadable(), queues.dead_letters()) == ([], [])
