"""Container over HTTP, with real stores (moto's) and stages made for each test."""

import asyncio
import hashlib
import threading
from typing import TYPE_CHECKING

import httpx2
import pytest
from pydantic import SecretStr

from cloud.dynamodb.job_store import JobStore
from containers.gpu.server import InvocationRunner, make_app
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jobs import State
from darkroom.contract.kinds import Kind
from pipeline.core.runner import noop_plan
from pipeline.core.stages import StageContext
from tests.containers.conftest import BUCKET, JOB, Container, invocation, invoke
from tests.containers.plans import keys, plan_of, report_until_stopped

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RESULT_KEY = f"results/{JOB}/result.jpg"


async def test_a_job_completes_and_its_picture_is_stored(container: Container, store: JobStore, s3: "S3Client") -> None:
    outcome = await invoke(container(plan_of()))

    assert outcome["status"] == "completed"
    assert outcome["result"]["seed"] == 7
    assert outcome["result"]["engine"] == "preview"
    assert outcome["result"]["notes"] == []
    (picture,) = outcome["result"]["pictures"]
    assert (picture["name"], picture["key"], picture["width"]) == ("result", RESULT_KEY, 4)
    assert s3.get_object(Bucket=BUCKET, Key=RESULT_KEY)["Body"].read() == b"A PHOTO"
    assert [time["stage"] for time in outcome["timeline"]] == ["download", "develop", "upload"]
    assert outcome["inputs"] == {"photo": hashlib.sha256(b"a photo").hexdigest()}
    assert len(outcome["engine_digest"]) == 64
    job = store.get(JOB)
    assert job is not None
    # Only finished says that a job has ended.
    assert job.state is State.RUNNING
    assert job.progress < 1


async def test_a_job_shorter_than_the_floor_of_progress_writes_is_one_write(
    container: Container, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROGRESS_SECONDS", "3600")
    before = store.get(JOB)
    await invoke(container(plan_of()))
    after = store.get(JOB)
    assert before is not None
    assert after is not None
    assert after.seq - before.seq == 1
    assert (after.stage, after.message) == ("download", "Fetching what was uploaded")


async def test_a_failed_job_shows_the_stage_in_which_it_failed(container: Container, store: JobStore) -> None:
    def fail(_context: StageContext) -> None:
        raise DarkroomError(ErrorCode.INVALID_IMAGE, "The photo cannot be read.")

    await invoke(container(plan_of(fail)))
    job = store.get(JOB)
    assert job is not None
    assert job.stage == "develop"


async def test_invocations_need_the_token_if_one_is_set(container: Container) -> None:
    invocations: InvocationRunner = container(plan_of()).invocations  # type: ignore[attr-defined]
    transport = httpx2.ASGITransport(make_app(invocations, SecretStr("shown")))
    async with httpx2.AsyncClient(transport=transport, base_url="http://container") as client:
        body = invocation().model_dump_json()
        for headers in (
            {},
            {"Authorization": "Bearer other"},
            {"Authorization": "Bearer sh\u00f6wn".encode("latin-1")},
        ):
            answer = await client.post("/invocations", content=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        answer = await client.post("/invocations", content=body, headers={"Authorization": "Bearer shown"})
        assert answer.json()["status"] == "completed"
        assert (await client.get("/ping")).status_code == 200


async def test_an_empty_plan_completes_without_pictures(container: Container, store: JobStore) -> None:
    outcome = await invoke(container(noop_plan(Kind.RESTYLE_ROOM, Engine.PREVIEW)))
    assert (outcome["status"], outcome["result"]["pictures"]) == ("completed", [])
    job = store.get(JOB)
    assert job is not None
    assert job.state is State.RUNNING


async def test_a_fallback_engine_is_stated_in_the_notes(container: Container) -> None:
    outcome = await invoke(container(plan_of()), engine=Engine.MODELS, allow_preview=True)
    assert "preview engine" in outcome["result"]["notes"][0]


async def test_a_darkroom_error_becomes_a_failed_outcome(container: Container, s3: "S3Client") -> None:
    def fail(_context: StageContext) -> None:
        raise DarkroomError(ErrorCode.INVALID_IMAGE, "The photo cannot be read.")

    outcome = await invoke(container(plan_of(fail)))
    assert outcome["status"] == "failed"
    assert outcome["error"] == {
        "code": "invalid_image",
        "message": "The photo cannot be read.",
        "retryable": False,
    }
    assert [time["stage"] for time in outcome["timeline"]] == ["download", "develop"]
    assert keys(s3) == []


async def test_an_unavailable_engine_becomes_a_failed_outcome(container: Container) -> None:
    outcome = await invoke(container(DarkroomError(ErrorCode.ENGINE_UNAVAILABLE, "There is no such engine.")))
    assert outcome["error"]["code"] == "engine_unavailable"


async def test_a_missing_upload_fails_the_job(container: Container) -> None:
    outcome = await invoke(container(plan_of()), uploads={"photo": "uploads/gone/photo"})
    assert outcome["error"]["code"] == "upload_expired"


async def test_an_unexpected_error_is_a_500_without_details(
    container: Container, s3: "S3Client", caplog: pytest.LogCaptureFixture
) -> None:
    client = container(RuntimeError("secret detail"))
    answer = await client.post("/invocations", content=invocation().model_dump_json())
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "container_failed"
    assert "secret" not in answer.text
    assert "secret detail" in caplog.text


async def test_concurrent_duplicate_invocations_run_once(container: Container) -> None:
    running, both_there = threading.Event(), threading.Event()
    runs: list[int] = []

    def wait(_context: StageContext) -> None:
        runs.append(1)
        running.set()
        assert both_there.wait(30)

    client = container(plan_of(wait))
    first = asyncio.create_task(invoke(client))
    await asyncio.to_thread(running.wait, 30)
    second = asyncio.create_task(invoke(client))
    for _ in range(10):
        # Let the second request reach the running one.
        await asyncio.sleep(0)
    both_there.set()
    assert await first == await second
    assert runs == [1]


async def test_a_repeated_invocation_gives_the_same_result(container: Container) -> None:
    client = container(plan_of())
    first, second = await invoke(client), await invoke(client)
    assert first["result"] == second["result"]


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"{}",
        invocation().model_dump_json().replace(JOB, "not-an-id").encode(),
    ],
)
async def test_an_invalid_body_is_answered_with_problem_details(container: Container, body: bytes) -> None:
    answer = await container(plan_of()).post("/invocations", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_request"
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    ("ours", "other", "named"),
    [
        ('"deadline":', '"time":', "deadline: Field required"),
        ('"progress":0.0', '"progress":2', "progress: "),
        ('"params":{"style":"modern","seed":7}', '"params":["modern"]', "params: "),
    ],
)
async def test_an_attempt_whose_invocation_cannot_be_read_fails_for_good_and_says_why(
    container: Container, store: JobStore, ours: str, other: str, named: str
) -> None:
    before = store.get(JOB)
    body = invocation().model_dump_json()
    assert ours in body
    answer = await container(plan_of()).post("/invocations", content=body.replace(ours, other))
    outcome = answer.json()
    assert (answer.status_code, outcome["status"], outcome["job_id"], outcome["attempt"]) == (200, "failed", JOB, 1)
    assert (outcome["error"]["code"], outcome["error"]["retryable"]) == ("unknown_to_version", False)
    assert named in outcome["error"]["message"]
    assert store.get(JOB) == before


