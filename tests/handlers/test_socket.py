"""WebSocket requests: answered on the socket, and limited to the owner's own jobs."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from handlers import socket
from handlers.websocket.subscriptions import Subscription, Subscriptions

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]
ME = "socket="


@pytest.fixture
def say(context: Any, sockets: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Sends a frame over the socket ``ME`` and returns what came back."""
    monkeypatch.setattr("cloud.clients.apigateway_management", lambda _url: sockets)

    def do(frame: Any = None, *, kind: str = "MESSAGE", owner: str = "owner-1") -> list[dict[str, Any]]:
        before = len(sockets.heard(ME))
        event = {
            "requestContext": {
                "routeKey": "$default" if kind == "MESSAGE" else f"${kind.lower()}",
                "eventType": kind,
                "connectionId": ME,
                "authorizer": {"principalId": owner, "owner": owner, "integrationLatency": 3},
            },
            "isBase64Encoded": False,
        }
        if frame is not None:
            event["body"] = frame if isinstance(frame, str) else json.dumps(frame)
        assert socket.handler(event, context) == {"statusCode": 200}
        heard: list[dict[str, Any]] = sockets.heard(ME)[before:]
        return heard

    return do


def watching(subscriptions: Subscriptions, job: JobRecord) -> list[str]:
    return [row.connection_id for row in subscriptions.of_job(job.job_id)]


def test_a_subscriber_sees_the_job_at_once(job_in: JobIn, say: Any, subscriptions: Subscriptions) -> None:
    job = job_in(State.QUEUED)
    (message,) = say({"action": "subscribe", "job_id": job.job_id})
    assert (message["type"], message["job"]["job_id"], message["job"]["seq"]) == ("job", job.job_id, job.seq)
    assert "owner" not in message["job"]
    assert watching(subscriptions, job) == [ME]
    say({"action": "subscribe", "job_id": job.job_id})
    assert watching(subscriptions, job) == [ME]


def test_who_knows_the_newest_is_told_that_alone(job_in: JobIn, say: Any, subscriptions: Subscriptions) -> None:
    job = job_in(State.QUEUED)
    assert say({"action": "subscribe", "job_id": job.job_id, "after_seq": job.seq}) == [
        {"type": "subscribed", "job_id": job.job_id, "seq": job.seq}
    ]
    assert watching(subscriptions, job) == [ME]
    (message,) = say({"action": "subscribe", "job_id": job.job_id, "after_seq": job.seq - 1})
    assert message["type"] == "job"


def test_a_job_that_has_ended_is_shown_and_not_watched(
    store: JobStore, job_in: JobIn, say: Any, subscriptions: Subscriptions
) -> None:
    job = job_in(State.QUEUED)
    end = store.cancel(job.job_id, job.owner, ErrorDetail(code=ErrorCode.CANCELLED, message="no"))
    assert end is not None
    (message,) = say({"action": "subscribe", "job_id": job.job_id})
    assert message["job"]["state"] == "cancelled"
    assert say({"action": "subscribe", "job_id": job.job_id, "after_seq": end.seq})[0]["type"] == "subscribed"
    assert watching(subscriptions, job) == []


def test_somebody_elses_job_is_not_there(job_in: JobIn, say: Any, subscriptions: Subscriptions) -> None:
    job = job_in(State.QUEUED)
    answers = []
    for job_id in (job.job_id, "0" * 32):
        (message,) = say({"action": "subscribe", "job_id": job_id}, owner="owner-2")
        assert (message["type"], message["job_id"], message["error"]["code"]) == ("error", job_id, "not_found")
        answers.append(message["error"])
    assert answers[0] == answers[1]
    assert watching(subscriptions, job) == []


def test_unsubscribed_is_unsubscribed_however_often(job_in: JobIn, say: Any, subscriptions: Subscriptions) -> None:
    job = job_in(State.QUEUED)
    say({"action": "subscribe", "job_id": job.job_id})
    for _ in range(2):
        assert say({"action": "unsubscribe", "job_id": job.job_id}) == [{"type": "unsubscribed", "job_id": job.job_id}]
    assert watching(subscriptions, job) == []


def test_ping_is_answered(say: Any) -> None:
    assert say({"action": "ping"}) == [{"type": "pong"}]


@pytest.mark.parametrize(
    "frame",
    [
        None,
        "",
        "hello",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        {"action": "dance"},
        {"action": "subscribe"},
        {"action": "subscribe", "job_id": "../x"},
        {"action": "subscribe", "job_id": 7},
        {"action": "subscribe", "job_id": "0" * 32, "after_seq": -1},
        {"action": "ping", "more": 1},
    ],
)
def test_what_makes_no_sense_is_told_so(say: Any, frame: Any) -> None:
    (message,) = say(frame)
    assert (message["type"], message["error"]["code"]) == ("error", "invalid_request")
    assert message["error"]["message"]


def test_the_refusal_names_the_job_it_is_about(say: Any) -> None:
    (message,) = say({"action": "subscribe", "job_id": "nonsense"})
    assert message["job_id"] == "nonsense"


def test_a_socket_that_closes_watches_nothing_any_more(say: Any, subscriptions: Subscriptions) -> None:
    jobs = [f"{number:032x}" for number in range(30)]
    assert say(kind="CONNECT") == []
    for job_id in jobs:
        subscriptions.add(Subscription(job_id=job_id, connection_id=ME, owner="owner-1"))
    for _ in range(2):
        say(kind="DISCONNECT")
    assert [subscriptions.of_job(job_id) for job_id in jobs] == [[]] * len(jobs)


def test_a_socket_that_is_gone_before_its_answer_is_forgotten(
    job_in: JobIn, say: Any, sockets: Any, subscriptions: Subscriptions
) -> None:
    job = job_in(State.QUEUED)
    sockets.closed.add(ME)
    assert say({"action": "subscribe", "job_id": job.job_id}) == []
    assert watching(subscriptions, job) == []
