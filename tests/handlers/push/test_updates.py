"""Push function: subscribers receive the newest state of their jobs."""

from collections.abc import Callable
from typing import Any

import pytest

from cloud import clients
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.s3.presigner import Presigner
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import State
from darkroom.contract.results import Picture, PreviewPicture, Result
from handlers.websocket.subscriptions import Subscriptions
from tests.handlers.large_jobs import presign, scenes_job
from tests.handlers.push.conftest import NO, JobIn, change

pytestmark = pytest.mark.usefixtures("environment")


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
