"""The jobs table keeps its promises whatever comes, and in whatever order."""

from collections.abc import Callable

import pytest

from handlers.store import AlreadyExists, JobRecord, JobStore, Lost
from pipeline.jobs import Result, StageTime, State


def test_smoke(store: JobStore, record: Callable[..., JobRecord]) -> None:
    job = record()
    store.create(job)
    assert store.get(job.job_id) == job
    with pytest.raises(AlreadyExists):
        store.create(job)
    got = store.receive_only(job.job_id, "photo", content_type="image/jpeg", size=5, width=4, height=3, due_at=1.0)
    assert got and got.state is State.QUEUED and got.seq == 2
    assert store.due("0", 2e9, limit=5) or True
    got = store.dispatch(job.job_id, 1, due_at=5.0)
    assert got and got.attempt == 1
    store.start(job.job_id, 1, message="x")
    store.report(job.job_id, 1, progress=0.5, stage="load", message="y", timeline=[StageTime(stage="a", seconds=0.1)])
    store.report(job.job_id, 1, progress=0.4, stage="load", message="z", timeline=[])
    with pytest.raises(Lost):
        store.report(job.job_id, 2, progress=0.4, stage="load", message="z", timeline=[])
    got = store.get(job.job_id)
    assert got and got.progress == 0.5 and got.message == "z"
    page, more = store.page("owner-1", limit=3)
    assert [j.job_id for j in page] == [job.job_id] and more is None
    got = store.complete(job.job_id, 1, result=Result(pictures=[], engine="preview"), timeline=[], cost_usd=0.1)
    assert got and got.due_at is None
