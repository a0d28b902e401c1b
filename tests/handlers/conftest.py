"""Fixtures of the handler tests: AWS by moto, with new tables, bucket and queues for each test."""

import importlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from botocore.client import BaseClient
from mypy_boto3_s3 import S3Client

from cloud import clients
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import InspectedUpload, JobStore
from cloud.dynamodb.ledger import Ledger
from darkroom.contract.jobs import State
from handlers import api
from handlers.websocket.subscriptions import Subscriptions
from infra.names import FUNCTIONS
from tests.aws_calls import attributed
from tests.fake_aws import fake_aws
from tests.handlers.atomic import Atomic
from tests.handlers.calls import Answer, Call, request
from tests.handlers.job_driver import JobDriver
from tests.handlers.queues import Queues
from tests.handlers.sockets import FakeSockets
from tests.handlers.tables import create_table, global_index
from tests.handlers.uploads import Upload

JOBS, SOCKETS, LEDGER, ASSETS, BUCKET = "jobs", "sockets", "ledger", "assets", "bucket"
PHOTO = InspectedUpload("image/jpeg", 640, 480, 1234)
MakeRecord = Callable[..., JobRecord]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sets region and credentials, and runs AWS in this process. Calls of a handler are recorded as its function's."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    for name in (*FUNCTIONS, "guard"):
        module = importlib.import_module(f"handlers.{name}")
        monkeypatch.setattr(module, "handler", attributed(name, module.handler))
    with fake_aws():
        yield


@pytest.fixture
def store(aws: None) -> JobStore:
    """The jobs table, with the smallest projections of its indexes."""
    indexes = [
        global_index("by_owner", "owner", "created_at", "INCLUDE", "state", "kind"),
        global_index("due", "due_shard", "due_at", "INCLUDE", "state", "kind"),
    ]
    return JobStore(JOBS, create_table(JOBS, "job_id", numbers="due_at", indexes=indexes))


@pytest.fixture
def subscriptions(store: JobStore) -> Subscriptions:
    """The subscriptions in the jobs table."""
    return Subscriptions(JOBS, clients.dynamodb())


@pytest.fixture
def sockets_table(aws: None) -> str:
    """Creates the sockets table and returns its name."""
    indexes = [
        global_index("by_connection", "connection_id", None, "KEYS_ONLY"),
        global_index("due", "due_shard", "due_at", "KEYS_ONLY"),
    ]
    create_table(SOCKETS, "pk", "sk", numbers="due_at", indexes=indexes)
    return SOCKETS


@pytest.fixture
def ledger(aws: None) -> Ledger:
    """The ledger's table."""
    return Ledger(LEDGER, create_table(LEDGER, "pk", "sk"))


@pytest.fixture
def assets_table(aws: None) -> str:
    """Creates the assets table and returns its name."""
    create_table(ASSETS, "asset_id", indexes=[global_index("by_owner", "owner", "created_at", "ALL")])
    return ASSETS


@pytest.fixture
def bucket(aws: None) -> S3Client:
    """Creates the bucket and returns a client of S3."""
    client = clients.s3()
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def atomic(aws: None) -> Atomic:
    """Serialized DynamoDB, for tests with threads."""
    return Atomic()


@pytest.fixture
def queues(aws: None) -> Queues:
    """Creates the jobs queue and the dead-letter queue."""
    client = clients.sqs()
    urls = [client.create_queue(QueueName=name)["QueueUrl"] for name in ("queue", "dead")]
    return Queues(client, *urls)


