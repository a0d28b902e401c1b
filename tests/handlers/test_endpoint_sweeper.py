"""Endpoint sweeper: jobs of a deleted endpoint are queued again, and a late cold start is told to those that wait."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud import clients
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.lambda_init import run_during_init
from darkroom.contract.jobs import MAX_ATTEMPTS, State
from handlers import sweep
from handlers.endpoint.cold_start import (
    CLAIM_SECONDS,
    LONG_WAIT_MESSAGE,
    LONGER_WAIT_MESSAGE,
    UNKNOWN_WAIT_MESSAGE,
    USUAL_SECONDS,
    ColdStarts,
    ColdStartStore,
)
from handlers.endpoint.endpoint_history import EndpointHistoryStore
from handlers.endpoint.endpoint_sweeper import REPLACED_MESSAGE
from tests.aws_calls import Recorded
from tests.handlers.conftest import SOCKETS
from tests.handlers.stored_jobs import now

pytestmark = pytest.mark.usefixtures("environment")
JobAt = Callable[..., JobRecord]
DEPLOYMENT, SMALL, LARGE = "darkroom-test", "darkroom-test-g4dn-xlarge", "darkroom-test-g5-xlarge"
LATER = 1e10  # not due


class SageMaker:
    """Fake control plane with the endpoints that exist."""

    def __init__(self) -> None:
        self.endpoints = {SMALL}
        self.described: list[str] = []

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, Any]:  # noqa: N803 - boto3's own name
        self.described.append(EndpointName)
        if EndpointName not in self.endpoints:
            text = f'Could not find endpoint "{EndpointName}".'
            raise ClientError({"Error": {"Code": "ValidationException", "Message": text}}, "DescribeEndpoint")
        return {"EndpointStatus": "Deleting", "ProductionVariants": [{"CurrentInstanceCount": 1}]}


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> SageMaker:
    fake = SageMaker()
    monkeypatch.setattr("cloud.clients.sagemaker", lambda _config: Recorded("sagemaker", fake))
    return fake


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch, sagemaker: SageMaker) -> Callable[[str], None]:
    """Deploys the core stack with the name of an endpoint."""
    monkeypatch.setenv("DEPLOYMENT", DEPLOYMENT)

    def do(endpoint: str) -> None:
        monkeypatch.setenv("ENDPOINT_NAME", endpoint)
        for made in (sweep._settings, sweep._sweeper, sweep._endpoint_sweeper):
            made.cache_clear()

    do(SMALL)
    return do


@pytest.fixture
def swept(context: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs the scheduled sweep at a time."""

    def do(now: float | None = None, *, times: int = 1) -> None:
        moment = now or time.time()
        with monkeypatch.context() as patch:
            patch.setattr("handlers.sweep.time.time", lambda: moment)
            for _ in range(times):
                sweep.handler({"source": "aws.events"}, context)

    return do


@pytest.fixture
def job_at(job_in: Any, store: JobStore) -> JobAt:
    """Makes a job whose attempt waits or runs at an endpoint."""

    def make(endpoint: str | None, *, running: bool = False, attempt: int = 1, message: str = "Waiting") -> JobRecord:
        job: JobRecord = job_in(State.QUEUED)
        for number in range(1, attempt + 1):
            dispatched = store.dispatch(job.job_id, number, due_at=LATER, message=message, endpoint=endpoint)
            assert dispatched is not None
            job = dispatched
            if number < attempt:
                store.requeue(job.job_id, number, due_at=LATER, message="again")
        return store.start(job.job_id, attempt, message="Starting") if running else job

    return make


