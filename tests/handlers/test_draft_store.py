"""Drafts in the jobs table: in any order of events, a draft gives way to the first progress image and to every end."""

from collections.abc import Callable, Iterator
from itertools import combinations

import pytest

from cloud import clients
from cloud.dynamodb.draft_store import DRAFT_MESSAGE, DraftStore, awaits_draft
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from darkroom.contract.jobs import State
from darkroom.contract.results import PreviewPicture
from tests.handlers.conftest import JOBS
from tests.handlers.stored_jobs import ERROR, RESULT

JobIn = Callable[..., JobRecord]
DRAFTS = ("draft one", "draft two")
# What happens to the attempt, in this order; drafts of it come in between.
LIVES = (
    ("start", "image", "complete"),
    ("start", "image", "requeue", "dispatch again", "start again"),
    ("start", "complete"),
    ("requeue", "dispatch again"),
    ("defer", "dispatch"),
    ("start", "fail"),
    ("cancel",),
)


@pytest.fixture
def drafts(store: JobStore) -> DraftStore:
    return DraftStore(JOBS, clients.dynamodb())


def picture(job: JobRecord, name: str, *, draft: bool = True) -> PreviewPicture:
    return PreviewPicture(key=f"previews/{job.job_id}/{name}.jpg", width=1024, height=768, draft=draft)


def happen(event: str, store: JobStore, job: JobRecord) -> None:
    """Write an event of the life of a job's attempt."""
    job_id = job.job_id
    match event:
        case "start" | "start again":
            store.start(job_id, 1 if event == "start" else 2, message="Loading")
        case "image":
            image = picture(job, "image", draft=False)
            store.report(job_id, 1, progress=0.5, stage="diffuse", message="", timeline=[], preview=image)
        case "complete":
            store.complete(job_id, 1, result=RESULT, timeline=[], cost_usd=0.5)
        case "requeue":
            store.requeue(job_id, 1, due_at=0, message="again", cost_usd=0.5)
        case "dispatch" | "dispatch again":
            store.dispatch(job_id, 1 if event == "dispatch" else 2, due_at=0)
        case "defer":
            store.defer(job_id, 1, 0, due_at=0, now=0, message="again")
        case "fail":
            store.fail(job_id, ERROR, allowed={State.RUNNING}, attempt=1)
        case "cancel":
            store.cancel(job_id, job.owner, ERROR)


def orders(life: tuple[str, ...]) -> Iterator[list[str]]:
    """Yield every order of a life's events and two drafts."""
    length = len(life) + len(DRAFTS)
    for places in combinations(range(length), len(DRAFTS)):
        remaining, late = iter(life), iter(DRAFTS)
        yield [next(late) if place in places else next(remaining) for place in range(length)]


@pytest.mark.parametrize("life", LIVES, ids=" ".join)
def test_a_draft_is_shown_only_while_its_attempt_shows_nothing(
    store: JobStore, drafts: DraftStore, job_in: JobIn, life: tuple[str, ...]
) -> None:
    for order in orders(life):
        waiting = job_in(State.DISPATCHED)
        for event in order:
            before = store.get(waiting.job_id)
            assert before is not None
            if event not in DRAFTS:
                happen(event, store, waiting)
                continue
            shown = drafts.show(waiting, picture(waiting, event))
            after = store.get(waiting.job_id)
            assert shown == awaits_draft(before, 1), (order, event)
            if not shown:
                assert after == before, (order, event)
                continue
            message = DRAFT_MESSAGE if before.state is State.DISPATCHED else before.message
            changes = {"preview": picture(waiting, event), "message": message, "seq": before.seq + 1}
            assert after is not None
            assert after == before.model_copy(update=changes | {"updated_at": after.updated_at}), (order, event)
        end = store.get(waiting.job_id)
        assert end is not None
        if end.ended or end.attempt == 2:
            assert end.preview is None, order


def test_the_first_progress_image_replaces_a_draft_and_is_none(
    store: JobStore, drafts: DraftStore, job_in: JobIn
) -> None:
    job = job_in(State.DISPATCHED)
    assert drafts.show(job, picture(job, "draft"))
    happen("start", store, job)
    happen("image", store, job)
    now = store.get(job.job_id)
    assert now is not None
    assert now.preview == picture(job, "image", draft=False)


def test_a_draft_whose_answer_was_lost_is_shown(store: JobStore, drafts: DraftStore, job_in: JobIn) -> None:
    job = job_in(State.DISPATCHED)
    assert drafts.show(job, picture(job, "draft"))
    shown = store.get(job.job_id)
    assert drafts.show(job, picture(job, "draft")), "the SDK repeats the write"
    assert not drafts.show(job, picture(job, "other"))
    assert store.get(job.job_id) == shown


def test_a_draft_of_an_unknown_job_is_dropped(drafts: DraftStore, store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.DISPATCHED).model_copy(update={"job_id": "0" * 32})
    assert not drafts.show(job, picture(job, "draft"))
    assert store.get("0" * 32) is None


def test_a_job_with_a_draft_keeps_what_is_known_of_its_wait(store: JobStore, drafts: DraftStore, job_in: JobIn) -> None:
    job = job_in(State.QUEUED)
    waiting = store.dispatch(job.job_id, 1, due_at=0, message="Waking a GPU: this takes several minutes")
    assert waiting is not None
    assert drafts.show(waiting, picture(job, "draft"))
    now = store.get(job.job_id)
    assert now is not None
    assert now.message == "A draft by the preview engine, while the GPU wakes: this takes several minutes"
    public = now.public(lambda key: f"https://bucket/{key}").preview
    assert public is not None
    assert (public.draft, public.url) == (True, f"https://bucket/previews/{job.job_id}/draft.jpg")
