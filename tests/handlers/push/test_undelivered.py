"""Push function: final states are sent reliably, and what cannot be sent delays nothing else."""

import threading
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from cloud.dynamodb.job_store import JobStore
from darkroom.contract.jobs import State
from handlers.websocket.pusher import FINAL_STATE_SECONDS
from handlers.websocket.subscriptions import Subscriptions
from tests.handlers.push.conftest import NO, NOW, JobIn, change

pytestmark = pytest.mark.usefixtures("environment")


def test_a_closed_connection_loses_its_subscription_at_the_next_change(
    job_in: JobIn, subscribe: Any, progress: Any, subscribed: Any, deliver: Any, sockets: Any
) -> None:
    job = job_in(State.RUNNING)
    subscribe(job, "closed", int(NOW) + 60)
    subscribe(job, "open")
    sockets.closed.add("closed")
    now = progress(job)
    for _ in range(2):
        assert deliver(change(now, 1)) == []
    assert subscribed(job) == ["open"]
    assert len(sockets.received("open")) == 2


def test_the_row_of_an_ended_job_is_not_changed_for_a_closed_connection(
    store: JobStore, job_in: JobIn, subscribe: Any, deliver: Any, sockets: Any
) -> None:
    """Each change of such a row would be handled as an end of the job."""
    job = job_in(State.RUNNING)
    subscribe(job, "closed")
    sockets.closed.add("closed")
    end = store.cancel(job.job_id, job.owner, NO)
    assert deliver(change(end, 1)) == []
    assert store.get(job.job_id) == end


def test_a_subscription_that_cannot_be_removed_does_not_delay_others(
    job_in: JobIn, subscribe: Any, progress: Any, deliver: Any, sockets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_in(State.RUNNING)
    for name in ("closed", "open"):
        subscribe(job, name)
    sockets.closed.add("closed")
    now = progress(job)
    throttled = ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "UpdateItem")
    monkeypatch.setattr(Subscriptions, "remove", Mock(side_effect=throttled))
    assert deliver(change(now, 1)) == []
    assert len(sockets.received("open")) == 1


def test_a_final_state_is_sent_again_after_a_transient_error(
    store: JobStore, job_in: JobIn, subscribe: Any, deliver: Any, sockets: Any
) -> None:
    job = job_in(State.RUNNING)
    subscribe(job, "one")
    sockets.broken["one"] = 2
    assert deliver(change(store.cancel(job.job_id, job.owner, NO), 1)) == []
    assert [message["job"]["state"] for message in sockets.received("one")] == ["cancelled"]


def test_an_undelivered_final_state_is_retried_for_a_limited_time(
    store: JobStore, job_in: JobIn, subscribe: Any, progress: Any, deliver: Any, sockets: Any
) -> None:
    job, fine = job_in(State.RUNNING), job_in(State.RUNNING)
    subscribe(job, "broken")
    subscribe(fine, "one")
    sockets.broken["broken"] = 10**6
    end = store.cancel(job.job_id, job.owner, NO)
    assert deliver(change(progress(fine), 1), change(end, 2)) == ["102"]
    assert len(sockets.received("one")) == 1
    assert deliver(change(end, 2, at=NOW - FINAL_STATE_SECONDS)) == []


