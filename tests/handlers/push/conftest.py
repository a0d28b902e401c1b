"""Fixtures of the push function's tests."""

from collections.abc import Callable
from typing import Any

import pytest

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from darkroom.contract.errors import ErrorCode, ErrorDetail
from handlers import push
from handlers.websocket.subscriptions import Subscription, Subscriptions

JobIn = Callable[..., JobRecord]
NO = ErrorDetail(code=ErrorCode.CANCELLED, message="no")
NOW = 1767225600.0


def change(job: JobRecord | None, number: int, at: float = NOW) -> dict[str, Any]:
    """A stream record of the jobs table (NEW_IMAGE)."""
    assert job is not None
    return {
        "eventID": str(number),
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "ApproximateCreationDateTime": at,
            "Keys": {"job_id": {"S": job.job_id}},
            "NewImage": job.to_item(),
            "SequenceNumber": str(100 + number),
            "StreamViewType": "NEW_IMAGE",
        },
    }


@pytest.fixture
def deliver(context: Any, sockets: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Delivers a batch of stream records one second after their changes."""
    monkeypatch.setattr("cloud.clients.apigateway_management", lambda _url: sockets)
    monkeypatch.setattr("handlers.websocket.pusher.time.time", lambda: NOW + 1)

    def do(*changes: dict[str, Any]) -> Any:
        answer = push.handler({"Records": list(changes)}, context)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    return do


@pytest.fixture
def subscribe(subscriptions: Subscriptions) -> Callable[..., JobRecord]:
    """Subscribes a connection to a job, and returns the job as it is then."""

    def do(job: JobRecord, connection_id: str, token_expires_at: int | None = None) -> JobRecord:
        return subscriptions.add(job.job_id, job.owner, Subscription(connection_id, token_expires_at))

    return do


@pytest.fixture
def progress(store: JobStore) -> Callable[[JobRecord], JobRecord]:
    """Changes a running job, and returns it as it is then."""

    def do(job: JobRecord) -> JobRecord:
        store.report(job.job_id, 1, progress=0.5, stage="paint", message="Painting", timeline=[])
        now = store.get(job.job_id)
        assert now is not None
        return now

    return do


@pytest.fixture
def subscribed(store: JobStore) -> Callable[[JobRecord], list[str]]:
    """Returns the ids of the connections that are subscribed to a job."""

    def find(job: JobRecord) -> list[str]:
        now = store.get(job.job_id)
        assert now is not None
        return sorted(now.subscribers)

    return find
