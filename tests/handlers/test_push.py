"""Push function: subscribers receive the newest state of their jobs, and final states reliably."""

import threading
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from cloud import clients
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.s3.presigner import Presigner
from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from darkroom.contract.results import Picture, PreviewPicture, Result
from handlers import push
from handlers.websocket.pusher import FINAL_STATE_SECONDS
from handlers.websocket.subscriptions import Subscription, Subscriptions
from tests.handlers.large_jobs import presign, scenes_job

pytestmark = pytest.mark.usefixtures("environment")
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


def test_every_subscriber_receives_the_public_job(
    job_in: JobIn, subscribe: Any, progress: Any, deliver: Any, sockets: Any
) -> None:
    job, other = job_in(State.RUNNING), job_in(State.RUNNING)
    for socket in ("one", "two"):
        subscribe(job, socket)
    subscribe(other, "three")
    now = progress(job)
    assert deliver(change(now, 1)) == []
    for socket in ("one", "two"):
        (message,) = sockets.received(socket)
        assert message["type"] == "job"
        assert (message["job"]["job_id"], message["job"]["state"]) == (job.job_id, "running")
        assert not {"owner", "request_digest", "subscribers", "subscribed_seq"} & message["job"].keys()
    assert sockets.received("three") == []


def test_a_change_and_an_end_are_pushed_without_a_call_to_the_table(
    job_in: JobIn, subscribe: Any, progress: Any, store: JobStore, deliver: Any, aws_calls: list[str]
) -> None:
    job = job_in(State.RUNNING)
    subscribe(job, "one")
    now = progress(job)
    end = store.cancel(job.job_id, job.owner, NO)
    aws_calls.clear()
    deliver(change(now, 1))
    deliver(change(end, 2))
    assert aws_calls == []


def test_a_change_of_the_subscribers_alone_is_sent_to_nobody(
    job_in: JobIn, subscribe: Any, subscriptions: Subscriptions, store: JobStore, deliver: Any, sockets: Any
) -> None:
    job = job_in(State.RUNNING)
    subscribe(job, "one")
    both = subscribe(job, "two")
    subscriptions.remove(job.job_id, "one")
    assert deliver(change(both, 1)) == []
    assert deliver(change(store.get(job.job_id), 2)) == []
    assert sockets.posted == []


def test_a_subscription_between_a_change_and_its_push_receives_the_change_once(
    job_in: JobIn, subscribe: Any, progress: Any, deliver: Any, sockets: Any
) -> None:
    job = job_in(State.RUNNING)
    subscribe(job, "one")
    now = progress(job)
    later = subscribe(job, "two")  # whose answer is the job as it is after the change
    assert later.seq == now.seq
    assert deliver(change(now, 1), change(later, 2)) == []
    assert {to for to, _ in sockets.posted} == {"one"}
    deliver(change(progress(job), 3))
    assert [len(sockets.received(name)) for name in ("one", "two")] == [2, 1]


def test_a_progress_write_of_an_older_container_is_pushed(
    job_in: JobIn, subscribe: Any, deliver: Any, sockets: Any, store: JobStore
) -> None:
    """A container that does not know of subscribers leaves their attributes as they are."""
    job = job_in(State.RUNNING)
    subscribe(job, "one")
    clients.dynamodb().update_item(
        TableName="jobs",
        Key={"job_id": {"S": job.job_id}},
        UpdateExpression="ADD seq :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert deliver(change(store.get(job.job_id), 1)) == []
    assert len(sockets.received("one")) == 1


def test_only_the_newest_of_several_changes_is_sent(
    store: JobStore, job_in: JobIn, subscribe: Any, deliver: Any, sockets: Any
) -> None:
    first = job_in(State.DISPATCHED)
    subscribe(first, "one")
    store.start(first.job_id, 1, message="Loading")
    second = store.get(first.job_id)
    last = store.cancel(first.job_id, first.owner, NO)
    deliver(change(first, 1), change(last, 3), change(second, 2))
    assert [message["job"]["state"] for message in sockets.received("one")] == ["cancelled"]


def test_a_final_state_has_presigned_urls(
    store: JobStore, job_in: JobIn, subscribe: Any, deliver: Any, sockets: Any
) -> None:
    job = job_in(State.RUNNING)
    subscribe(job, "one")
    picture = Picture(
        name="result", key="results/x/result.jpg", content_type="image/jpeg", width=4, height=3, size=9, sha256="0" * 64
    )
    result = Result(pictures=[picture], engine=Engine.PREVIEW)
    done = store.complete(job.job_id, 1, result=result, timeline=[], cost_usd=0)
    assert deliver(change(done, 1)) == []
    (message,) = sockets.received("one")
    assert message["job"]["result"]["pictures"][0]["url"].startswith(
        "https://bucket.s3.us-east-1.amazonaws.com/results/"
    )


def test_the_final_state_of_a_long_job_has_the_links_of_its_results_but_not_of_its_inputs(
    deliver: Any, sockets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Presigner, "get", lambda _presigner, key: presign(key))
    job = scenes_job("Words.").model_copy(update={"subscribers": {"one": None}})
    assert deliver(change(job, 1)) == []
    (message,) = sockets.received("one")
    assert message["omitted"] == ["uploads.url"]
    assert (message["job"]["state"], message["job"]["params"]) == ("completed", job.params)
    assert len(message["job"]["result"]["videos"][0]["url"]) == 1_400
    assert all(upload["url"] is None for upload in message["job"]["uploads"].values())


def test_a_job_has_links_to_its_progress_image_and_to_an_input_from_the_library(
    record: Callable[..., JobRecord], deliver: Any, sockets: Any
) -> None:
    preview = PreviewPicture(key="previews/x/1-1.jpg", width=4, height=3)
    values = {"copied_from": {"photo": "assets/y"}, "preview": preview, "subscribers": {"one": None}}
    job = record(state="running", attempt=1, **values)
    assert deliver(change(job, 1)) == []
    (message,) = sockets.received("one")
    host = "https://bucket.s3.us-east-1.amazonaws.com"
    assert message["job"]["preview"]["url"].startswith(f"{host}/previews/x/1-1.jpg?")
    assert message["job"]["uploads"]["photo"]["url"].startswith(f"{host}/assets/y?")


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
