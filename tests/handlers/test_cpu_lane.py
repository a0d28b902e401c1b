"""Cpu lane: jobs of the preview engine go to its function, those of the models engine to the endpoint."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from mypy_boto3_s3 import S3Client

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.ledger import Ledger
from cloud.invocation import MAX_INLINE_BYTES, Completed, FunctionInvocation, Invocation, inference_id
from cloud.job_queue import DispatchMessage, JobQueue
from cloud.lane import Lane
from cloud.outcome_notice import outcome_notice
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import MAX_ATTEMPTS, State
from darkroom.contract.results import Result, StageTime
from handlers import dispatch, finished
from handlers.endpoint import cpu_lane
from handlers.limits.budget import settle_budget
from tests.aws_calls import Recorded
from tests.handlers.calls import Call
from tests.handlers.lane_prices import PRICES
from tests.handlers.stored_jobs import now

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]


class FakeLambda:
    """Fake of Lambda that records invocations; ``error`` is raised in place of one."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def invoke(self, **call: Any) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        self.calls.append(call)
        return {"StatusCode": 202}

    def events(self) -> list[FunctionInvocation]:
        return [FunctionInvocation.model_validate_json(call["Payload"]) for call in self.calls]


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Invoke")


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> FakeLambda:
    monkeypatch.setenv("PREVIEW_ON", "lambda")
    monkeypatch.setenv("CPU_FUNCTION", "cpu")
    fake = FakeLambda()
    monkeypatch.setattr("cloud.clients.functions", lambda: Recorded("lambda", fake))
    return fake


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The calls of the endpoint."""
    calls: list[dict[str, Any]] = []

    class Runtime:
        def invoke_endpoint_async(self, **call: Any) -> None:
            calls.append(call)

    monkeypatch.setattr("cloud.clients.sagemaker_runtime", Runtime)
    return calls


@pytest.fixture
def deliver(context: Any, sqs_event: Any) -> Callable[..., Any]:
    def do(job: JobRecord, attempt: int = 1, *, times: int = 1, engine: str | None = "preview") -> Any:
        message = {"job_id": job.job_id, "attempt": attempt, "kind": job.kind}
        return dispatch.handler(
            sqs_event(message | ({} if engine is None else {"engine": engine}), times=times), context
        )

    return do


def test_a_preview_is_an_event_of_the_function(
    store: JobStore, job_in: JobIn, deliver: Any, functions: FakeLambda, endpoint: list[Any]
) -> None:
    job = job_in(State.QUEUED)
    assert deliver(job) == {"batchItemFailures": []}
    (call,) = functions.calls
    assert (call["FunctionName"], call["InvocationType"], endpoint) == ("cpu", "Event", [])
    (event,) = functions.events()
    assert event.inference_id == inference_id(job.job_id, 1)
    invocation = Invocation.model_validate(event.invocation)
    assert (invocation.job_id, invocation.engine, invocation.time_limit_seconds) == (job.job_id, Engine.PREVIEW, 885)
    sent = now(store, job)
    assert (sent.state, sent.lane, sent.endpoint, sent.waking_since) == (State.DISPATCHED, Lane.CPU, None, None)
    assert sent.message == cpu_lane.STARTING_MESSAGE
    assert sent.due_at is not None
    # The function's wait and time, and not the hour in which a GPU may start.
    assert sent.due_at - sent.updated_at.timestamp() == pytest.approx(300 + 885 + 60, abs=5)


def test_the_models_engine_stays_on_the_endpoint(
    store: JobStore, job_in: JobIn, deliver: Any, functions: FakeLambda, endpoint: list[Any]
) -> None:
    job = job_in(State.QUEUED, engine="models")
    deliver(job, engine="models")
    assert (len(endpoint), functions.calls) == (1, [])
    assert (now(store, job).lane, now(store, job).endpoint) == (None, "endpoint")


def test_previews_go_to_the_endpoint_where_the_deployment_says_so(
    store: JobStore, job_in: JobIn, deliver: Any, functions: FakeLambda, endpoint: list[Any], monkeypatch: Any
) -> None:
    monkeypatch.setenv("PREVIEW_ON", "endpoint")
    job = job_in(State.QUEUED)
    deliver(job)
    assert (len(endpoint), functions.calls, now(store, job).lane) == (1, [], None)


@pytest.mark.parametrize("engine", ["preview", "models"])
def test_a_message_of_an_earlier_version_goes_to_the_lane_of_the_jobs_engine(
    job_in: JobIn, deliver: Any, functions: FakeLambda, endpoint: list[Any], engine: str
) -> None:
    job = job_in(State.QUEUED, engine=engine)
    deliver(job, engine=None)
    assert (len(functions.calls), len(endpoint)) == ((1, 0) if engine == "preview" else (0, 1))


def test_a_message_names_the_engine_so_that_the_job_need_not_be_read(job_in: JobIn, queues: Any) -> None:
    job = job_in(State.QUEUED)
    JobQueue(queues.client, queues.url).send(job)
    (message,) = queues.client.receive_message(QueueUrl=queues.url)["Messages"]
    assert DispatchMessage.model_validate_json(message["Body"]).engine is Engine.PREVIEW


def test_a_large_invocation_is_stored_for_the_function(
    job_in: JobIn, deliver: Any, functions: FakeLambda, endpoint: list[Any], bucket: S3Client
) -> None:
    job = job_in(State.QUEUED, params={"style": "boho", "notes": "x" * MAX_INLINE_BYTES})
    deliver(job)
    (event,) = functions.events()
    key = f"invocations/{job.job_id}/1.json"
    assert (event.invocation, event.input_location) == (None, f"s3://bucket/{key}")
    stored = bucket.get_object(Bucket="bucket", Key=key)["Body"].read()
    assert Invocation.model_validate_json(stored).job_id == job.job_id


def test_a_duplicate_message_is_one_event(job_in: JobIn, deliver: Any, functions: FakeLambda, endpoint: Any) -> None:
    job = job_in(State.QUEUED)
    for _ in range(2):
        deliver(job)
    assert len(functions.calls) == 1
    deliver(job, times=2)  # the process may have died between its write and its call
    assert [event.inference_id for event in functions.events()] == [inference_id(job.job_id, 1)] * 2


@pytest.mark.parametrize(
    "failure", [error("TooManyRequestsException"), EndpointConnectionError(endpoint_url="https://lambda")]
)
def test_a_function_that_cannot_be_reached_fails_the_job_after_all_attempts(
    store: JobStore, job_in: JobIn, deliver: Any, functions: FakeLambda, endpoint: Any, queues: Any, failure: Exception
) -> None:
    functions.error = failure
    job = job_in(State.QUEUED)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        deliver(job, attempt)
        assert queues.sent() == ([(job.job_id, attempt + 1)] if attempt < MAX_ATTEMPTS else [])
    end = now(store, job)
    assert end.error is not None
    assert (end.state, end.error.code, end.cost_usd) == (State.FAILED, "endpoint_unavailable", None)
    assert queues.dead_letters() == [job.job_id]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ResourceNotFoundException", cpu_lane.ABSENT_FUNCTION_MESSAGE),
        ("ResourceConflictException", cpu_lane.INACTIVE_FUNCTION_MESSAGE),
    ],
)
def test_a_job_waits_for_a_function_that_is_deployed_or_prepared(
    store: JobStore,
    job_in: JobIn,
    deliver: Any,
    functions: FakeLambda,
    endpoint: Any,
    queues: Any,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    message: str,
) -> None:
    for name in ("ABSENT_FUNCTION_DELAY_SECONDS", "INACTIVE_FUNCTION_DELAY_SECONDS"):
        monkeypatch.setattr(cpu_lane, name, 0)
    functions.error = error(code)
    job = job_in(State.QUEUED)
    for _ in range(2 * MAX_ATTEMPTS):
        deliver(job)
        assert queues.sent() == [(job.job_id, 1)]
    waiting = now(store, job)
    assert (waiting.state, waiting.attempt, waiting.message) == (State.QUEUED, 0, message)
    functions.error = None
    deliver(job)
    assert [event.inference_id for event in functions.events()] == [inference_id(job.job_id, 1, 2 * MAX_ATTEMPTS)]


# The outcome, and what it costs.


def completed(job: JobRecord) -> Completed:
    result = Result(pictures=[], engine=Engine.PREVIEW)
    return Completed(
        job_id=job.job_id, attempt=1, result=result, timeline=[StageTime(stage="paint", seconds=36)], inputs={}
    )


@pytest.mark.parametrize("stored", [False, True])
def test_an_outcome_of_the_function_completes_the_job_at_the_functions_price(
    store: JobStore, job_in: JobIn, context: Any, bucket: S3Client, stored: bool
) -> None:
    job = job_in(State.RUNNING)
    body = completed(job).model_dump_json().encode()
    location = "s3://bucket/outcomes/x.out" if stored else None
    if stored:
        bucket.put_object(Bucket="bucket", Key="outcomes/x.out", Body=body)
    message = outcome_notice(inference_id(job.job_id, 1), outcome=None if stored else body, location=location)
    for _ in range(2):
        finished.handler({"Records": [{"Sns": {"Message": message}}]}, context)
    end = now(store, job)
    assert (end.state, end.cost_usd) == (State.COMPLETED, pytest.approx(0.141 / 100))


@pytest.mark.parametrize(("lane", "usd"), [(Lane.CPU, 0.141), (None, 0.7364)])
def test_a_job_cancelled_while_it_ran_pays_its_time_by_the_price_of_its_lane(
    record: Callable[..., JobRecord], ledger: Ledger, lane: Lane | None, usd: float
) -> None:
    job = record(state="cancelled", reserved_usd=0.0, lane=lane)
    job = job.model_copy(update={"started_at": job.updated_at.timestamp() - 36})
    change = settle_budget(job, PRICES)
    assert change is not None
    ledger.transact([change])
    row = ledger.get(f"budget#{job.owner}", job.created_at.date().isoformat())
    assert row is not None
    assert row["reserved_or_spent"] == pytest.approx(usd / 100 * 1e6, abs=1)


@pytest.mark.parametrize(("engine", "usd"), [("preview", 5 / 3600 * 0.141), ("models", 20 / 3600 * 0.7364)])
def test_the_budget_reserves_by_the_price_of_the_engines_lane(
    call: Call, store: JobStore, monkeypatch: pytest.MonkeyPatch, engine: str, usd: float
) -> None:
    monkeypatch.setenv("PREVIEW_ON", "lambda")
    body = {"kind": "upscale", "engine": engine, "uploads": {"photo": {"content_type": "image/jpeg"}}}
    job_id = call("POST", "/jobs", body).body["job"]["job_id"]
    job = store.get(job_id)
    assert job is not None
    assert job.reserved_usd == pytest.approx(usd, abs=1e-6)


# Videos that the function could not make in time.


def scenes(seconds: float, count: int) -> dict[str, Any]:
    scene = {"type": "image", "picture": "room", "seconds": seconds}
    return {
        "kind": "render_scenes",
        "params": {"scenes": [scene] * count},
        "uploads": {"room": {"content_type": "image/jpeg"}},
    }


def test_a_video_beyond_the_functions_time_is_refused_with_the_limit_before_any_work(
    call: Call, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREVIEW_ON", "lambda")
    problem = call("POST", "/jobs", scenes(60, 8)).problem(422, "too_long")
    assert "14:45 minutes" in problem["detail"]
    assert "up to 7:20 minutes" in problem["detail"]
    assert "may last 8:00 minutes" in problem["detail"]
    assert call("GET", "/jobs").body["jobs"] == []


def test_a_video_of_five_minutes_fits(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREVIEW_ON", "lambda")
    assert call("POST", "/jobs", scenes(60, 5)).status == 201
    talk = {"kind": "render_video", "params": {"script": "word " * 900}, "uploads": {"avatar": {"avatar": "amara"}}}
    assert call("POST", "/jobs", talk).status == 201


@pytest.mark.parametrize("changes", [{"engine": "models"}, {}])
def test_a_long_video_is_no_matter_of_the_endpoint(
    call: Call, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str]
) -> None:
    monkeypatch.setenv("PREVIEW_ON", "lambda" if changes else "endpoint")
    assert call("POST", "/jobs", scenes(60, 8) | changes).status == 201


def test_the_event_is_json_that_lambda_takes(job_in: JobIn, deliver: Any, functions: FakeLambda, endpoint: Any) -> None:
    job = job_in(State.QUEUED)
    deliver(job)
    assert set(json.loads(functions.calls[0]["Payload"])) == {"inference_id", "invocation"}
