"""WebSocket subscriptions: answered on their connection, and limited to the owner's jobs."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from cloud import clients
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.s3.presigner import Presigner
from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from darkroom.contract.results import Picture, PreviewPicture, Result
from handlers.websocket.subscriptions import MAX_SUBSCRIPTIONS, SUBSCRIPTION_ATTRIBUTES, Subscription, Subscriptions
from tests.handlers.large_jobs import presign, scenes_job
from tests.handlers.socket.conftest import CONNECTION, JobIn
from tests.handlers.stored_jobs import PHOTO

pytestmark = pytest.mark.usefixtures("environment")


def test_subscribing_sends_a_snapshot_of_the_job(job_in: JobIn, send: Any, subscribed: Any) -> None:
    job = job_in(State.QUEUED)
    (message,) = send({"action": "subscribe", "job_id": job.job_id})
    assert (message["type"], message["job"]["job_id"], message["job"]["seq"]) == ("job", job.job_id, job.seq)
    assert "owner" not in message["job"]
    assert subscribed(job) == [Subscription(CONNECTION)]
    send({"action": "subscribe", "job_id": job.job_id})
    assert subscribed(job) == [Subscription(CONNECTION)]


def test_subscribing_and_reconnecting_take_one_call_to_the_table(
    job_in: JobIn, send: Any, aws_calls: list[str]
) -> None:
    job = job_in(State.QUEUED)
    aws_calls.clear()
    send({"action": "subscribe", "job_id": job.job_id})
    send({"action": "subscribe", "job_id": job.job_id, "after_seq": job.seq})
    assert aws_calls == ["UpdateItem"] * 2
    send(kind="DISCONNECT")
    assert aws_calls == ["UpdateItem"] * 2


def test_subscribing_with_the_newest_seq_sends_no_snapshot(job_in: JobIn, send: Any, subscribed: Any) -> None:
    job = job_in(State.QUEUED)
    assert send({"action": "subscribe", "job_id": job.job_id, "after_seq": job.seq}) == [
        {"type": "subscribed", "job_id": job.job_id, "seq": job.seq}
    ]
    assert subscribed(job) == [Subscription(CONNECTION)]
    (message,) = send({"action": "subscribe", "job_id": job.job_id, "after_seq": job.seq - 1})
    assert message["type"] == "job"


def test_subscribing_to_an_ended_job_sends_a_snapshot_and_stores_no_subscription(
    store: JobStore, job_in: JobIn, send: Any, subscribed: Any
) -> None:
    job = job_in(State.QUEUED)
    end = store.cancel(job.job_id, job.owner, ErrorDetail(code=ErrorCode.CANCELLED, message="no"))
    assert end is not None
    (message,) = send({"action": "subscribe", "job_id": job.job_id})
    assert message["job"]["state"] == "cancelled"
    assert send({"action": "subscribe", "job_id": job.job_id, "after_seq": end.seq})[0]["type"] == "subscribed"
    assert subscribed(job) == []


def test_a_snapshot_has_links_to_every_file_of_the_job(
    record: Callable[..., JobRecord], store: JobStore, send: Any
) -> None:
    picture = Picture(
        name="result", key="results/x/result.jpg", content_type="image/jpeg", width=4, height=3, size=9, sha256="0" * 64
    )
    job = store.create(
        record(
            state="completed",
            copied_from={"photo": "assets/y"},
            preview=PreviewPicture(key="previews/x/1-1.jpg", width=4, height=3),
            result=Result(pictures=[picture], engine=Engine.PREVIEW),
            due_at=None,
        )
    )
    (message,) = send({"action": "subscribe", "job_id": job.job_id})
    found = message["job"]
    urls = [found["preview"]["url"], found["uploads"]["photo"]["url"], found["result"]["pictures"][0]["url"]]
    host = "https://bucket.s3.us-east-1.amazonaws.com"
    paths = [url.partition("?")[0].removeprefix(host) for url in urls]
    assert paths == ["/previews/x/1-1.jpg", "/assets/y", "/results/x/result.jpg"]


def test_subscribing_to_a_job_of_another_owner_is_not_found(job_in: JobIn, send: Any, subscribed: Any) -> None:
    job = job_in(State.QUEUED)
    answers = []
    for job_id in (job.job_id, "0" * 32):
        (message,) = send({"action": "subscribe", "job_id": job_id}, owner="owner-2")
        assert (message["type"], message["job_id"], message["error"]["code"]) == ("error", job_id, "not_found")
        answers.append(message["error"])
    assert answers[0] == answers[1]
    assert subscribed(job) == []


def test_unsubscribing_is_idempotent(job_in: JobIn, send: Any, subscribed: Any) -> None:
    job = job_in(State.QUEUED)
    send({"action": "subscribe", "job_id": job.job_id})
    for _ in range(2):
        assert send({"action": "unsubscribe", "job_id": job.job_id}) == [{"type": "unsubscribed", "job_id": job.job_id}]
    assert subscribed(job) == []


def test_the_snapshot_of_a_long_job_leaves_out_the_links_of_its_inputs(
    store: JobStore, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Presigner, "get", lambda _presigner, key: presign(key))
    job = store.create(scenes_job("Words."))
    (message,) = send({"action": "subscribe", "job_id": job.job_id})
    assert message["omitted"] == ["uploads.url"]
    assert message["job"]["state"] == "completed"
    assert all(upload["url"] is None for upload in message["job"]["uploads"].values())
    assert all(picture["url"] for picture in message["job"]["result"]["pictures"])


def test_connecting_and_disconnecting_are_not_answered(send: Any) -> None:
    """Functions of 0.2 had these routes, which send events until the new ones are deployed."""
    for kind in ("CONNECT", "DISCONNECT"):
        assert send(kind=kind) == []


def test_a_connection_closed_before_the_reply_is_no_error(job_in: JobIn, send: Any, sockets: Any) -> None:
    job = job_in(State.QUEUED)
    sockets.closed.add(CONNECTION)
    assert send({"action": "subscribe", "job_id": job.job_id}) == []


def test_a_job_has_a_limited_number_of_subscriptions(
    job_in: JobIn, send: Any, subscribed: Any, subscriptions: Subscriptions
) -> None:
    job = job_in(State.QUEUED)
    for number in range(MAX_SUBSCRIPTIONS - 1):
        subscriptions.add(job.job_id, job.owner, Subscription(f"other-{number}="))
    request = {"action": "subscribe", "job_id": job.job_id}
    for _ in range(2):  # the last one may be renewed
        assert send(request)[0]["type"] == "job"
    subscriptions.remove(job.job_id, CONNECTION)
    subscriptions.add(job.job_id, job.owner, Subscription("quicker="))
    (message,) = send(request)
    assert (message["type"], message["error"]["code"], message["job_id"]) == ("error", "conflict", job.job_id)
    assert str(MAX_SUBSCRIPTIONS) in message["error"]["message"]
    assert len(subscribed(job)) == MAX_SUBSCRIPTIONS
    send({"action": "unsubscribe", "job_id": job.job_id})  # of the others, none
    assert len(subscribed(job)) == MAX_SUBSCRIPTIONS
    subscriptions.remove(job.job_id, "quicker=")
    assert send(request)[0]["type"] == "job"


def test_a_new_subscription_takes_the_place_of_one_whose_token_has_expired(
    job_in: JobIn, subscriptions: Subscriptions, subscribed: Any
) -> None:
    job = job_in(State.DISPATCHED)
    for number in range(MAX_SUBSCRIPTIONS):
        subscriptions.add(job.job_id, job.owner, Subscription(f"closed-{number}", 1))
    living = Subscription("living", int(time.time()) + 3600)
    assert subscriptions.add(job.job_id, job.owner, living).job_id == job.job_id
    assert subscribed(job) == [living]


def test_two_first_subscriptions_to_an_old_row_at_once_are_both_stored(
    job_in: JobIn, subscriptions: Subscriptions, subscribed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_in(State.RUNNING)
    key = {"job_id": {"S": job.job_id}}
    clients.dynamodb().update_item(TableName="jobs", Key=key, UpdateExpression="REMOVE subscribers")
    update = Subscriptions._update
    others = [Subscription("other")]

    def update_after_the_other(self: Subscriptions, job_id: str, expression: str, *arguments: Any, **more: Any) -> Any:
        if expression.startswith("SET subscribers = ") and others:
            self.add(job_id, job.owner, others.pop())
        return update(self, job_id, expression, *arguments, **more)

    monkeypatch.setattr(Subscriptions, "_update", update_after_the_other)
    subscriptions.add(job.job_id, job.owner, Subscription("mine"))
    assert [each.connection_id for each in subscribed(job)] == ["mine", "other"]


def test_requests_about_subscriptions_name_only_attributes_that_functions_may_change(
    job_in: JobIn, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rights of `socket` and `push` are limited to them: any other name would be refused on AWS."""
    requests = []
    update = Subscriptions._update

    def record(self: Subscriptions, *call: Any, **more: Any) -> Any:
        requests.append(" ".join(call[1:3]).replace(".#connection", ""))
        return update(self, *call, **more)

    monkeypatch.setattr(Subscriptions, "_update", record)
    job = job_in(State.QUEUED)
    for action in ("subscribe", "unsubscribe"):
        send({"action": action, "job_id": job.job_id})
    named = {name for request in requests for name in re.findall(r"(?<![:\w])[a-z_]+\b(?!\()", request)}
    assert len(requests) == 2
    assert named == set(SUBSCRIPTION_ATTRIBUTES) - {"job_id"}