@pytest.fixture
def environment(
    monkeypatch: pytest.MonkeyPatch,
    store: JobStore,
    sockets_table: str,
    ledger: Ledger,
    assets_table: str,
    bucket: S3Client,
    queues: Queues,
) -> None:
    """Sets the environment of every function, and clears the cached factories that read it."""
    values = {
        "JOBS_TABLE": JOBS,
        "SOCKETS_TABLE": sockets_table,
        "LEDGER_TABLE": LEDGER,
        "ASSETS_TABLE": assets_table,
        "EVENT_BUS": "bus",
        "BUCKET": BUCKET,
        "QUEUE_URL": queues.url,
        "DEAD_LETTER_QUEUE_URL": queues.dead_letter_url,
        "RETRY_DELAY_SECONDS": "0",
        "ENDPOINT_NAME": "endpoint",
        "DEPLOYMENT": "endpoint",
        "DEFAULT_ENGINE": "preview",
        "PREVIEW_ON": "endpoint",  # tests of the cpu lane set it to lambda
        "ISSUER": "https://issuer.example",
        "CLIENT_ID": "app",
        "JWKS_URL": "https://issuer.example/keys",
        "SOCKET_URL": "wss://socket.example",
        "CALLBACK_URL": "https://socket.example",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    for module in (
        "http_api.dependencies",
        "authorize",
        "dispatch",
        "ended",
        "finished",
        "push",
        "socket",
        "sweep",
        "uploaded",
    ):
        for member in vars(importlib.import_module(f"handlers.{module}")).values():
            if hasattr(member, "cache_clear") and getattr(member, "__module__", "").startswith(("handlers.", "cloud.")):
                member.cache_clear()


@pytest.fixture
def call(context: Any) -> Call:
    """Calls the HTTP API with method, path, body and other arguments of ``request``."""
    return lambda *args, **options: Answer(api.handler(request(*args, **options), context))


@pytest.fixture
def context() -> Any:
    """The Lambda context of an invocation."""
    return SimpleNamespace(
        function_name="function",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:function",
        aws_request_id=str(uuid4()),
    )


def _record(**changes: Any) -> JobRecord:
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "job_id": uuid4().hex,
        "kind": "restyle_room",
        "state": "awaiting_upload",
        "seq": 1,
        "engine": "preview",
        "params": {"style": "scandinavian", "strength": 0.75, "seed": 42},
        "uploads": {"photo": {"content_type": "image/jpeg"}},
        "created_at": now,
        "updated_at": now,
        "owner": "owner-1",
        "request_digest": "0" * 64,
        "due_at": now.timestamp() + 900,
        "expires_at": int(now.timestamp()) + 30 * 86400,
    }
    return JobRecord.model_validate(values | changes)


@pytest.fixture
def record() -> MakeRecord:
    """Makes a job that awaits its photo, with other values."""
    return _record


@pytest.fixture
def job_in(store: JobStore) -> Callable[..., JobRecord]:
    """Makes a job and moves it to a state through the states before; ``attempt`` is its attempt."""

    def move_to(state: State, *, attempt: int = 1, **changes: Any) -> JobRecord:
        job = store.create(_record(**changes))
        steps: list[Callable[[], JobRecord | None]] = []
        if state is not State.AWAITING_UPLOAD:
            steps.append(lambda: store.receive_single_upload(job.job_id, "photo", PHOTO, due_at=0.0)[0])
        if state in (State.DISPATCHED, State.RUNNING):
            for number in range(1, attempt + 1):
                steps.append(lambda number=number: store.dispatch(job.job_id, number, due_at=0.0))  # type: ignore[misc]
                if number < attempt:
                    steps.append(lambda number=number: store.requeue(job.job_id, number, due_at=0.0, message="again"))  # type: ignore[misc]
        for step in steps:
            assert step() is not None
        if state is State.RUNNING:
            store.start(job.job_id, attempt, message="Loading")
        now = store.get(job.job_id)
        assert now is not None
        assert now.state is state
        return now

    return move_to


@pytest.fixture
def sockets() -> Any:
    """Fake WebSocket connections, all open."""
    return FakeSockets()


@pytest.fixture
def sqs_event() -> Callable[..., dict[str, Any]]:
    """Makes the event of a batch of messages, ``message-0`` and so on, received for the ``times``-th time."""

    def make(*bodies: Any, times: int = 1) -> dict[str, Any]:
        return {
            "Records": [
                {
                    "messageId": f"message-{index}",
                    "receiptHandle": "handle",
                    "body": body if isinstance(body, str) else json.dumps(body),
                    "attributes": {"ApproximateReceiveCount": str(times), "SentTimestamp": "1767225600000"},
                    "messageAttributes": {},
                    "eventSource": "aws:sqs",
                    "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:queue",
                    "awsRegion": "us-east-1",
                }
                for index, body in enumerate(bodies)
            ]
        }

    return make


@pytest.fixture
def upload(bucket: S3Client, context: Any, sqs_event: Any) -> Upload:
    """Puts a file into the bucket, and delivers S3's event."""
    return Upload(bucket, context, sqs_event)


@pytest.fixture
def driver(
    environment: None, call: Call, store: JobStore, ledger: Ledger, bucket: S3Client, context: Any, upload: Upload
) -> JobDriver:
    """Drives jobs through the functions."""
    return JobDriver(call, store, ledger, bucket, context, upload)


@pytest.fixture
def aws_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that are called on AWS from now on."""
    calls: list[str] = []
    call = BaseClient._make_api_call

    def record(client: BaseClient, operation: str, *request: Any) -> Any:
        calls.append(operation)
        return call(client, operation, *request)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return calls
