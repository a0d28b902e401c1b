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
from darkroom.contract.kinds import Kind
from darkroom.contract.results import HALF_SIZE_NOTE, OVERLAY_FAILED_NOTE
from handlers.jobs.result_cache import ResultCache
from handlers.limits.budget import settle_budget
from tests.handlers.job_driver import JobDriver
from tests.handlers.lane_prices import PRICES
from tests.handlers.uploads import picture, sha256

PHOTO, OTHER = picture(colour="teal"), picture(colour="navy")


# Digests declared in the request.


def test_an_identical_job_is_completed_at_once(driver: JobDriver, queues: Any) -> None:
    first = driver.run_to_completion(PHOTO)
    queues.sent()
    answer = driver.submit(PHOTO)
    job = answer.body["job"]
    assert (answer.status, answer.body["uploads"]) == (201, {})
    assert (job["state"], job["cached"], job["cost_usd"], job["progress"]) == ("completed", True, 0, 1)
    assert (job["timeline"], job["attempt"], job["seq"]) == ([], 0, 1)
    assert job["job_id"] != first.job_id
    assert answer.headers["location"] == f"/jobs/{job['job_id']}"
    (shown,) = job["result"]["pictures"]
    assert shown["key"] == f"results/{first.job_id}/result.jpg"
    assert shown["key"] in shown["url"]
    assert driver.call("GET", f"/jobs/{job['job_id']}").body["result"]["seed"] == 3
    kept = driver.get(job["job_id"])
    assert (kept.due_at, kept.reserved_usd, kept.window_ends) == (None, None, None)
    assert kept.expires_at == first.expires_at
    assert settle_budget(kept, PRICES) is None
    assert queues.sent() == []


def test_a_cached_job_does_not_count_against_the_rate_limit(driver: JobDriver) -> None:
    driver.run_to_completion(PHOTO)
    answers = [driver.submit(PHOTO) for _ in range(8)]
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
def test_a_job_with_other_values_is_not_cached(driver: JobDriver, other: dict[str, Any]) -> None:
    driver.set_engine_digest(engine="models")
    driver.set_engine_digest(kind="restyle_room")
    driver.run_to_completion(PHOTO)
    assert driver.create(PHOTO, **other).state is State.AWAITING_UPLOAD


def test_a_job_with_another_picture_is_not_cached(driver: JobDriver) -> None:
    driver.run_to_completion(PHOTO)
    assert driver.create(OTHER).state is State.AWAITING_UPLOAD


def test_explicit_defaults_are_identical_to_omitted_ones(driver: JobDriver) -> None:
    driver.run_to_completion(PHOTO, params={"scale": 2.0})
    assert driver.create(PHOTO, params={"scale": 2, "content": "photo"}).cached
    assert driver.create(PHOTO, engine="preview").cached


def test_a_new_engine_digest_invalidates_earlier_results(driver: JobDriver) -> None:
    driver.run_to_completion(PHOTO)
    driver.set_engine_digest("engine-2")
    job = driver.create(PHOTO)
    assert job.state is State.AWAITING_UPLOAD
    driver.run(driver.upload(job, PHOTO), digest="engine-2")
    assert driver.create(PHOTO).cached


def test_a_job_without_inputs_is_cached_by_its_params(driver: JobDriver, queues: Any) -> None:
    driver.set_engine_digest(kind="generate", engine="models")
    job_request = {"kind": "generate", "uploads": {}, "params": {"prompt": "a tree"}}
    first = driver.create(**job_request)
    assert first.state is State.QUEUED
    assert queues.sent() == [(first.job_id, 1)]
    assert first.due_at is not None
    assert 100 < first.due_at - time.time() < 130
    driver.run(first)
    assert driver.create(**job_request).cached
    assert not driver.create(**{**job_request, "params": {"prompt": "two trees"}}).cached


# Digests known after the upload.


def test_an_undeclared_picture_hits_the_cache_after_its_upload(driver: JobDriver, queues: Any, bucket: Any) -> None:
    first = driver.run_to_completion(PHOTO)
    queues.sent()
    job = driver.create()
    assert job.state is State.AWAITING_UPLOAD
    end = driver.upload(job, PHOTO, times=2)
    assert (end.state, end.cached, end.cost_usd, end.progress) == (State.COMPLETED, True, 0, 1)
    assert end.result == first.result
    assert (end.due_at, end.seq) == (None, job.seq + 1)
    assert end.uploads["photo"].received
    assert queues.sent() == []
    bucket.head_object(Bucket="bucket", Key=f"uploads/{job.job_id}/photo")
    assert driver.upload(job, None, times=2) == end
    change = settle_budget(end, PRICES)
    assert change is not None, "what was reserved is given back"
    # The first job, and nothing else.
    assert driver.submit().headers["ratelimit-remaining"] == "3"


@pytest.mark.parametrize("padding", [0, 100_000])
def test_an_undeclared_new_picture_is_queued(driver: JobDriver, queues: Any, padding: int) -> None:
    driver.run_to_completion(PHOTO)
    queues.sent()
    data = OTHER + bytes(padding)
    job = driver.upload(driver.create(), data, times=2)
    assert (job.state, job.uploads["photo"].sha256) == (State.QUEUED, sha256(data))
    assert set(queues.sent()) == {(job.job_id, 1)}
    driver.run(job, times=2)
    assert driver.stats()["misses"] == 2