@pytest.mark.parametrize(
    ("ours", "newer", "named"),
    [
        ('"style":"modern"', '"style":"brutalist"', "params.style"),
        ('"style":"modern"', '"style":"modern","sparkle":true', "params.sparkle"),
        ('"kind":"restyle_room"', '"kind":"repaint_car"', "kind repaint_car"),
        ('"engine":"preview"', '"engine":"quantum"', "engine quantum"),
    ],
)
async def test_what_a_newer_version_asks_for_is_refused_before_the_job_starts(
    container: Container, store: JobStore, ours: str, newer: str, named: str
) -> None:
    before = store.get(JOB)
    body = invocation().model_dump_json()
    assert ours in body
    answer = await container(plan_of()).post("/invocations", content=body.replace(ours, newer))
    outcome = answer.json()
    assert (answer.status_code, outcome["status"], outcome["timeline"]) == (200, "failed", [])
    assert (outcome["error"]["code"], outcome["error"]["retryable"]) == ("unknown_to_version", True)
    assert named in outcome["error"]["message"]
    assert store.get(JOB) == before


async def test_params_left_out_have_their_defaults(container: Container) -> None:
    seeds: list[int] = []

    def see(context: StageContext) -> None:
        seeds.append(context.params.seed)

    await invoke(container(plan_of(see)), params={"style": "modern"})
    assert seeds == [42]


async def test_ping_answers_200_until_draining(container: Container) -> None:
    client = container(plan_of())
    assert (await client.get("/ping")).status_code == 200
    await client.invocations.drain(0)  # type: ignore[attr-defined]
    assert (await client.get("/ping")).status_code == 503
    answer = await client.post("/invocations", content=invocation().model_dump_json())
    assert answer.status_code == 503


async def test_draining_lets_a_running_job_finish(container: Container) -> None:
    running, go_on = threading.Event(), threading.Event()

    def wait(_context: StageContext) -> None:
        running.set()
        assert go_on.wait(30)

    client = container(plan_of(wait))
    job = asyncio.create_task(invoke(client))
    await asyncio.to_thread(running.wait, 30)
    draining = asyncio.create_task(client.invocations.drain(30))  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    assert (await client.get("/ping")).status_code == 503
    go_on.set()
    await draining
    assert (await job)["status"] == "completed"


async def test_a_job_that_outlasts_the_drain_fails_with_a_retryable_error(container: Container, s3: "S3Client") -> None:
    running = threading.Event()

    def long(context: StageContext) -> None:
        running.set()
        report_until_stopped(context)

    client = container(plan_of(long))
    job = asyncio.create_task(invoke(client))
    await asyncio.to_thread(running.wait, 30)
    await client.invocations.drain(0.01)  # type: ignore[attr-defined]
    outcome = await job
    assert (outcome["error"]["code"], outcome["error"]["retryable"]) == ("container_failed", True)
    assert keys(s3) == []