def test_a_final_state_too_large_for_a_message_is_not_retried(
    store: JobStore, job_in: JobIn, subscribe: Any, deliver: Any, sockets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_in(State.RUNNING)
    subscribe(job, "one")
    too_long = ClientError({"Error": {"Code": "PayloadTooLargeException", "Message": ""}}, "PostToConnection")
    too_long.response["ResponseMetadata"] = {"HTTPStatusCode": 413}  # type: ignore[typeddict-item] # the rest is unread
    post = Mock(side_effect=too_long)
    monkeypatch.setattr(sockets, "post_to_connection", post)
    assert deliver(change(store.cancel(job.job_id, job.owner, NO), 1)) == []
    assert post.call_count == 1


def test_an_undelivered_state_that_is_not_final_is_not_retried(
    job_in: JobIn, subscribe: Any, progress: Any, subscribed: Any, deliver: Any, sockets: Any
) -> None:
    job = job_in(State.RUNNING)
    subscribe(job, "broken")
    sockets.broken["broken"] = 1
    assert deliver(change(progress(job), 1)) == []
    assert subscribed(job) == ["broken"]
    deliver(change(progress(job), 2))
    assert len(sockets.received("broken")) == 1


def test_a_slow_connection_delays_no_other(
    job_in: JobIn, subscribe: Any, progress: Any, deliver: Any, sockets: Any
) -> None:
    job = job_in(State.RUNNING)
    for socket in ("slow", "fast"):
        subscribe(job, socket)
    post, fast_was_sent = sockets.post_to_connection, threading.Event()

    def slow_or_fast(*, ConnectionId: str, Data: bytes) -> None:  # noqa: N803 - boto3's own names
        if ConnectionId == "slow":
            assert fast_was_sent.wait(10)
        post(ConnectionId=ConnectionId, Data=Data)
        if ConnectionId == "fast":
            fast_was_sent.set()

    sockets.post_to_connection = slow_or_fast
    assert deliver(change(progress(job), 1)) == []
    assert {to for to, _ in sockets.posted} == {"slow", "fast"}


@pytest.mark.parametrize(
    "image", [{}, {"job_id": {"S": "x"}}, {"job_id": {}}, {"state": {"B": b"x"}}, {"job_id": {"N": "many"}}]
)
def test_an_invalid_stream_record_is_skipped(
    job_in: JobIn, subscribe: Any, progress: Any, deliver: Any, sockets: Any, image: dict[str, Any]
) -> None:
    job = job_in(State.RUNNING)
    subscribe(job, "one")
    job = progress(job)
    invalid = change(job, 1)
    invalid["dynamodb"]["NewImage"] = image
    assert deliver(invalid, change(job, 2)) == []
    assert len(sockets.received("one")) == 1


def test_a_removed_item_sends_nothing(job_in: JobIn, deliver: Any, sockets: Any) -> None:
    removed = change(job_in(State.QUEUED), 1)
    removed["eventName"] = "REMOVE"
    del removed["dynamodb"]["NewImage"]
    assert deliver(removed) == []
    assert sockets.posted == []


def test_a_connection_whose_token_has_expired_gets_no_job_and_is_closed(
    job_in: JobIn, subscribe: Any, progress: Any, subscribed: Any, deliver: Any, sockets: Any
) -> None:
    job, other = job_in(State.RUNNING), job_in(State.RUNNING)
    for each in (job, other):
        subscribe(each, "expired", token_expires_at=int(NOW) + 1)
    subscribe(job, "valid", token_expires_at=int(NOW) + 2)
    assert deliver(change(progress(job), 1)) == []
    (message,) = sockets.received("expired")
    assert (message["type"], message["error"]["code"]) == ("error", "unauthorized")
    assert [message["type"] for message in sockets.received("valid")] == ["job"]
    assert sockets.closed == {"expired"}
    assert subscribed(job) == ["valid"]
    assert subscribed(other) == ["expired"]
    deliver(change(progress(other), 2))
    assert subscribed(other) == []


def test_closing_is_tried_again_with_a_final_state(
    store: JobStore, job_in: JobIn, subscribe: Any, deliver: Any, sockets: Any
) -> None:
    job = job_in(State.RUNNING)
    subscribe(job, "expired", token_expires_at=1)
    sockets.broken["expired"] = 99
    end = store.cancel(job.job_id, job.owner, NO)
    assert deliver(change(end, 7)) == ["107"]
    sockets.broken["expired"] = 0
    assert deliver(change(end, 7)) == []
    assert sockets.closed == {"expired"}
