"""An attempt's time limit: it counts from the attempt's start, and says when sweep may miss the attempt."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from cloud.dynamodb.job_store import JobStore
from cloud.invocation import NOTICE_SECONDS
from tests.containers.conftest import JOB, Container, invocation, invoke
from tests.containers.plans import plan_of, report_until_stopped

HOUR = 3600.0


def due(store: JobStore) -> float:
    record = store.get(JOB)
    assert record is not None
    assert record.due_at is not None
    return record.due_at


def postpone(store: JobStore, due_at: float) -> None:
    record = store.get(JOB)
    assert record is not None
    assert store.postpone(JOB, record.state, due_at=due_at) is not None


async def test_a_started_attempt_is_missed_soon_after_its_own_time_limit(container: Container, store: JobStore) -> None:
    postpone(store, time.time() + 5 * HOUR)
    before = time.time()
    outcome = await invoke(container(plan_of()), time_limit_seconds=900)
    assert outcome["status"] == "completed"
    # Progress that is written after the start changes nothing of it.
    assert before + 900 + NOTICE_SECONDS <= due(store) <= time.time() + 900 + NOTICE_SECONDS


async def test_a_repeated_start_does_not_postpone_the_attempt(container: Container, store: JobStore) -> None:
    postpone(store, time.time() + 5 * HOUR)
    client = container(plan_of())
    await invoke(client, time_limit_seconds=900)
    first = due(store)
    await invoke(client, time_limit_seconds=900)
    assert due(store) == first


async def test_a_start_never_postpones_what_is_due_earlier(container: Container, store: JobStore) -> None:
    soon = time.time() + 30
    postpone(store, soon)
    assert (await invoke(container(plan_of()), time_limit_seconds=900))["status"] == "completed"
    assert due(store) == pytest.approx(soon)


async def test_an_invocation_of_an_older_core_leaves_the_time_as_it_is(container: Container, store: JobStore) -> None:
    late = time.time() + 5 * HOUR
    postpone(store, late)
    body = json.loads(invocation().model_dump_json())
    del body["time_limit_seconds"]
    answer = await container(plan_of()).post("/invocations", content=json.dumps(body))
    assert answer.json()["status"] == "completed"
    assert due(store) == pytest.approx(late)


async def test_an_attempt_ends_at_its_time_limit_although_it_started_early(container: Container) -> None:
    deadline = datetime.now(UTC) + timedelta(hours=1)
    outcome = await invoke(container(plan_of(report_until_stopped)), time_limit_seconds=0.05, deadline=deadline)
    assert (outcome["error"]["code"], outcome["error"]["retryable"]) == ("timed_out", True)