def test_a_job_from_before_the_subscriptions_were_in_its_row_can_be_subscribed_to(
    job_in: JobIn, send: Any, subscribed: Any, subscriptions: Subscriptions
) -> None:
    job = job_in(State.QUEUED)
    clients.dynamodb().update_item(
        TableName="jobs", Key={"job_id": {"S": job.job_id}}, UpdateExpression="REMOVE subscribers"
    )
    request = {"action": "subscribe", "job_id": job.job_id}
    assert send(request, owner="owner-2")[0]["error"]["code"] == "not_found"
    for _ in range(2):
        assert send(request)[0]["type"] == "job"
    subscriptions.add(job.job_id, job.owner, Subscription("other="))
    assert subscribed(job) == [Subscription("other="), Subscription(CONNECTION)]


def test_containers_of_0_1_0_can_read_a_row_with_subscribers(job_in: JobIn, send: Any) -> None:
    """They read every attribute of a row, and fail at types that JSON does not have, such as sets."""
    job = job_in(State.QUEUED)
    send({"action": "subscribe", "job_id": job.job_id})
    item = clients.dynamodb().get_item(TableName="jobs", Key={"job_id": {"S": job.job_id}})["Item"]
    assert {kind for value in item.values() for kind in value} <= {"S", "N", "BOOL", "NULL", "M", "L"}


