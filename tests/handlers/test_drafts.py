"""Drafts: what dispatch asks of the cpu lane while the endpoint has no instance, and what a draft's failure touches."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cloud import clients
from cloud.dynamodb.draft_store import DRAFT_MESSAGE, DraftStore
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.invocation import MAX_INLINE_BYTES, DraftInvocation, Invocation
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import State
from darkroom.contract.results import PreviewPicture
from handlers import dispatch, finished, sweep
from handlers.endpoint.cold_start import LONG_WAIT_MESSAGE, UNKNOWN_WAIT_MESSAGE, USUAL_SECONDS
from handlers.endpoint.gpu_spend import GpuSpend, GpuSpendStore
from tests.aws_calls import Recorded
from tests.handlers.conftest import JOBS, SOCKETS
from tests.handlers.queues import Queues
from tests.handlers.stored_jobs import now

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]
DAY = timedelta(days=1).total_seconds()
LATE = USUAL_SECONDS + 1


class Machines:
    """Fake endpoint and function: ``instances`` of the endpoint; errors are raised in place of an invocation."""

    def __init__(self) -> None:
        self.instances = 0
        self.endpoint_error: Exception | None = None
        self.function_error: Exception | None = None
        self.events: list[dict[str, Any]] = []

    def describe_endpoint(self, **_: Any) -> dict[str, Any]:
        return {"ProductionVariants": [{"VariantName": "gpu", "CurrentInstanceCount": self.instances}]}

    def invoke_endpoint_async(self, **_: Any) -> None:
        if self.endpoint_error is not None:
            raise self.endpoint_error

    def invoke(self, **call: Any) -> None:
        assert (call["FunctionName"], call["InvocationType"]) == ("cpu", "Event")
        if self.function_error is not None:
            raise self.function_error
        self.events.append(json.loads(call["Payload"]))

    def drafts(self) -> list[Invocation]:
        return [Invocation.model_validate(DraftInvocation.model_validate(event).draft) for event in self.events]


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Machines:
    fake = Machines()
    monkeypatch.setenv("PREVIEW_ON", "lambda")
    monkeypatch.setenv("CPU_FUNCTION", "cpu")
    monkeypatch.setattr("cloud.clients.sagemaker", lambda _config: Recorded("sagemaker", fake))
    monkeypatch.setattr("cloud.clients.sagemaker_runtime", lambda: fake)
    monkeypatch.setattr("cloud.clients.functions", lambda: Recorded("lambda", fake))
    return fake


@pytest.fixture
def dispatched(machines: Machines, store: JobStore, job_in: JobIn, sqs_event: Any, context: Any) -> Any:
    """Dispatches a job, by default a new restyling by models, and returns its record."""

    def do(job: JobRecord | None = None, *, times: int = 1, attempt: int = 1, **changes: Any) -> JobRecord:
        job = job or job_in(State.QUEUED, **{"engine": "models"} | changes)
        message = {"job_id": job.job_id, "attempt": attempt, "kind": job.kind, "engine": job.engine}
        assert dispatch.handler(sqs_event(message, times=times), context) == {"batchItemFailures": []}
        return now(store, job)

    return do


def show_draft(job: JobRecord) -> None:
    draft = PreviewPicture(key=f"previews/{job.job_id}/draft-1-x.jpg", width=4, height=3, draft=True)
    assert DraftStore(JOBS, clients.dynamodb()).show(job, draft)


@pytest.mark.parametrize("kind", ["restyle_room", "inpaint", "upscale", "face_swap"])
def test_a_job_that_waits_for_a_gpu_gets_a_draft_of_what_the_gpu_is_asked_for(
    machines: Machines, dispatched: Any, kind: str
) -> None:
    job = dispatched(kind=kind)
    (draft,) = machines.drafts()
    assert (draft.job_id, draft.attempt, draft.kind, draft.engine) == (job.job_id, 1, kind, Engine.MODELS)
    assert draft.uploads == {"photo": f"uploads/{job.job_id}/photo"}
    assert draft.params
    assert (job.state, job.attempt, job.message, job.preview) == (State.DISPATCHED, 1, UNKNOWN_WAIT_MESSAGE, None)


@pytest.mark.parametrize("kind", ["generate", "find_objects", "render_video", "render_scenes"])
def test_other_kinds_have_no_drafts(machines: Machines, dispatched: Any, kind: str) -> None:
    dispatched(kind=kind)
    assert machines.events == []


def test_a_running_endpoint_needs_no_draft(machines: Machines, dispatched: Any) -> None:
    machines.instances = 1
    dispatched()
    assert machines.events == []


def test_a_job_of_the_preview_engine_has_no_draft_of_itself(machines: Machines, dispatched: Any) -> None:
    dispatched(engine="preview")
    assert [list(event) for event in machines.events] == [["inference_id", "invocation"]]


def test_there_is_no_draft_where_the_days_gpu_budget_is_spent(machines: Machines, dispatched: Any) -> None:
    now = time.time()
    spent = GpuSpend(day=int(now // DAY), usd=100, counted_until=now, instances=0, stopped=True)
    assert GpuSpendStore(SOCKETS, "endpoint", clients.dynamodb()).replace(None, spent)
    assert "budget is spent" in dispatched().message
    assert machines.events == []


@pytest.mark.parametrize(("variable", "value"), [("DRAFTS", "False"), ("PREVIEW_ON", "endpoint")])
def test_a_deployment_may_have_no_drafts(
    machines: Machines, dispatched: Any, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert dispatched().message == UNKNOWN_WAIT_MESSAGE
    assert machines.events == []


def test_an_endpoint_that_cannot_be_reached_gets_no_draft(machines: Machines, dispatched: Any) -> None:
    machines.endpoint_error = EndpointConnectionError(endpoint_url="https://runtime")
    assert dispatched().state is State.QUEUED
    assert machines.events == []


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "no"}}, "Invoke"),
        ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "Invoke"),
        EndpointConnectionError(endpoint_url="https://lambda"),
    ],
)
def test_a_job_goes_on_if_its_draft_cannot_be_requested(machines: Machines, dispatched: Any, error: Exception) -> None:
    machines.function_error = error
    job = dispatched()
    assert (job.state, job.attempt, job.message) == (State.DISPATCHED, 1, UNKNOWN_WAIT_MESSAGE)


def test_an_invocation_that_no_event_can_hold_has_no_draft(machines: Machines, dispatched: Any) -> None:
    assert dispatched(params={"style": "boho", "notes": "x" * MAX_INLINE_BYTES}).state is State.DISPATCHED
    assert machines.events == []


def test_a_message_that_comes_again_requests_no_draft_where_one_is_shown(machines: Machines, dispatched: Any) -> None:
    job = dispatched()
    show_draft(job)
    shown = dispatched(job, times=2)
    assert (len(machines.events), shown.preview.draft) == (1, True)


def test_the_next_attempt_gets_a_draft_of_its_own(machines: Machines, dispatched: Any, store: JobStore) -> None:
    job = dispatched()
    show_draft(job)
    waiting = store.requeue(job.job_id, 1, due_at=0, message="again")
    assert waiting is not None
    assert waiting.preview is None
    dispatched(waiting, attempt=2)
    assert [draft.attempt for draft in machines.drafts()] == [1, 2]


def record_of_failure(event: object) -> str:
    """Lambda's record of an event whose function failed, as in AWS's developer guide."""
    return json.dumps(
        {
            "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 1},
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": {"errorType": "Runtime.ExitError", "errorMessage": "signal: killed"},
        }
    )


@pytest.mark.parametrize("as_text", [False, True])
def test_a_draft_that_fails_touches_neither_its_job_nor_the_dead_letters(
    machines: Machines, dispatched: Any, store: JobStore, queues: Queues, context: Any, as_text: bool
) -> None:
    job = dispatched()
    event = json.dumps(machines.events[0]) if as_text else machines.events[0]
    finished.handler({"Records": [{"Sns": {"Message": record_of_failure(event)}}]}, context)
    assert now(store, job) == job
    answer = queues.client.receive_message(QueueUrl=queues.dead_letter_url)
    assert "Messages" not in answer


def test_a_late_cold_start_is_told_beside_a_draft(
    dispatched: Any, store: JobStore, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_draft, without = dispatched(), dispatched()
    show_draft(with_draft)
    later = time.time() + LATE
    monkeypatch.setattr("handlers.sweep.time", SimpleNamespace(time=lambda: later))
    sweep.handler({}, context)
    assert now(store, without).message == LONG_WAIT_MESSAGE
    assert now(store, with_draft).message == f"{DRAFT_MESSAGE}: it takes longer than usual"
