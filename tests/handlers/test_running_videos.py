"""Running videos: an attempt that makes a video is known from its dispatch to its end."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from cloud import clients
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.invocation import Abandoned, Completed, Failed, inference_id
from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from darkroom.contract.results import Result
from handlers import dispatch, finished
from handlers.endpoint.running_videos import RunningVideoStore
from handlers.jobs.service import CANCELLED_ERROR
from tests.handlers.conftest import SOCKETS
from tests.handlers.test_finished import notice

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]
SCRIPT = {"params": {"script": "Hello."}, "uploads": {"photo": {"content_type": "image/jpeg"}}}


@pytest.fixture
def running(sockets_table: Any) -> Callable[[float], bool]:
    """Says whether a video is being made a number of seconds from now."""
    store = RunningVideoStore(SOCKETS, "endpoint", clients.dynamodb())
    return lambda seconds: store.get(time.time() + seconds).running


@pytest.fixture
def start(job_in: JobIn, sqs_event: Any, context: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., JobRecord]:
    """Dispatches a job of a kind to an endpoint, which takes it or is not there."""

    def do(kind: str = "render_video", *, reachable: bool = True) -> JobRecord:
        class Runtime:
            def invoke_endpoint_async(self, **_: Any) -> dict[str, Any]:
                if not reachable:
                    raise EndpointConnectionError(endpoint_url="https://runtime.sagemaker")
                return {}

        monkeypatch.setattr("cloud.clients.sagemaker_runtime", Runtime)
        job = job_in(State.QUEUED, kind=kind, **(SCRIPT if kind == "render_video" else {}))
        dispatch.handler(sqs_event({"job_id": job.job_id, "attempt": 1, "kind": kind}), context)
        return job

    return do


def outcomes(job: JobRecord) -> dict[str, Completed | Failed | Abandoned]:
    """Return outcomes of a job's first attempt, by the job's end."""
    error = ErrorDetail(code=ErrorCode.OUT_OF_MEMORY, message="Too large.", retryable=True)
    result = Result(pictures=[], engine=Engine.PREVIEW, seed=1)
    return {
        "completed": Completed(job_id=job.job_id, attempt=1, result=result, timeline=[]),
        "failed": Failed(job_id=job.job_id, attempt=1, error=error, timeline=[]),
        "cancelled": Abandoned(job_id=job.job_id, attempt=1),
    }


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_a_video_runs_until_its_outcome(
    start: Any, running: Any, store: JobStore, context: Any, bucket: Any, end: str
) -> None:
    job = start()
    assert running(0)
    if end == "cancelled":
        store.cancel(job.job_id, job.owner, CANCELLED_ERROR)
    bucket.put_object(Bucket="bucket", Key="outcomes/one", Body=outcomes(job)[end].model_dump_json().encode())
    for _ in range(2):
        finished.handler(notice(job.job_id, 1, key="outcomes/one"), context)
    assert not running(0)


def test_a_video_whose_outcome_is_lost_runs_until_its_deadline(start: Any, running: Any) -> None:
    start()
    assert running(3600)
    assert not running(20 * 3600)


def test_a_video_that_the_endpoint_did_not_take_does_not_run(start: Any, running: Any) -> None:
    start(reachable=False)
    assert not running(0)


def test_a_picture_is_no_running_video(start: Any, running: Any) -> None:
    start("restyle_room")
    assert not running(0)


def test_an_attempt_is_dispatched_although_its_video_cannot_be_protected(
    start: Any, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    monkeypatch.setattr(RunningVideoStore, "_set", fail)
    job = store.get(start().job_id)
    assert job is not None
    assert (job.state, inference_id(job.job_id, job.attempt)) == (State.DISPATCHED, f"{job.job_id}-1")
