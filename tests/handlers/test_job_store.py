"""Job store: keeps its invariants under all events, in any order."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from cloud.dynamodb.job_store import (
    AlreadyExists,
    InspectedUpload,
    JobRecord,
    JobStore,
    StaleAttempt,
)
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from darkroom.contract.results import PreviewPicture, StageTime
from tests.handlers.stored_jobs import ERROR, PHOTO, RESULT, is_due

JobIn = Callable[..., JobRecord]


def test_a_stored_job_is_read_back_equal(store: JobStore, record: Callable[..., JobRecord]) -> None:
    job = record(progress=0.1, params={"strength": 1e-300, "seed": 2**32 - 1, "nested": [1, 0.5, None, {"a": True}]})
    store.create(job)
    found = store.get(job.job_id)
    assert found is not None
    assert found.params["strength"] == pytest.approx(0, abs=1e-99)
    assert found == job.model_copy(update={"params": {**job.params, "strength": found.params["strength"]}})
    with pytest.raises(AlreadyExists):
        store.create(job)


def test_an_unknown_job_is_not_found(store: JobStore) -> None:
    assert store.get("0" * 32) is None
    assert store.cancel("0" * 32, "owner-1", ERROR) is None
    assert store.dispatch("0" * 32, 1, due_at=0) is None
    assert store.get("0" * 32) is None


@pytest.mark.parametrize(
    ("declared", "received"),
    [
        ({"content_type": "image/png"}, PHOTO),
        ({"content_type": "image/jpeg", "size": 5}, PHOTO),
        ({"content_type": "image/jpeg", "sha256": "0" * 64}, PHOTO),
        ({"content_type": "image/jpeg", "sha256": "0" * 64}, InspectedUpload("image/jpeg", 1, 1, 1, "1" * 64)),
    ],
)
def test_an_upload_other_than_declared_is_not_received(
    store: JobStore, job_in: JobIn, declared: dict[str, Any], received: InspectedUpload
) -> None:
    job = job_in(State.AWAITING_UPLOAD, uploads={"photo": declared})
    assert store.receive_single_upload(job.job_id, "photo", received, due_at=0) == (job, False)
    assert store.get(job.job_id) == job


def test_only_a_single_upload_is_received_and_queued_in_one_write(store: JobStore, job_in: JobIn) -> None:
    two = {"source": {"content_type": "image/jpeg"}, "target": {"content_type": "image/jpeg"}}
    job = job_in(State.AWAITING_UPLOAD, uploads=two)
    assert store.receive_single_upload(job.job_id, "source", PHOTO, due_at=0) == (job, False)
    first = store.receive_upload(job.job_id, "source", PHOTO)
    assert first is not None
    assert [upload.received for upload in first.uploads.values()] == [True, False]
    assert store.receive_upload(job.job_id, "source", PHOTO) is None
    assert store.queue(job.job_id, due_at=0, received={"source": PHOTO}) is None
    last = store.queue(job.job_id, due_at=0, received={"target": PHOTO})
    assert last is not None
    assert [last.state, *(upload.received for upload in last.uploads.values())] == [State.QUEUED, True, True]


def test_a_job_that_uses_the_cache_is_not_queued_in_one_write(store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.AWAITING_UPLOAD, use_cache=True)
    assert store.receive_single_upload(job.job_id, "photo", PHOTO, due_at=0) == (job, False)
    assert store.get(job.job_id) == job


def test_a_cached_result_completes_the_job(store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    done = store.complete_from_cache(job.job_id, RESULT, expires_at=job.expires_at - 5)
    assert done is not None
    assert (done.state, done.cached, done.progress, done.cost_usd, done.result) == ("completed", True, 1, 0, RESULT)
    assert done.expires_at == job.expires_at - 5
    assert not is_due(store, job.job_id)
    assert store.complete_from_cache(job.job_id, RESULT, expires_at=job.expires_at) is None


def test_progress_never_falls_but_the_message_is_updated(store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.RUNNING)
    times = [StageTime(stage="load", seconds=0.25)]
    store.report(job.job_id, 1, progress=0.5, stage="paint", message="Painting", timeline=times)
    store.report(job.job_id, 1, progress=0.2, stage="load", message="Loading again", timeline=times)
    now = store.get(job.job_id)
    assert now is not None
    assert (now.progress, now.stage, now.message, now.seq) == (0.5, "load", "Loading again", job.seq + 2)
    assert now.timeline == times


@pytest.mark.parametrize("end", ["requeue", "complete", "fail", "cancel"])
def test_a_progress_image_stays_until_the_attempt_ends(store: JobStore, job_in: JobIn, end: str) -> None:
    job = job_in(State.RUNNING)
    progress_image = PreviewPicture(key=f"previews/{job.job_id}/1-1.jpg", width=256, height=192)
    store.report(job.job_id, 1, progress=0.5, stage="paint", message="", timeline=[], preview=progress_image)
    store.report(job.job_id, 1, progress=0.6, stage="paint", message="", timeline=[])
    shown = store.get(job.job_id)
    assert shown is not None
    assert shown.preview == progress_image
    public = shown.public(lambda key: f"https://bucket/{key}").preview
    assert public is not None
    assert public.url == f"https://bucket/{progress_image.key}"

    error = ErrorDetail(code=ErrorCode.INTERNAL, message="")
    match end:
        case "requeue":
            after = store.requeue(job.job_id, 1, due_at=0, message="")
        case "complete":
            after = store.complete(job.job_id, 1, result=RESULT, timeline=[], cost_usd=0)
        case "fail":
            after = store.fail(job.job_id, error, allowed={State.RUNNING})
        case _:
            after = store.cancel(job.job_id, job.owner, error)
    assert after is not None
    assert after.preview is None


def test_the_public_job_has_urls_of_its_inputs(store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.RUNNING)
    photo = job.uploads["photo"].model_copy(update={"received": True})

    def seen(**changes: object) -> str | None:
        given = job.model_copy(update={"uploads": {"photo": photo}, **changes})
        return given.public(lambda key: f"https://bucket/{key}").uploads["photo"].url

    assert seen() == f"https://bucket/uploads/{job.job_id}/photo"
    waiting = {"uploads": {"photo": photo.model_copy(update={"received": False})}}
    assert seen(**waiting) is None
    assert seen(**waiting, copied_from={"photo": "assets/1"}) == "https://bucket/assets/1"
    assert seen(**waiting, copied_from={"photo": "avatars/amara"}) is None


def test_another_attempt_cannot_change_the_job(store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.RUNNING, attempt=2)
    for attempt in (1, 3):
        with pytest.raises(StaleAttempt):
            store.start(job.job_id, attempt, message="")
        with pytest.raises(StaleAttempt):
            store.report(job.job_id, attempt, progress=0.9, stage=None, message="", timeline=[])
        assert store.complete(job.job_id, attempt, result=RESULT, timeline=[], cost_usd=0) is None
        assert store.requeue(job.job_id, attempt, due_at=0, message="") is None
    assert store.get(job.job_id) == job
    store.start(job.job_id, 2, message="SageMaker delivered twice")


def test_a_completed_job_is_not_due(store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.RUNNING)
    assert is_due(store, job.job_id)
    done = store.complete(job.job_id, 1, result=RESULT, timeline=[StageTime(stage="paint", seconds=2)], cost_usd=0.0004)
    assert done is not None
    assert (done.state, done.progress, done.stage, done.result, done.cost_usd) == ("completed", 1, None, RESULT, 0.0004)
    assert done.due_at is None
    assert not is_due(store, job.job_id)


def test_another_owner_cannot_cancel(store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.QUEUED)
    assert store.cancel(job.job_id, "owner-2", ERROR) is None
    assert store.cancel(job.job_id, job.owner, ERROR) is not None


def test_a_postponed_job_does_not_expire(store: JobStore, job_in: JobIn) -> None:
    now = time.time()
    job = job_in(State.AWAITING_UPLOAD, due_at=now - 1)
    later = store.postpone(job.job_id, State.AWAITING_UPLOAD, due_at=now + 60)
    assert later is not None
    assert later.seq == job.seq
    assert store.expire(job.job_id, ERROR, now=now) is None
    assert store.expire(job.job_id, ERROR, now=now + 61) is not None


def test_a_listing_has_every_job_of_the_owner_once_newest_first(store: JobStore, record: Any) -> None:
    mine = [
        store.create(record(created_at=f"2026-01-01T00:00:{second:02}.{micro:06}Z", kind=kind))
        for second, micro, kind in [
            (1, 0, "upscale"),
            (1, 1, "restyle_room"),
            (2, 0, "upscale"),
            (3, 0, "restyle_room"),
        ]
    ]
    store.create(record(owner="owner-2"))
    seen, after = [], None
    while True:
        page, after = store.page("owner-1", limit=3, after=after)
        seen += page
        if after is None:
            break
    assert seen == mine[::-1]
    store.cancel(mine[0].job_id, "owner-1", ERROR)
    for wanted, expected in (({"kind": "upscale"}, [2, 0]), ({"state": State.CANCELLED}, [0])):
        page, after = store.page("owner-1", limit=5, **wanted)
        assert [job.job_id for job in page] == [mine[index].job_id for index in expected]
        assert after is None


def test_a_bounded_search_resumes_at_its_position(
    store: JobStore, record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.dynamodb.job_table.FILTERED_ROWS", 2)
    monkeypatch.setattr("cloud.dynamodb.job_table.FILTERED_PAGES", 2)
    oldest = store.create(record(kind="upscale"))
    for _ in range(8):
        store.create(record())
    first, after = store.page("owner-1", limit=5, kind="upscale")
    assert first == []
    while after is not None:
        first, after = store.page("owner-1", limit=5, kind="upscale", after=after)
    assert first == [oldest]


def test_a_filtered_listing_resumes_at_its_position(store: JobStore, record: Any) -> None:
    made = [store.create(record(kind="upscale" if index % 2 else "restyle_room")).job_id for index in range(12)]
    seen, after = [], None
    for _ in range(3):
        page, after = store.page("owner-1", limit=2, kind="upscale", after=after)
        seen += [job.job_id for job in page]
    assert seen == made[1::2][::-1]
