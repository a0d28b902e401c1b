"""AWS as the functions know it, by moto: the tables, the bucket and the queues, made anew for each test."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws

from handlers.record import JobRecord
from handlers.store import JobStore

OWNER = "owner-1"
TABLE = "jobs"
SOCKETS = "sockets"
BUCKET = "bucket"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A region, credentials, and AWS inside this process."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.fixture
def store(aws: None) -> JobStore:
    """The jobs table, with the indexes that infra gives it."""
    client = boto3.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "job_id", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "job_id", "AttributeType": "S"},
            {"AttributeName": "owner", "AttributeType": "S"},
            {"AttributeName": "created_at", "AttributeType": "S"},
            {"AttributeName": "due_shard", "AttributeType": "S"},
            {"AttributeName": "due_at", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_owner",
                "KeySchema": [
                    {"AttributeName": "owner", "KeyType": "HASH"},
                    {"AttributeName": "created_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["state", "kind"]},
            },
            {
                "IndexName": "due",
                "KeySchema": [
                    {"AttributeName": "due_shard", "KeyType": "HASH"},
                    {"AttributeName": "due_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
        ],
    )
    return JobStore(TABLE, client)


def _record(**changes: Any) -> JobRecord:
    """A restyling that waits for its photo, with anything else you say."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "job_id": uuid4().hex,
        "kind": "restyle_room",
        "state": "awaiting_upload",
        "seq": 1,
        "params": {"style": "scandinavian", "strength": 0.75, "seed": 42},
        "uploads": {"photo": {"content_type": "image/jpeg"}},
        "created_at": now,
        "updated_at": now,
        "owner": OWNER,
        "request_digest": "0" * 64,
        "due_at": now.timestamp() + 900,
        "expires_at": int(now.timestamp()) + 30 * 86400,
    }
    return JobRecord.model_validate(values | changes)


@pytest.fixture
def record() -> Callable[..., JobRecord]:
    """A maker of jobs that wait for their photo, with anything else you say."""
    return _record