def test_changes_of_a_job_keep_its_subscribers(store: JobStore, job_in: JobIn, send: Any, subscribed: Any) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    send({"action": "subscribe", "job_id": job.job_id})
    store.receive_single_upload(job.job_id, "photo", PHOTO, due_at=0.0)
    store.dispatch(job.job_id, 1, due_at=0.0)
    store.start(job.job_id, 1, message="Loading")
    store.requeue(job.job_id, 1, due_at=0.0, message="again")
    assert subscribed(job) == [Subscription(CONNECTION)]


@pytest.mark.parametrize("action", ["subscribe", "unsubscribe", "ping", "dance"])
def test_an_expired_token_closes_the_connection_and_serves_nothing(
    job_in: JobIn, send: Any, sockets: Any, action: str
) -> None:
    job = job_in(State.QUEUED)
    send({"action": "subscribe", "job_id": job.job_id}, expires_at=str(int(time.time()) + 60))
    (message,) = send({"action": action, "job_id": job.job_id}, expires_at=str(int(time.time())))
    assert (message["type"], message["error"]["code"], message["job_id"]) == ("error", "unauthorized", None)
    assert sockets.closed == {CONNECTION}
    assert send({"action": action}, expires_at="1") == []


def test_a_subscription_keeps_the_end_of_its_token(job_in: JobIn, send: Any, subscribed: Any) -> None:
    job = job_in(State.QUEUED)
    expires_at = int(time.time()) + 60
    send({"action": "subscribe", "job_id": job.job_id}, expires_at=str(expires_at))
    assert subscribed(job) == [Subscription(CONNECTION, expires_at)]
    send({"action": "unsubscribe", "job_id": job.job_id}, expires_at=f"{expires_at}.0")
    assert subscribed(job) == []
