"""Jobs that moved on between sweep's query of the index and its read of the row: nothing is done to them."""

from collections.abc import Callable
from typing import Any

import pytest

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from handlers import sweep
from tests.handlers.fixed_clock import NOW, stop_clock

pytestmark = pytest.mark.usefixtures("environment")


def test_a_job_that_moved_on_meanwhile_is_left_alone(
    store: JobStore,
    job_in: Callable[..., JobRecord],
    context: Any,
    queues: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = job_in(State.QUEUED)
    store.cancel(ended.job_id, ended.owner, ErrorDetail(code=ErrorCode.CANCELLED, message="no"))
    renewed = job_in(State.AWAITING_UPLOAD, due_at=NOW + 1)
    seen = [ended.job_id, renewed.job_id, "f" * 32]
    before = [store.get(job_id) for job_id in seen]
    stop_clock(monkeypatch)
    monkeypatch.setattr(JobStore, "due", lambda *_args, **_options: seen)  # as the index was a moment ago
    sweep.handler({"source": "aws.events"}, context)
    assert [store.get(job_id) for job_id in seen] == before
    assert (queues.sent(), queues.dead_letters()) == ([], [])
