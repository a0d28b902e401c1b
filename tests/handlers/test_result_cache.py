"""Result cache: an identical job of the same owner runs once; nothing else matches."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud.dynamodb.ledger import Ledger
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import State
from darkroom.contract.requests import Kind
from darkroom.contract.results import HALF_SIZE_NOTE, OVERLAY_FAILED_NOTE
from handlers.jobs.result_cache import ResultCache
from handlers.limits.budget import settle_budget
from tests.handlers.studio import Studio
from tests.handlers.uploads import picture, sha256

PHOTO, OTHER = picture(colour="teal"), picture(colour="navy")


# From the request on.


def test_the_same_job_is_done_at_once(studio: Studio, queues: Any) -> None:
    first = studio.done(PHOTO)
    queues.sent()
    answer = studio.ask(PHOTO)
    job = answer.body["job"]
    assert (answer.status, answer.body["uploads"]) == (201, {})
    assert (job["state"], job["cached"], job["cost_usd"], job["progress"]) == ("completed", True, 0, 1)
    assert (job["timeline"], job["attempt"], job["seq"]) == ([], 0, 1)
    assert job["job_id"] != first.job_id
    assert answer.headers["location"] == f"/jobs/{job['job_id']}"
    (shown,) = job["result"]["pictures"]
    assert shown["key"] == f"results/{first.job_id}/result.jpg"
    assert shown["key"] in shown["url"]
    assert studio.call("GET", f"/jobs/{job['job_id']}").body["result"]["seed"] == 3
    kept = studio.now(job["job_id"])
    assert (kept.due_at, kept.reserved_usd, kept.window_ends) == (None, None, None)
    assert kept.expires_at == first.expires_at
    assert settle_budget(kept) is None
    assert queues.sent() == []


def test_a_job_done_at_once_counts_for_no_limit(studio: Studio) -> None:
    studio.done(PHOTO)
    answers = [studio.ask(PHOTO) for _ in range(8)]
    assert [answer.status for answer in answers] == [201] * 8
    assert {answer.headers["ratelimit-remaining"] for answer in answers} == {"4"}


@pytest.mark.parametrize(
    "other",
    [
        {"owner": "owner-2"},
        {"params": {"scale": 3}},
        {"params": {"format": "png"}},
        {"engine": "models"},
        {"cache": False},
        {"kind": "restyle_room", "params": {"style": "boho"}},
    ],
    ids=str,
)
def test_another_job_is_not_the_same(studio: Studio, other: dict[str, Any]) -> None:
    studio.engine(engine="models")
    studio.engine(kind="restyle_room")
    studio.done(PHOTO)
    assert studio.job(PHOTO, **other).state is State.AWAITING_UPLOAD


def test_another_picture_is_not_the_same(studio: Studio) -> None:
    studio.done(PHOTO)
    assert studio.job(OTHER).state is State.AWAITING_UPLOAD


def test_defaults_that_are_written_out_are_the_same(studio: Studio) -> None:
    studio.done(PHOTO, params={"scale": 2.0})
    assert studio.job(PHOTO, params={"scale": 2, "content": "photo"}).cached
    assert studio.job(PHOTO, engine="preview").cached


def test_a_new_engine_makes_everything_anew(studio: Studio) -> None:
    studio.done(PHOTO)
    studio.engine("engine-2")
    job = studio.job(PHOTO)
    assert job.state is State.AWAITING_UPLOAD
    studio.work(studio.upload(job, PHOTO), digest="engine-2")
    assert studio.job(PHOTO).cached


def test_a_job_without_pictures_is_known_by_its_words(studio: Studio, queues: Any) -> None:
    studio.engine(kind="generate", engine="models")
    wish = {"kind": "generate", "uploads": {}, "params": {"prompt": "a tree"}}
    first = studio.job(**wish)
    assert first.state is State.QUEUED
    assert queues.sent() == [(first.job_id, 1)]
    assert first.due_at is not None
    assert 100 < first.due_at - time.time() < 130
    studio.work(first)
    assert studio.job(**wish).cached
    assert not studio.job(**{**wish, "params": {"prompt": "two trees"}}).cached


# When the digests were not declared.


def test_the_same_picture_is_recognised_when_it_arrives(studio: Studio, queues: Any, bucket: Any) -> None:
    first = studio.done(PHOTO)
    queues.sent()
    job = studio.job()
    assert job.state is State.AWAITING_UPLOAD
    end = studio.upload(job, PHOTO, times=2)
    assert (end.state, end.cached, end.cost_usd, end.progress) == (State.COMPLETED, True, 0, 1)
    assert end.result == first.result
    assert (end.due_at, end.seq) == (None, job.seq + 2)
    assert queues.sent() == []
    bucket.head_object(Bucket="bucket", Key=f"uploads/{job.job_id}/photo")
    assert studio.upload(job, None, times=2) == end
    change = settle_budget(end)
    assert change is not None, "what was reserved is given back"
    # The first job, and nothing else.
    assert studio.ask().headers["ratelimit-remaining"] == "3"


@pytest.mark.parametrize("padding", [0, 100_000])
def test_a_picture_seen_for_the_first_time_is_worked_on(studio: Studio, queues: Any, padding: int) -> None:
    studio.done(PHOTO)
    queues.sent()
    data = OTHER + bytes(padding)
    job = studio.upload(studio.job(), data, times=2)
    assert (job.state, job.uploads["photo"].sha256) == (State.QUEUED, sha256(data))
    assert set(queues.sent()) == {(job.job_id, 1)}
    assert studio.stats()["misses"] == 2


def test_of_two_pictures_the_last_one_decides(studio: Studio, queues: Any) -> None:
    studio.engine(kind="inpaint")
    wish = {"kind": "inpaint", "uploads": {role: {"content_type": "image/jpeg"} for role in ("photo", "mask")}}

    def arrive(photo: bytes, mask: bytes) -> Any:
        job = studio.job(**wish)
        studio.upload(job, mask, "mask", times=2)
        return studio.upload(job, photo, "photo", times=2)

    first = studio.work(arrive(PHOTO, OTHER))
    assert not first.cached
    assert arrive(PHOTO, OTHER).cached
    assert arrive(OTHER, PHOTO).state is State.QUEUED


def test_who_wants_no_cached_result_gets_none_and_renews_the_one_there_is(studio: Studio) -> None:
    studio.done(PHOTO)
    again = studio.done(PHOTO, cache=False)
    assert not again.cached
    newest = studio.job(PHOTO)
    assert newest.result is not None
    assert newest.result.pictures[0].key == f"results/{again.job_id}/result.jpg"


def test_news_of_an_upload_after_a_job_was_done_at_once_takes_nothing_from_anybody(studio: Studio, bucket: Any) -> None:
    first = studio.done(PHOTO)
    job = studio.job(PHOTO)
    assert studio.upload(job, PHOTO, times=2) == job
    assert studio.call("DELETE", f"/jobs/{job.job_id}").status == 409
    for key in (f"uploads/{first.job_id}/photo", f"results/{first.job_id}/result.jpg"):
        bucket.head_object(Bucket="bucket", Key=key)


# What is kept.


@pytest.mark.parametrize(
    "made",
    [{"digest": None}, {"engine": Engine.MODELS}, {"notes": (HALF_SIZE_NOTE,)}, {"notes": (OVERLAY_FAILED_NOTE,)}],
    ids=["by nobody knows what", "by another engine", "at half size", "without its decoration"],
)
def test_what_may_come_out_otherwise_another_time_is_not_kept(studio: Studio, made: dict[str, Any]) -> None:
    studio.work(studio.upload(studio.job(allow_preview=True), PHOTO), **made)
    assert not studio.job(PHOTO, allow_preview=True).cached
    assert studio.stats()["stores"] == 0


def test_a_result_is_kept_once_however_often_it_is_announced(studio: Studio) -> None:
    studio.work(studio.upload(studio.job(), PHOTO), times=3)
    assert studio.stats()["stores"] == 1


def test_a_cancelled_job_leaves_nothing(studio: Studio) -> None:
    job = studio.upload(studio.job(), PHOTO)
    end = studio.work(job, meanwhile=lambda: studio.call("DELETE", f"/jobs/{job.job_id}"))
    assert end.state is State.CANCELLED
    assert not studio.job(PHOTO).cached


def test_a_cache_that_is_turned_off_keeps_and_gives_nothing(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, queues: Any
) -> None:
    monkeypatch.setenv("CACHE_DAYS", "0")
    studio.done(PHOTO)
    assert not studio.job(PHOTO).cached
    assert studio.upload(studio.job(), PHOTO).state is State.QUEUED
    stats = studio.stats()
    assert (stats["cache_days"], stats["misses"], stats["stores"]) == (0, 0, 0)


def test_a_result_is_given_no_longer_than_its_pictures_are_kept(studio: Studio, monkeypatch: Any) -> None:
    monkeypatch.setenv("CACHE_DAYS", "365")
    monkeypatch.setenv("RETENTION_DAYS", "3")
    studio.done(PHOTO)
    assert studio.job(PHOTO).cached
    now = time.time()
    monkeypatch.setattr("handlers.jobs.result_cache.time.time", lambda: now + 2.1 * 86_400)
    assert not studio.job(PHOTO).cached


@pytest.mark.parametrize("broken", ["table", "row"])
def test_a_cache_that_does_not_work_costs_a_job_nothing(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")

    first = studio.upload(studio.job(), PHOTO)
    if broken == "table":
        monkeypatch.setattr(Ledger, "put", fail)
    assert studio.work(first).state is State.COMPLETED
    if broken == "row":
        monkeypatch.setattr(Ledger, "get", lambda *_: {"digest": "engine-1", "expires_at": 9e9, "nonsense": 1})
        cache = ResultCache(studio.ledger, cache_days=7)
        inputs = {"photo": sha256(PHOTO)}
        assert cache.find(owner="o", kind=Kind.UPSCALE, engine=Engine.PREVIEW, params={}, inputs=inputs) is None
    else:
        assert not studio.job(PHOTO).cached


def test_fifty_at_once_are_all_done_at_once(studio: Studio) -> None:
    first = studio.done(PHOTO)
    assert studio.job(PHOTO).cached
    together = threading.Barrier(50)

    def ask(number: int) -> Any:
        together.wait()
        return studio.ask(PHOTO, headers={"Idempotency-Key": f"key-{number // 2}"})

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(ask, range(50)))
    assert {answer.body["job"]["state"] for answer in answers} == {"completed"}
    assert {answer.body["job"]["result"]["pictures"][0]["key"] for answer in answers} == {
        f"results/{first.job_id}/result.jpg"
    }
    assert len({answer.body["job"]["job_id"] for answer in answers}) == 25
