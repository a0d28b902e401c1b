"""Metrics of the operator: every end of a job is counted once by its state; logs tell kind and error code."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cloud import observability
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from handlers import sweep
from handlers.jobs.retry import RetryPolicy
from handlers.settings.retry import RetrySettings
from tests.handlers.calls import Call
from tests.handlers.fixed_clock import stop_clock
from tests.handlers.job_driver import JobDriver
from tests.handlers.uploads import Upload, picture

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]
UPSCALE: Any = {"kind": "upscale", "uploads": {"photo": {"content_type": "image/jpeg"}}}

Counted = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def counted(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Counted:
    """Return what was written since the last call: metrics with unit, value and dimensions, and jobs that ended."""

    def read() -> list[dict[str, Any]]:
        found = []
        for line in capsys.readouterr().out.splitlines():
            entry = json.loads(line) if line.startswith("{") else {}
            for directive in entry.get("_aws", {}).get("CloudWatchMetrics", []):
                dimensions = {name: entry[name] for name in directive["Dimensions"][0]}
                for metric in directive["Metrics"]:
                    (value,) = (
                        entry[metric["Name"]] if isinstance(entry[metric["Name"]], list) else [entry[metric["Name"]]]
                    )
                    found.append(
                        {
                            "metric": f"{directive['Namespace']}/{metric['Name']}",
                            "unit": metric["Unit"],
                            "value": value,
                            **dimensions,
                        }
                    )
        lines = [vars(record) for record in caplog.records if record.message == "job ended"]
        caplog.clear()
        return found + [{name: line[name] for name in ("state", "kind", "code", "cached")} for line in lines]

    return read


# The dimensions of every metric of jobs: another one would be billed once for each of its values.
DIMENSIONS = {"service": "jobs"}
CREATED = {"metric": "Darkroom/JobsCreated", "unit": "Count", "value": 1, **DIMENSIONS}


def counted_end(state: str) -> dict[str, Any]:
    return {"metric": f"Darkroom/Jobs{state}", "unit": "Count", "value": 1, **DIMENSIONS}


def ended(state: str, kind: str, code: str, *, cached: bool = False) -> list[dict[str, Any]]:
    """What the end of a job writes: a metric and a log line."""
    return [counted_end(state), {"state": state.lower(), "kind": kind, "code": code, "cached": cached}]


def test_a_created_job_and_its_cancellation_are_counted_once(call: Call, counted: Counted) -> None:
    job_id = call("POST", "/jobs", UPSCALE).body["job"]["job_id"]
    assert counted() == [CREATED]
    assert [call("DELETE", f"/jobs/{job_id}").status for _ in range(2)] == [200, 200]
    assert counted() == ended("Cancelled", "upscale", "cancelled")


def test_a_completed_job_is_counted_with_its_seconds_whatever_notices_come(driver: JobDriver, counted: Counted) -> None:
    job = driver.upload(driver.create(), picture())
    counted()
    done = driver.run(job, times=3)
    seconds = (done.updated_at - done.created_at).total_seconds()
    metric, line = ended("Completed", "upscale", "none")
    assert counted() == [
        metric,
        {"metric": "Darkroom/SecondsToDone", "unit": "Seconds", "value": seconds, **DIMENSIONS},
        line,
    ]


def test_a_job_from_the_cache_has_no_seconds(driver: JobDriver, counted: Counted) -> None:
    driver.run_to_completion(picture())
    counted()
    again = driver.upload(driver.create(), picture())
    assert again.cached
    assert counted() == [CREATED, *ended("Completed", "upscale", "none", cached=True)]


def test_a_job_of_an_unusable_upload_is_counted_as_failed(
    call: Call, store: JobStore, upload: Upload, counted: Counted
) -> None:
    job_id = call("POST", "/jobs", UPSCALE).body["job"]["job_id"]
    counted()
    upload(f"uploads/{job_id}/photo", b"GIF89a" + bytes(60))
    assert counted() == ended("Failed", "upscale", "unsupported_media")
    job = store.get(job_id)
    assert job is not None
    assert job.error is not None
    assert job.error.message.startswith("This is a GIF picture. Upload a JPEG")


@pytest.mark.parametrize(
    ("state", "later", "expected"),
    [
        (State.AWAITING_UPLOAD, 0, ended("Expired", "restyle_room", "upload_expired")),
        (State.QUEUED, 7 * 3600, ended("Failed", "restyle_room", "timed_out")),
        (State.QUEUED, 60, []),
        (State.RUNNING, 0, []),
    ],
)
def test_what_sweep_ends_is_counted(
    job_in: JobIn,
    context: Any,
    counted: Counted,
    monkeypatch: pytest.MonkeyPatch,
    state: State,
    later: int,
    expected: list[dict[str, Any]],
) -> None:
    job = job_in(state, due_at=0.0)
    stop_clock(monkeypatch, job.updated_at.timestamp() + later)
    counted()
    for _ in range(2):
        sweep.handler({"source": "aws.events"}, context)
    assert counted() == expected


@pytest.mark.parametrize("retryable", [True, False])
def test_a_last_attempt_that_fails_is_counted_and_an_earlier_one_is_not(
    store: JobStore, job_in: JobIn, queues: Any, counted: Counted, retryable: bool
) -> None:
    settings = RetrySettings(jobs_table="jobs", queue_url="queue", dead_letter_queue_url="dead")
    retry = RetryPolicy(settings, store, queues.queue())
    error = ErrorDetail(code=ErrorCode.OUT_OF_MEMORY, message="The GPU was full.", retryable=retryable)
    for attempt in (1, 3):
        job = job_in(State.RUNNING, attempt=attempt)
        for _ in range(2):
            retry.retry_or_fail(job.job_id, attempt, error)
        failed = ended("Failed", "restyle_room", "out_of_memory")
        assert counted() == (failed if attempt == 3 or not retryable else [])
    assert len(queues.dead_letters()) == int(retryable), "what the caller got wrong is no matter for the operator"


def test_the_gpus_cost_is_a_metric_of_its_endpoint(counted: Counted) -> None:
    observability.report_gpu_spend("darkroom-main", 12.5)
    assert counted() == [
        {"metric": "Darkroom/GpuSpendToday", "unit": "None", "value": 12.5, "endpoint": "darkroom-main"}
    ]
