"""Outcomes that the notice brings with it: the bucket is read only if the notice does not have the response."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client
from pydantic import BaseModel

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from darkroom.contract.jobs import State
from handlers import finished
from tests.handlers.test_finished import RESULT, completed, notice, now

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]
Deliver = Callable[..., None]


@pytest.fixture
def deliver(bucket: S3Client, context: Any) -> Deliver:
    """Delivers a notice with ``response_body``, twice; ``stored`` is in the bucket."""

    def do(job: JobRecord, response_body: dict[str, Any], stored: BaseModel | None = None, **options: Any) -> None:
        key = f"outcomes/{job.job_id}-1.out"
        if stored is not None:
            bucket.put_object(Bucket="bucket", Key=key, Body=stored.model_dump_json().encode())
        for _ in range(2):
            finished.handler(notice(job.job_id, 1, key=key, response_body=response_body, **options), context)

    return do


def base64_body(outcome: BaseModel) -> dict[str, Any]:
    return {"content": base64.b64encode(outcome.model_dump_json().encode()).decode(), "encoding": "BASE64"}


@pytest.mark.parametrize(
    "included",
    [
        base64_body,
        lambda outcome: {"content": outcome.model_dump_json()},
        lambda outcome: {"content": outcome.model_dump(mode="json"), "message": None},
    ],
    ids=["base64", "text", "object"],
)
def test_an_outcome_in_the_notice_is_not_read_from_the_bucket(
    store: JobStore, job_in: JobIn, deliver: Deliver, included: Callable[[BaseModel], dict[str, Any]]
) -> None:
    job = job_in(State.RUNNING)
    deliver(job, included(completed(job)))
    assert (now(store, job).state, now(store, job).result) == (State.COMPLETED, RESULT)


@pytest.mark.parametrize(
    "response_body",
    [
        {},
        {"content": None, "encoding": "BASE64"},
        {"content": "%%%", "encoding": "BASE64"},
        {"content": "eyJhIjoxfQ==", "encoding": "GZIP"},
        {"content": "eyJhIjoxfQ=="},
        {"content": "too large; it is in the bucket"},
        {"body": "another field"},
    ],
)
def test_an_outcome_that_the_notice_does_not_have_is_read_from_the_bucket(
    store: JobStore, job_in: JobIn, deliver: Deliver, response_body: dict[str, Any]
) -> None:
    job = job_in(State.RUNNING)
    deliver(job, response_body, completed(job))
    assert now(store, job).state is State.COMPLETED


def test_an_included_outcome_of_another_job_is_a_failed_attempt(
    store: JobStore, job_in: JobIn, deliver: Deliver
) -> None:
    job, other = job_in(State.RUNNING), job_in(State.RUNNING)
    deliver(job, base64_body(completed(other)))
    assert [now(store, each).state for each in (job, other)] == [State.QUEUED, State.RUNNING]


@pytest.mark.parametrize(
    ("field", "state"), [("kind", State.QUEUED), ("deadline", State.FAILED)], ids=["of another version", "broken"]
)
def test_a_refusal_in_the_notice_is_not_read_from_the_bucket(
    store: JobStore, job_in: JobIn, deliver: Deliver, field: str, state: State
) -> None:
    job = job_in(State.DISPATCHED)
    problem = {"title": "Invalid invocation", "errors": [{"field": field, "message": "is wrong"}]}
    reason = "ClientError: Received client error (400) from model."
    deliver(job, {"content": json.dumps(problem), "message": reason}, failed=reason)
    assert now(store, job).state is state
