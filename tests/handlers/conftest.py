"""Fixtures of the handler tests: AWS by moto, with new tables, bucket and queues for each test."""

import importlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws
from mypy_boto3_s3 import S3Client
from mypy_boto3_sqs import SQSClient

from cloud import clients
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import InspectedUpload, JobStore
from cloud.dynamodb.ledger import Ledger
from cloud.job_queue import JobQueue
from darkroom.contract.jobs import State
from handlers import api
from handlers.websocket.subscriptions import Subscriptions
from tests.handlers.calls import Answer, Call, request
from tests.handlers.studio import Studio
from tests.handlers.uploads import Upload

JOBS, SOCKETS, LEDGER, ASSETS, BUCKET = "jobs", "sockets", "ledger", "assets", "bucket"
PHOTO = InspectedUpload("image/jpeg", 640, 480, 1234)

MakeRecord = Callable[..., JobRecord]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A region, credentials, and AWS inside this process."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    monkeypatch.setattr(clients, "_session", lambda: MADE_ONCE)
    with mock_aws():
        yield


class _MadeOnce:
    """Makes each client once for all tests, as that takes longer than most of them: what there is of AWS behind the
    clients is moto's, new for each test."""

    def __init__(self) -> None:
        self._session = botocore.session.get_session()
        self._made: dict[object, Any] = {}

    def create_client(self, service: str, *, config: Config, endpoint_url: str | None = None) -> Any:
        environment = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
        key = (service, endpoint_url, environment, repr(sorted(vars(config).items(), key=str)))
        if key not in self._made:
            self._made[key] = self._session.create_client(service, config=config, endpoint_url=endpoint_url)
        return self._made[key]


MADE_ONCE = _MadeOnce()


def _keys(partition: str, sort: str | None) -> list[dict[str, str]]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys if sort is None else [*keys, {"AttributeName": sort, "KeyType": "RANGE"}]


def _index(name: str, partition: str, sort: str | None, projection: str, *others: str) -> dict[str, Any]:
    projected: dict[str, Any] = {"ProjectionType": projection, **({"NonKeyAttributes": others} if others else {})}
    return {"IndexName": name, "KeySchema": _keys(partition, sort), "Projection": projected}


def _table(name: str, partition: str, sort: str | None = None, *, numbers: str = "", indexes: Any = ()) -> Any:
    """Make a table whose keys are text, but for those in ``numbers``; a client of it."""
    keys = [_keys(partition, sort), *(index["KeySchema"] for index in indexes)]
    names = dict.fromkeys(key["AttributeName"] for schema in keys for key in schema)
    client: Any = clients.dynamodb()
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=keys[0],
        AttributeDefinitions=[
            {"AttributeName": each, "AttributeType": "N" if each in numbers.split() else "S"} for each in names
        ],
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    )
    return client


@pytest.fixture
def store(aws: None) -> JobStore:
    """The jobs table, with the least that its indexes must project."""
    indexes = [
        _index("by_owner", "owner", "created_at", "INCLUDE", "state", "kind"),
        _index("due", "due_shard", "due_at", "INCLUDE", "state", "kind"),
    ]
    return JobStore(JOBS, _table(JOBS, "job_id", numbers="due_at", indexes=indexes))


@pytest.fixture
def subscriptions(aws: None) -> Subscriptions:
    """The sockets table."""
    indexes = [
        _index("by_connection", "connection_id", None, "KEYS_ONLY"),
        _index("due", "due_shard", "due_at", "KEYS_ONLY"),
    ]
    return Subscriptions(SOCKETS, _table(SOCKETS, "pk", "sk", numbers="due_at", indexes=indexes))


@pytest.fixture
def ledger(aws: None) -> Ledger:
    """The ledger's table."""
    return Ledger(LEDGER, _table(LEDGER, "pk", "sk"))


@pytest.fixture
def assets_table(aws: None) -> str:
    """The name of the table of assets, which is there."""
    _table(ASSETS, "asset_id", indexes=[_index("by_owner", "owner", "created_at", "ALL")])
    return ASSETS


@pytest.fixture
def bucket(aws: None) -> S3Client:
    """A client, and the bucket behind it."""
    client = clients.s3()
    client.create_bucket(Bucket=BUCKET)
    return client


class Atomic:
    """DynamoDB makes one write at a time of those that meet at an item; moto does when its callers take turns."""

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def client(self) -> Any:
        """A client that waits for its turn."""
        return _TakingTurns(clients.dynamodb(), self._turn)


