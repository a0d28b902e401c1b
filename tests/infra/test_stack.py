"""Emulator with our stack in it, stopped and started again."""

import json
from pathlib import Path

import httpx2
import pytest
from websockets.sync.client import connect

from darkroom import Client
from infra.local.stack import LocalStack
from infra.local.state import StackState
from tests.e2e import pictures
from tests.infra.restartable_stack import RestartableStack
from tests.unlimited import UNLIMITED, WEB_ORIGIN

pytestmark = pytest.mark.timeout(300)  # the first one to ask synthesizes

JOB = {
    "kind": "restyle_room",
    "params": {"style": "modern"},
    "uploads": {"photo": {"content_type": "image/jpeg"}},
}


def call(stack: LocalStack, method: str, path: str, *, user: str = "local", json: object = None) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {stack.token_for(user)}"}
    return httpx2.request(method, f"{stack.endpoint}{path}", headers=headers, json=json, timeout=60)


def test_a_stack_keeps_its_state_over_a_restart_and_stops_all_processes(restartable: RestartableStack) -> None:
    stack = restartable.stack
    with stack:
        before = stack.state
        health = call(stack, "GET", "/health").json()
        states = {name: part["status"] for name, part in health["parts"].items()}
        assert states == dict.fromkeys(("table", "bucket", "queue", "endpoint"), "ok")
        created = call(stack, "POST", "/jobs", json=JOB).json()
        hidden = call(stack, "GET", f"/jobs/{created['job']['job_id']}", user="other")
        assert hidden.status_code == httpx2.codes.NOT_FOUND
        assert stack.invoke("sweep", {}) is None
        stack.wait_idle()
        unannounced = upload_without_notice(stack)
    assert not stack.running()
    with stack:
        assert (stack.endpoint, stack.socket, stack.state.auth) == (before.endpoint, before.socket, before.auth)
        # By the SDK, which repeats a GET while functions are still starting on a busy machine.
        with Client(stack.endpoint, token=stack.token_for("local")) as client:
            assert {job.job_id for job in client.list()} == {created["job"]["job_id"], unannounced}
            assert [job.state for job in client.watch(unannounced)][-1] == "completed"
        # A new subscription gets the state, and each later one.
        job_id = created["job"]["job_id"]
        with connect(f"{stack.socket}?token={stack.token_for('local')}", open_timeout=60) as socket:
            socket.send(json.dumps({"action": "subscribe", "job_id": job_id}))
            assert json.loads(socket.recv(timeout=60))["job"]["state"] == "awaiting_upload"
            call(stack, "DELETE", f"/jobs/{job_id}").raise_for_status()
            assert json.loads(socket.recv(timeout=60))["job"]["state"] == "cancelled"
        check_functions(stack)
        check_origins(stack)
        check_what_the_emulator_leaves_out(stack)
    assert not stack.running()
    check_privacy(stack)


def upload_without_notice(stack: LocalStack) -> str:
    """Upload a job's photo and lose its notice, as when the emulator ends in that moment; return the job's id."""
    with stack.paused("uploaded"):
        created = call(stack, "POST", "/jobs", json=JOB).json()
        form = created["uploads"]["photo"]
        photo = {"file": pictures.jpeg()}
        httpx2.post(form["url"], data=form["fields"], files=photo, timeout=60).raise_for_status()
        queue, sqs = stack.state.uploads_queue, stack.client("sqs")
        (notice,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=notice["ReceiptHandle"])
    job_id: str = created["job"]["job_id"]
    return job_id


def check_functions(stack: LocalStack) -> None:
    environments = stack.environments()
    assert json.loads(environments["api"]["RATE_LIMITS"]) == UNLIMITED["rate_limits"]
    assert environments["push"]["CALLBACK_URL"].startswith("http://127.0.0.1:")
    assert "PYTHONPATH" not in environments["api"]


def check_origins(stack: LocalStack) -> None:
    for origin, status, allowed in ((WEB_ORIGIN, 204, WEB_ORIGIN), ("https://page.example", 403, None)):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = httpx2.options(f"{stack.endpoint}/jobs", headers=asked, timeout=60)
        assert answer.status_code == status
        assert answer.headers.get("access-control-allow-origin") == allowed


def check_what_the_emulator_leaves_out(stack: LocalStack) -> None:
    ttl = stack.client("dynamodb").describe_time_to_live(TableName=stack.jobs_table)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def check_privacy(stack: LocalStack) -> None:
    folder: Path = stack.folder
    assert (folder / "stack.json").stat().st_mode & 0o077 == 0
    state = StackState.read(folder)
    assert state is not None
    assert state.auth.password not in (folder / "emulator.log").read_text()