def test_a_job_of_two_pictures_hits_the_cache_after_the_second_upload(driver: JobDriver, queues: Any) -> None:
    driver.set_engine_digest(kind="inpaint")
    job_request = {"kind": "inpaint", "uploads": {role: {"content_type": "image/jpeg"} for role in ("photo", "mask")}}

    def arrive(photo: bytes, mask: bytes) -> Any:
        job = driver.create(**job_request)
        driver.upload(job, mask, "mask", times=2)
        return driver.upload(job, photo, "photo", times=2)

    first = driver.run(arrive(PHOTO, OTHER))
    assert not first.cached
    assert arrive(PHOTO, OTHER).cached
    assert arrive(OTHER, PHOTO).state is State.QUEUED


def test_a_job_without_cache_runs_and_replaces_the_cached_result(driver: JobDriver) -> None:
    driver.run_to_completion(PHOTO)
    again = driver.run_to_completion(PHOTO, cache=False)
    assert not again.cached
    newest = driver.create(PHOTO)
    assert newest.result is not None
    assert newest.result.pictures[0].key == f"results/{again.job_id}/result.jpg"


def test_an_upload_event_of_a_cached_job_deletes_nothing(driver: JobDriver, bucket: Any) -> None:
    first = driver.run_to_completion(PHOTO)
    job = driver.create(PHOTO)
    assert driver.upload(job, PHOTO, times=2) == job
    assert driver.call("DELETE", f"/jobs/{job.job_id}").status == 409
    for key in (f"uploads/{first.job_id}/photo", f"results/{first.job_id}/result.jpg"):
        bucket.head_object(Bucket="bucket", Key=key)


# Stored results.


@pytest.mark.parametrize(
    "made",
    [{"digest": None}, {"engine": Engine.MODELS}, {"notes": (HALF_SIZE_NOTE,)}, {"notes": (OVERLAY_FAILED_NOTE,)}],
    ids=["without an engine digest", "by another engine", "at half size", "without its decoration"],
)
def test_a_fallback_result_is_not_stored(driver: JobDriver, made: dict[str, Any]) -> None:
    driver.run(driver.upload(driver.create(allow_preview=True), PHOTO), **made)
    assert not driver.create(PHOTO, allow_preview=True).cached
    stats = driver.stats()
    assert (stats["misses"], stats["stores"]) == (1, 0)


def test_a_duplicate_notice_stores_a_result_once(driver: JobDriver) -> None:
    driver.run(driver.upload(driver.create(), PHOTO), times=3)
    assert driver.stats()["stores"] == 1


def test_a_cancelled_job_stores_no_result(driver: JobDriver) -> None:
    job = driver.upload(driver.create(), PHOTO)
    end = driver.run(job, meanwhile=lambda: driver.call("DELETE", f"/jobs/{job.job_id}"))
    assert end.state is State.CANCELLED
    assert not driver.create(PHOTO).cached
    assert driver.stats()["days"] == []


def test_a_disabled_cache_stores_and_returns_nothing(
    driver: JobDriver, monkeypatch: pytest.MonkeyPatch, queues: Any
) -> None:
    monkeypatch.setenv("CACHE_DAYS", "0")
    driver.run_to_completion(PHOTO)
    assert not driver.create(PHOTO).cached
    assert driver.upload(driver.create(), PHOTO).state is State.QUEUED
    stats = driver.stats()
    assert (stats["cache_days"], stats["misses"], stats["stores"]) == (0, 0, 0)


def test_a_cached_result_expires_before_its_pictures(driver: JobDriver, monkeypatch: Any) -> None:
    monkeypatch.setenv("CACHE_DAYS", "365")
    monkeypatch.setenv("RETENTION_DAYS", "3")
    driver.run_to_completion(PHOTO)
    assert driver.create(PHOTO).cached
    now = time.time()
    monkeypatch.setattr("handlers.jobs.result_cache.time.time", lambda: now + 2.1 * 86_400)
    assert not driver.create(PHOTO).cached


@pytest.mark.parametrize("broken", ["table", "row"])
def test_a_cache_error_is_treated_as_a_miss(driver: JobDriver, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")

    first = driver.upload(driver.create(), PHOTO)
    if broken == "table":
        monkeypatch.setattr(Ledger, "put", fail)
    assert driver.run(first).state is State.COMPLETED
    if broken == "row":
        monkeypatch.setattr(Ledger, "get", lambda *_: {"digest": "engine-1", "expires_at": 9e9, "nonsense": 1})
        cache = ResultCache(driver.ledger, cache_days=7)
        inputs = {"photo": sha256(PHOTO)}
        assert cache.find(owner="o", kind=Kind.UPSCALE, engine=Engine.PREVIEW, params={}, inputs=inputs) is None
    else:
        assert not driver.create(PHOTO).cached


def test_fifty_concurrent_requests_are_all_cached(driver: JobDriver) -> None:
    first = driver.run_to_completion(PHOTO)
    assert driver.create(PHOTO).cached
    together = threading.Barrier(50)

    def ask(number: int) -> Any:
        together.wait()
        return driver.submit(PHOTO, headers={"Idempotency-Key": f"key-{number // 2}"})

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(ask, range(50)))
    assert {answer.body["job"]["state"] for answer in answers} == {"completed"}
    assert {answer.body["job"]["result"]["pictures"][0]["key"] for answer in answers} == {
        f"results/{first.job_id}/result.jpg"
    }
    assert len({answer.body["job"]["job_id"] for answer in answers}) == 25
