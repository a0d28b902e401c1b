"""Job rows of a newer version, in every state, through every function: none of them breaks."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client

from cloud import clients
from cloud.dynamodb.attributes import from_item, to_item
from cloud.dynamodb.job_record import JobRecord, due_shard
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.lenient_item import UnreadableItem
from cloud.invocation import Completed, inference_id
from darkroom.contract.engine import Engine
from darkroom.contract.results import Result
from handlers import dispatch, ended, finished, push, sweep
from handlers.assets.asset import Asset
from handlers.websocket.subscriptions import Subscription, Subscriptions
from tests.handlers.calls import Call
from tests.handlers.test_dispatch import FakeEndpoint
from tests.recorded import files, future

pytestmark = pytest.mark.usefixtures("environment")
PutRow = Callable[..., str]
SCHEMA = JobRecord.model_json_schema()
COMPLETED = from_item(files.read("rows/jobs/restyle_room-models")["completed"])
FAILED = from_item(files.read("rows/jobs/failures")["container:no_face"])
OPEN_STATES = ("awaiting_upload", "queued", "dispatched", "running", "paused")
STATES = (*OPEN_STATES, "completed", "failed", "cancelled", "expired", "archived")
# What a newer version may have written: unknown values beside a known state, another form, and nothing readable.
FORMS = ("values", "form", "unreadable")


@pytest.fixture
def put_row(store: JobStore, record: Callable[..., JobRecord]) -> PutRow:
    """Puts the row of a job of a newer version, and returns its id."""

    def put(state: str, form: str = "values") -> str:
        plain = record()
        values = {**COMPLETED, "error": FAILED["error"], "job_id": plain.job_id, "owner": plain.owner}
        values |= {"attempt": 4, "reserved_usd": 0.5, "started_at": time.time(), "created_at": plain_time(plain)}
        values = future.all_changes(values, SCHEMA, keep=("state",)) | {"state": state}
        if form == "form":
            values |= {"result": "elsewhere", "timeline": {"of": "stages"}, "progress": 7}
        if form == "unreadable":
            values |= {"engine": {"name": "quantum"}, "uploads": 7}
        for name in ("due_at", "due_shard"):
            values.pop(name, None)
        if state in OPEN_STATES:
            values |= {"due_at": time.time() - 60, "due_shard": due_shard(plain.job_id)}
        client: Any = clients.dynamodb()
        client.put_item(TableName="jobs", Item=to_item(values))
        return plain.job_id

    return put


def plain_time(job: JobRecord) -> str:
    return job.created_at.isoformat(timespec="microseconds")


def row(job_id: str) -> dict[str, Any]:
    client: Any = clients.dynamodb()
    return from_item(client.get_item(TableName="jobs", Key={"job_id": {"S": job_id}})["Item"])


def stream_event(job_id: str) -> dict[str, Any]:
    client: Any = clients.dynamodb()
    item = client.get_item(TableName="jobs", Key={"job_id": {"S": job_id}})["Item"]
    return {"Records": [{"dynamodb": {"NewImage": item, "SequenceNumber": "1", "Keys": {"job_id": {"S": job_id}}}}]}


@pytest.mark.parametrize("form", FORMS)
def test_rows_of_a_newer_version_do_not_fail_a_page(call: Call, put_row: PutRow, form: str) -> None:
    shown = {put_row(state): state for state in STATES}
    for state in STATES:
        put_row(state, form)
    answer = call("GET", "/jobs", query={"limit": 100})
    assert answer.status == 200
    states = {job["job_id"]: job["state"] for job in answer.body["jobs"]}
    assert {job_id: states[job_id] for job_id in shown} == shown
    assert all(job["newer_version"] for job in answer.body["jobs"])
    assert {job["state"] for job in answer.body["jobs"] if not job["ended"]} == set(OPEN_STATES)


@pytest.mark.parametrize("form", FORMS)
def test_no_request_about_a_job_of_a_newer_version_is_an_internal_error(call: Call, put_row: PutRow, form: str) -> None:
    for state in STATES:
        _request_everything(call, put_row(state, form), state, form)


def _request_everything(call: Call, job_id: str, state: str, form: str) -> None:
    answers = [
        call("GET", f"/jobs/{job_id}"),
        call("POST", f"/jobs/{job_id}/uploads"),
        call("POST", f"/jobs/{job_id}/rerun", {}),
        call("POST", "/assets", {"job_id": job_id}),
        call("POST", "/assets", {"job_id": job_id, "role": "photo"}),
        call("DELETE", f"/jobs/{job_id}"),
        call("GET", "/stats", scope="darkroom/admin"),
    ]
    assert [answer.body for answer in answers if answer.status >= 500] == [], state
    assert answers[0].status == (409 if form == "unreadable" else 200)
    # An open job is cancelled, in whatever state; an ended one stays what it is.
    expected = "cancelled" if state in OPEN_STATES and (form != "unreadable" or state != "paused") else state
    assert row(job_id)["state"] == expected


@pytest.mark.parametrize("form", FORMS)
def test_sweep_ends_or_postpones_every_due_job_of_a_newer_version(put_row: PutRow, context: Any, form: str) -> None:
    due = {state: put_row(state, form) for state in OPEN_STATES}
    sweep.handler({}, context)
    for state, job_id in due.items():
        left = row(job_id)
        assert "due_at" not in left or left["due_at"] > time.time(), state
    assert row(due["paused"])["state"] == "paused"


@pytest.mark.parametrize("form", FORMS)
def test_an_ended_job_of_a_newer_version_settles_its_budget(
    put_row: PutRow, context: Any, ledger: Any, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bus:
        def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's own names
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "id"} for _ in Entries]}

    monkeypatch.setattr("cloud.clients.eventbridge", Bus)
    spent = 0.0
    for state in ("completed", "failed", "expired", "archived"):
        job_id = put_row(state, form)
        for _ in range(2):
            assert ended.handler(stream_event(job_id), context) == {"batchItemFailures": []}
        spent += 0 if form == "unreadable" else round(COMPLETED["cost_usd"] * 1e6) - 500_000
    settled = ledger.query_partition(f"budget#{row(job_id)['owner']}")
    assert sum(day["reserved_or_spent"] for day in settled) == spent


@pytest.mark.parametrize("form", FORMS)
def test_changes_of_jobs_of_a_newer_version_are_pushed(
    put_row: PutRow,
    context: Any,
    sockets: Any,
    subscriptions: Subscriptions,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    monkeypatch.setattr("cloud.clients.apigateway_management", lambda _url: sockets)
    for state in STATES:
        job_id = put_row(state, form)
        with suppress(UnreadableItem):
            subscriptions.add(job_id, row(job_id)["owner"], Subscription(state))
        # As a newer version changes it.
        clients.dynamodb().update_item(
            TableName="jobs",
            Key={"job_id": {"S": job_id}},
            UpdateExpression="ADD seq :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        assert push.handler(stream_event(job_id), context) == {"batchItemFailures": []}
        # Nobody subscribes to a job that has ended.
        told = [state] if state in OPEN_STATES and form != "unreadable" else []
        assert [to for to, _ in sockets.posted if to == state] == told


@pytest.mark.parametrize("form", ["values", "form"])
def test_attempts_of_jobs_of_a_newer_version_begin_and_end(
    put_row: PutRow,
    context: Any,
    sqs_event: Any,
    bucket: S3Client,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    endpoint = FakeEndpoint()
    monkeypatch.setattr("cloud.clients.sagemaker_runtime", lambda: endpoint)
    for state in STATES:
        job_id = put_row(state, form)
        message = {"job_id": job_id, "attempt": 5, "kind": future.UNKNOWN}
        assert dispatch.handler(sqs_event(message), context) == {"batchItemFailures": []}
        outcome = Completed(job_id=job_id, attempt=4, result=Result(pictures=[], engine=Engine.PREVIEW), timeline=[])
        bucket.put_object(Bucket="bucket", Key="outcomes/x.out", Body=outcome.model_dump_json().encode())
        notice = {
            "inferenceId": inference_id(job_id, 4),
            "invocationStatus": "Completed",
            "responseParameters": {"outputLocation": "s3://bucket/outcomes/x.out"},
        }
        finished.handler({"Records": [{"Sns": {"Message": json.dumps(notice)}}]}, context)
        now = {"queued": "dispatched", "dispatched": "completed", "running": "completed"}
        assert row(job_id)["state"] == now.get(state, state)


def test_assets_of_a_newer_version_are_listed_and_deleted(call: Call) -> None:
    client: Any = clients.dynamodb()
    schema = Asset.model_json_schema()
    put: list[str] = []
    for number, recorded in enumerate(files.read("rows/assets").values()):
        values = future.all_changes(from_item(recorded), schema, keep=("state",) if number % 2 else ())
        values |= {"asset_id": f"{number:032x}", "owner": "owner-1"}
        values.pop("expires_at", None)
        put.append(values["asset_id"])
        client.put_item(TableName="assets", Item=to_item(values))
    listed = call("GET", "/assets")
    assert (listed.status, {asset["asset_id"] for asset in listed.body["assets"]} >= set(put)) == (200, True)
    job = {"kind": "upscale", "uploads": {"photo": {"asset_id": "0" * 32}}}
    assert call("POST", "/jobs", job).status == 409
    for asset_id in put:
        assert call("GET", f"/assets/{asset_id}").body["newer_version"]
        assert call("DELETE", f"/assets/{asset_id}").status == 200
        assert call("GET", f"/assets/{asset_id}").status == 404
