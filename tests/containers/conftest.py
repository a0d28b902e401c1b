"""Fixtures of the container tests: a bucket and a jobs table (moto's), and jobs in them."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from cloud import clients
from cloud.dynamodb.job_store import JobRecord, JobStore
from cloud.invocation import Invocation
from containers.gpu.server import InvocationRunner, make_app
from containers.worker.plan_preparer import PlanPreparer, create_network_provider
from containers.worker.settings import Settings
from containers.worker.storage import Storage
from containers.worker.worker import Worker
from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State, UploadStatus
from darkroom.contract.kinds import Kind
from pipeline.core.runner import Runner
from pipeline.core.stages import Plan
from tests.fake_aws import fake_aws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

JOB = "a" * 32
BUCKET = "pictures"
Container = Callable[[Plan | Exception], httpx2.AsyncClient]
PARAMS = {"style": "modern", "seed": 7}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator["S3Client"]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    with fake_aws():
        client = clients.s3()
        client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key=f"uploads/{JOB}/photo", Body=b"a photo")
        yield client


@pytest.fixture
def store(s3: "S3Client") -> JobStore:
    clients.dynamodb().create_table(
        TableName="jobs",
        KeySchema=[{"AttributeName": "job_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "job_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    store = JobStore("jobs")
    store.create(record())
    return store


def record(**changes: Any) -> JobRecord:
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "job_id": JOB,
        "kind": Kind.RESTYLE_ROOM,
        "state": State.DISPATCHED,
        "seq": 3,
        "attempt": 1,
        "engine": Engine.PREVIEW,
        "params": PARAMS,
        "uploads": {"photo": UploadStatus(content_type="image/jpeg", received=True)},
        "created_at": now,
        "updated_at": now,
        "owner": "ann",
        "request_digest": "0" * 64,
        "due_at": now.timestamp() + 900,
        "expires_at": int(now.timestamp()) + 10**6,
    }
    return JobRecord(**(values | changes))


def invocation(**changes: Any) -> Invocation:
    values: dict[str, Any] = {
        "job_id": JOB,
        "attempt": 1,
        "kind": Kind.RESTYLE_ROOM,
        "engine": Engine.PREVIEW,
        "params": PARAMS,
        "uploads": {"photo": f"uploads/{JOB}/photo"},
        "deadline": datetime.now(UTC) + timedelta(minutes=10),
    }
    return Invocation(**(values | changes))


async def invoke(client: httpx2.AsyncClient, **changes: Any) -> dict[str, Any]:
    """The outcome of one invocation of the container behind ``client``."""
    answer = await client.post("/invocations", content=invocation(**changes).model_dump_json())
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def cancel(store: JobStore) -> None:
    """Reporter that cancels the job after a number of reports."""
    assert store.cancel(JOB, "ann", ErrorDetail(code=ErrorCode.CANCELLED, message="Cancelled.")) is not None


@pytest.fixture
async def container(store: JobStore, s3: "S3Client") -> AsyncIterator[Container]:
    clients: list[httpx2.AsyncClient] = []

    def make(plan: Plan | Exception) -> httpx2.AsyncClient:
        def plan_for(_kind: Kind, _engine: Engine, _allow_preview: bool) -> Plan:
            if isinstance(plan, Exception):
                raise plan
            return plan

        settings = Settings(jobs_table="jobs", ledger_table="ledger", bucket=BUCKET, heartbeat_seconds=0.02)
        engines = PlanPreparer(plan_for, partial(create_network_provider, settings))
        worker = Worker(settings, store, Storage(BUCKET, s3), Runner(), engines)
        invocations = InvocationRunner(worker, settings.concurrency)
        transport = httpx2.ASGITransport(make_app(invocations))
        client = httpx2.AsyncClient(transport=transport, base_url="http://container")
        client.invocations = invocations  # type: ignore[attr-defined]  # for the tests that drain
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()
