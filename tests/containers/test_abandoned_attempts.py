"""Attempts that are cancelled, late or replaced: the container abandons them and leaves no pictures."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cloud.dynamodb.job_store import JobStore
from containers.worker.storage import Storage
from darkroom.contract.jobs import State
from pipeline.core.stages import StageContext
from tests.containers.conftest import JOB, Container, cancel, invoke
from tests.containers.plans import keys, plan_of, report_until_stopped, wait_for_stage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RESULT_KEY = f"results/{JOB}/result.jpg"


async def test_an_invocation_past_its_deadline_does_not_run(container: Container, store: JobStore) -> None:
    outcome = await invoke(container(plan_of(report_until_stopped)), deadline=datetime.now(UTC) - timedelta(seconds=1))
    assert (outcome["error"]["code"], outcome["error"]["retryable"]) == ("timed_out", True)
    job = store.get(JOB)
    assert job is not None
    assert job.state is State.DISPATCHED


async def test_a_cancelled_job_does_not_run(container: Container, store: JobStore) -> None:
    cancel(store)
    ran: list[bool] = []
    outcome = await invoke(container(plan_of(lambda _: ran.append(True))))
    assert outcome == {"status": "abandoned", "job_id": JOB, "attempt": 1}
    assert ran == []


async def test_an_invocation_of_an_earlier_attempt_does_not_run(container: Container, store: JobStore) -> None:
    outcome = await invoke(container(plan_of(report_until_stopped)), attempt=2)
    assert outcome["status"] == "abandoned"


async def test_a_job_cancelled_within_a_stage_is_abandoned(
    container: Container, store: JobStore, s3: "S3Client"
) -> None:
    def go_on(context: StageContext) -> None:
        wait_for_stage(store, "develop")
        cancel(store)
        report_until_stopped(context)

    outcome = await invoke(container(plan_of(go_on)))
    assert outcome["status"] == "abandoned"
    assert keys(s3) == []


async def test_a_job_cancelled_during_the_upload_leaves_no_pictures(
    container: Container, store: JobStore, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = Storage.upload_file

    def upload_then_cancel(*arguments: Any, **more: Any) -> Any:
        stored = upload(*arguments, **more)
        assert keys(s3) == [RESULT_KEY]
        wait_for_stage(store, "upload")
        cancel(store)
        return stored

    monkeypatch.setattr(Storage, "upload_file", upload_then_cancel)
    outcome = await invoke(container(plan_of()))
    assert outcome["status"] == "abandoned"
    assert keys(s3) == []


async def test_pictures_of_the_attempt_that_took_over_are_kept(
    container: Container, store: JobStore, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = Storage.upload_file

    def upload_then_take_over(*arguments: Any, **more: Any) -> Any:
        stored = upload(*arguments, **more)
        wait_for_stage(store, "upload")
        due = datetime.now(UTC).timestamp()
        assert store.requeue(JOB, 1, due_at=due, message="Again") is not None
        assert store.dispatch(JOB, 2, due_at=due) is not None
        return stored

    monkeypatch.setattr(Storage, "upload_file", upload_then_take_over)
    outcome = await invoke(container(plan_of()))
    assert outcome["status"] == "abandoned"
    assert keys(s3) == [RESULT_KEY]