def test_no_client_of_sagemaker_is_made_while_no_endpoint_was_replaced(
    deploy: Any, swept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its service model takes a tenth of a cold start, for a client that a sweep rarely needs."""

    def refused(_config: Any) -> SageMaker:
        raise AssertionError("a client was made")

    swept()  # the first one looks for the endpoint of a version before 0.3
    deploy(SMALL)
    sweep._sagemaker.cache_clear()
    monkeypatch.setattr("cloud.clients.sagemaker", refused)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "sweep")
    for factory in (sweep._sweeper, sweep._endpoint_sweeper):
        run_during_init(factory)
    swept(times=2)


def test_a_job_that_waited_at_a_deleted_endpoint_is_queued_again_without_losing_an_attempt(
    deploy: Any, swept: Any, sagemaker: SageMaker, job_at: JobAt, store: JobStore, queues: Any
) -> None:
    swept()
    job = job_at(SMALL, attempt=MAX_ATTEMPTS)
    deploy(LARGE)
    swept(times=2)
    assert now(store, job) == job, "its endpoint has not gone yet"
    sagemaker.endpoints = {LARGE}
    swept(times=2)
    again = now(store, job)
    assert (again.state, again.attempt, again.message) == (State.QUEUED, MAX_ATTEMPTS - 1, REPLACED_MESSAGE)
    assert queues.sent() == [(job.job_id, MAX_ATTEMPTS)]


@pytest.mark.parametrize(("attempt", "state"), [(1, State.QUEUED), (MAX_ATTEMPTS, State.FAILED)])
def test_a_job_that_ran_at_a_deleted_endpoint_has_lost_its_attempt(
    deploy: Any, swept: Any, sagemaker: SageMaker, job_at: JobAt, store: JobStore, attempt: int, state: State
) -> None:
    swept()
    job = job_at(SMALL, running=True, attempt=attempt)
    deploy(LARGE)
    sagemaker.endpoints = {LARGE}
    swept(times=2)
    end = now(store, job)
    assert (end.state, end.attempt) == (state, attempt)
    assert (end.cost_usd or 0) >= 0


def test_jobs_at_the_new_endpoint_stay_there(
    deploy: Any, swept: Any, sagemaker: SageMaker, job_at: JobAt, store: JobStore
) -> None:
    swept()
    deploy(LARGE)
    jobs = [job_at(LARGE), job_at(LARGE, running=True)]
    sagemaker.endpoints = {LARGE}
    swept(times=3)
    assert [now(store, job) for job in jobs] == jobs


def test_jobs_of_versions_before_wait_at_the_endpoint_with_the_deployments_name(
    deploy: Any, swept: Any, sagemaker: SageMaker, job_at: JobAt, store: JobStore
) -> None:
    sagemaker.endpoints = {DEPLOYMENT}
    job = job_at(None)
    swept(times=2)
    assert now(store, job) == job
    sagemaker.endpoints = {SMALL}
    swept()
    assert now(store, job).state is State.QUEUED


def test_a_deployment_that_goes_back_takes_back_what_waits_at_the_other_endpoint(
    deploy: Any, swept: Any, sagemaker: SageMaker, job_at: JobAt, store: JobStore
) -> None:
    swept(times=2)
    kept = job_at(SMALL)
    deploy(LARGE)
    swept()
    moved = job_at(LARGE)
    deploy(SMALL)
    swept(times=2)
    assert now(store, moved).state is State.QUEUED
    assert now(store, kept) == kept


def test_an_error_while_jobs_are_taken_back_is_made_up_by_the_next_sweep(
    deploy: Any, swept: Any, sagemaker: SageMaker, job_at: JobAt, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept()
    jobs = [job_at(SMALL) for _ in range(3)]
    deploy(LARGE)
    sagemaker.endpoints = {LARGE}
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="table"):
        patch.setattr(JobStore, "defer", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("table")))
        swept(times=2)
    swept()
    assert {now(store, job).state for job in jobs} == {State.QUEUED}


def test_without_a_former_endpoint_nothing_is_described(deploy: Any, swept: Any, sagemaker: SageMaker) -> None:
    swept()
    sagemaker.described.clear()
    swept(times=3)
    assert sagemaker.described == []
    history = EndpointHistoryStore(SOCKETS, DEPLOYMENT, clients.dynamodb()).get()
    assert (history.current, history.former) == (SMALL, ())


@pytest.mark.parametrize(
    ("measured", "usual", "said"),
    [((240.0, 300.0, 1800.0), 300.0, LONGER_WAIT_MESSAGE), ((), USUAL_SECONDS, LONG_WAIT_MESSAGE)],
)
def test_jobs_that_wait_longer_than_the_cold_starts_before_are_told(
    deploy: Any,
    swept: Any,
    job_at: JobAt,
    store: JobStore,
    measured: tuple[float, ...],
    usual: float,
    said: str,
) -> None:
    since = time.time()
    cold_starts = ColdStartStore(SOCKETS, SMALL, clients.dynamodb())
    assert cold_starts.claim(ColdStarts(seconds=measured), since)
    waiting = [job_at(SMALL, message=UNKNOWN_WAIT_MESSAGE) for _ in range(2)]
    others = [job_at(SMALL, message="Waiting for a machine"), job_at(SMALL, running=True)]
    swept(since + usual - 1)
    assert [now(store, job) for job in waiting] == waiting
    swept(since + usual + 1, times=2)
    assert [(now(store, job).message, now(store, job).seq) for job in waiting] == [
        (said, job.seq + 1) for job in waiting
    ]
    assert [now(store, job) for job in others] == others


def test_without_a_cold_start_no_wait_is_late(deploy: Any, swept: Any, job_at: JobAt, store: JobStore) -> None:
    job = job_at(SMALL, message=UNKNOWN_WAIT_MESSAGE)
    swept(time.time() + CLAIM_SECONDS)
    assert now(store, job) == job
