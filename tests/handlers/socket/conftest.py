"""Fixtures of the socket function's tests."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from handlers import socket
from handlers.websocket.subscriptions import Subscription

JobIn = Callable[..., JobRecord]
CONNECTION = "socket="


@pytest.fixture
def send(context: Any, sockets: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Sends a frame over ``CONNECTION`` and returns the replies."""
    monkeypatch.setattr("cloud.clients.apigateway_management", lambda _url: sockets)

    def do(
        frame: Any = None, *, kind: str = "MESSAGE", owner: str = "owner-1", expires_at: str | None = None
    ) -> list[dict[str, Any]]:
        before = len(sockets.received(CONNECTION))
        event = {
            "requestContext": {
                "routeKey": "$default" if kind == "MESSAGE" else f"${kind.lower()}",
                "eventType": kind,
                "connectionId": CONNECTION,
                "authorizer": {"principalId": owner, "owner": owner, "integrationLatency": 3},
            },
            "isBase64Encoded": False,
        }
        if expires_at is not None:
            event["requestContext"]["authorizer"]["expires_at"] = expires_at  # type: ignore[index]
        if frame is not None:
            event["body"] = frame if isinstance(frame, str) else json.dumps(frame)
        assert socket.handler(event, context) == {"statusCode": 200}
        replies: list[dict[str, Any]] = sockets.received(CONNECTION)[before:]
        return replies

    return do


@pytest.fixture
def subscribed(store: JobStore) -> Callable[[JobRecord], list[Subscription]]:
    """Returns the subscriptions to a job."""

    def find(job: JobRecord) -> list[Subscription]:
        now = store.get(job.job_id)
        assert now is not None
        return [Subscription(*each) for each in sorted(now.subscribers.items())]

    return find