class _TakingTurns:
    def __init__(self, client: Any, turn: threading.Lock) -> None:
        self._client = client
        self._turn = turn

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def wait(**arguments: Any) -> Any:
            with self._turn:
                return operation(**arguments)

        return wait


@pytest.fixture
def atomic(aws: None) -> Atomic:
    """For tests with threads."""
    return Atomic()


@dataclass
class Queues:
    """The queue of jobs and the dead letters, and what has been sent to them."""

    client: SQSClient
    url: str
    dead_letter_url: str

    def queue(self) -> JobQueue:
        return JobQueue(self.client, self.url, self.dead_letter_url)

    def sent(self) -> list[tuple[str, int]]:
        """(job, attempt) of each message since last asked, whatever its delay."""
        return [(body["job_id"], body["attempt"]) for body in self._take(self.url)]

    def buried(self) -> list[str]:
        """The jobs reported to the operator since last asked."""
        return [body["job_id"] for body in self._take(self.dead_letter_url)]

    def _take(self, url: str) -> list[dict[str, Any]]:
        taken = []
        while messages := self.client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self.client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                taken.append(json.loads(message["Body"]))
        return taken


@pytest.fixture
def queues(aws: None) -> Queues:
    """Both queues."""
    client = clients.sqs()
    urls = [client.create_queue(QueueName=name)["QueueUrl"] for name in ("queue", "dead")]
    return Queues(client, *urls)


@pytest.fixture
def environment(
    monkeypatch: pytest.MonkeyPatch,
    store: JobStore,
    subscriptions: Subscriptions,
    ledger: Ledger,
    assets_table: str,
    bucket: S3Client,
    queues: Queues,
) -> None:
    """Everything a function reads, and functions that have not read it yet."""
    values = {
        "JOBS_TABLE": JOBS,
        "SOCKETS_TABLE": SOCKETS,
        "LEDGER_TABLE": LEDGER,
        "ASSETS_TABLE": assets_table,
        "EVENT_BUS": "bus",
        "BUCKET": BUCKET,
        "QUEUE_URL": queues.url,
        "DEAD_LETTER_QUEUE_URL": queues.dead_letter_url,
        "RETRY_DELAY_SECONDS": "0",
        "ENDPOINT_NAME": "endpoint",
        "DEFAULT_ENGINE": "preview",
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
    """Calls the REST API: method, path, body and what ``request`` takes besides."""
    return lambda *args, **options: Answer(api.handler(request(*args, **options), context))


@pytest.fixture
def context() -> Any:
    """What Lambda hands to a handler beside the event."""
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
    """Makes a job that waits for its photo, with anything else you say."""
    return _record


@pytest.fixture
def job_in(store: JobStore) -> Callable[..., JobRecord]:
    """Makes a job and brings it into a state, the way it would get there; ``attempt`` is the one it is in."""

    def bring(state: State, *, attempt: int = 1, **changes: Any) -> JobRecord:
        job = store.create(_record(**changes))
        steps: list[Callable[[], JobRecord | None]] = []
        if state is not State.AWAITING_UPLOAD:
            steps.append(lambda: store.receive_single_upload(job.job_id, "photo", PHOTO, due_at=0.0))
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

    return bring


class FakeSockets:
    """The management API of sockets: remembers what was posted; sockets can be closed or broken."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.closed: set[str] = set()
        self.broken: dict[str, int] = {}

    def post_to_connection(self, *, ConnectionId: str, Data: bytes) -> None:  # noqa: N803 - boto3's own names
        if ConnectionId in self.closed:
            raise _http_error(410, "GoneException")
        if self.broken.get(ConnectionId, 0) > 0:
            self.broken[ConnectionId] -= 1
            raise _http_error(500, "InternalServerError")
        self.posted.append((ConnectionId, json.loads(Data)))

    def heard(self, connection_id: str) -> list[dict[str, Any]]:
        """What a socket received, in order."""
        return [message for to, message in self.posted if to == connection_id]


def _http_error(status: int, code: str) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PostToConnection",
    )


@pytest.fixture
def sockets() -> Any:
    """Sockets that are all open."""
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
    """Puts a file into the bucket, and has S3 tell of it."""
    return Upload(bucket, context, sqs_event)


@pytest.fixture
def studio(
    environment: None, call: Call, store: JobStore, ledger: Ledger, bucket: S3Client, context: Any, upload: Upload
) -> Studio:
    """Makes jobs happen."""
    return Studio(call, store, ledger, bucket, context, upload)
