"""Creating a job: upload forms, idempotency keys and rejected requests."""

import base64
import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from darkroom.contract.jobs import Job, State
from darkroom.contract.uploads import MAX_UPLOAD_BYTES
from handlers import api
from tests.handlers.calls import Answer, Call, request
from tests.handlers.job_requests import job_request
from tests.handlers.uploads import policy_of

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]


def test_a_new_job_awaits_its_upload(call: Call, store: JobStore) -> None:
    answer = call("POST", "/jobs", job_request(params={"seed": 7}))
    assert answer.status == 201
    job = Job.model_validate(answer.body["job"])
    assert (job.state, job.seq, job.params["seed"], job.params["strength"]) == (State.AWAITING_UPLOAD, 1, 7, 1)
    assert answer.headers["location"] == f"/jobs/{job.job_id}"
    assert "owner" not in answer.body["job"]
    assert call("GET", f"/jobs/{job.job_id}").body == answer.body["job"]
    kept = store.get(job.job_id)
    assert kept is not None
    assert kept.due_at is not None
    assert 900 < kept.due_at - time.time() < 1000
    assert abs(kept.expires_at - time.time() - 30 * 86400) < 60


def test_an_upload_form_accepts_only_the_declared_file(call: Call) -> None:
    declared = {"content_type": "image/png", "size": 1234, "sha256": "ab" * 32}
    body = call("POST", "/jobs", job_request(declared)).body
    form = body["uploads"]["photo"]
    _, exact = policy_of(form)
    key = f"uploads/{body['job']['job_id']}/photo"
    digest = base64.b64encode(bytes.fromhex("ab" * 32)).decode()
    assert exact["range"] == [1234, 1234]
    for name, value in {"key": key, "Content-Type": "image/png", "x-amz-checksum-sha256": digest}.items():
        assert exact[name] == value
        assert form["fields"][name] == value
    assert form["url"] == "https://bucket.s3.us-east-1.amazonaws.com/"


def test_an_upload_form_without_a_declared_size_has_the_limits(call: Call) -> None:
    form = call("POST", "/jobs", job_request()).body["uploads"]["photo"]
    policy, exact = policy_of(form)
    assert exact["range"] == [1, MAX_UPLOAD_BYTES]
    assert "x-amz-checksum-sha256" not in form["fields"]
    signed, said = (datetime.fromisoformat(moment) for moment in (policy["expiration"], form["expires_at"]))
    assert abs(signed - said) < timedelta(minutes=1)


def test_an_upload_form_for_an_emulator_is_path_style(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:4566")
    assert call("POST", "/jobs", job_request()).body["uploads"]["photo"]["url"] == "http://127.0.0.1:4566/bucket"


def test_the_same_idempotency_key_and_request_create_one_job(call: Call) -> None:
    options = {"headers": {"Idempotency-Key": "mine"}}
    first = call("POST", "/jobs", job_request(), **options)
    again = call("POST", "/jobs", job_request(), headers={"idempotency-key": "mine"})
    assert (first.status, again.status) == (201, 200)
    assert again.body["job"]["job_id"] == first.body["job"]["job_id"]
    assert again.body["uploads"].keys() == {"photo"}
    call("POST", "/jobs", job_request(params={"seed": 1}), **options).problem(422, "idempotency_mismatch")
    other = call("POST", "/jobs", job_request(), owner="owner-2", **options)
    assert other.status == 201
    assert other.body["job"]["job_id"] != first.body["job"]["job_id"]
    assert call("POST", "/jobs", job_request()).body["job"]["job_id"] != first.body["job"]["job_id"]


def test_a_replay_after_the_upload_has_no_form(call: Call, job_in: JobIn, store: JobStore) -> None:
    made = call("POST", "/jobs", job_request(), headers={"Idempotency-Key": "mine"}).body["job"]
    store.queue(made["job_id"], due_at=0)
    again = call("POST", "/jobs", job_request(), headers={"Idempotency-Key": "mine"})
    assert (again.status, again.body["uploads"], again.body["job"]["state"]) == (200, {}, "queued")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (job_request(params={"style": "baroque"}), "params.style"),
        (job_request(params={"seed": -1}), "params.seed"),
        (job_request(params={"seed": 2**32}), "params.seed"),
        (job_request(params={"strength": 0}), "params.strength"),
        (job_request(params={"strength": float("nan")}), "params.strength"),
        (job_request(params={"strength": float("inf")}), "params.strength"),
        (job_request(params={"room": "dungeon"}), "params.room"),
        (job_request(params={"colour": "red"}), "params.colour"),
        (job_request(surprise=1), "surprise"),
        (job_request(engine="steam"), "engine"),
        (job_request({"size": 0}), "uploads.photo.size"),
        (job_request({"sha256": "short"}), "uploads.photo.sha256"),
        (job_request(uploads={}), "uploads.photo"),
        (job_request(uploads={"photo": {"content_type": "image/jpeg"}, "mask": {}}), "uploads.mask"),
        (job_request(kind="sculpt"), "kind"),
        ({}, "kind"),
        ("{", "body"),
        ("", "body"),
        (None, "body"),
        ("[]", "body"),
        ([job_request()], "body"),
        ("null", "body"),
        ('"\ud800"', "body"),
        ("[" * 100_000, "body"),
    ],
)
def test_an_invalid_request_names_the_field(call: Call, body: Any, field: str) -> None:
    problem = call("POST", "/jobs", body).problem(422, "invalid_request")
    assert field in [error["field"] for error in problem["errors"]]
    assert all(error["message"] for error in problem["errors"])


def test_an_unknown_style_is_answered_with_the_known_ones(call: Call) -> None:
    problem = call("POST", "/jobs", job_request(params={"style": "baroque"})).problem(422, "invalid_request")
    assert "scandinavian" in problem["detail"]


@pytest.mark.parametrize("content_type", ["image/gif", "image/avif", "image/svg+xml", "application/pdf"])
def test_an_unsupported_content_type_is_rejected(call: Call, content_type: str) -> None:
    call("POST", "/jobs", job_request({"content_type": content_type})).problem(415, "unsupported_media")


def test_a_declared_size_over_the_limit_is_rejected(call: Call) -> None:
    call("POST", "/jobs", job_request({"size": MAX_UPLOAD_BYTES + 1})).problem(413, "too_large")
    call("POST", "/jobs", job_request({"size": MAX_UPLOAD_BYTES + 1}, surprise=1)).problem(422, "invalid_request")


def test_a_body_must_be_json_within_the_size_limit(call: Call) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    call("POST", "/jobs", urlencode({"kind": "upscale"}), headers=form).problem(415, "unsupported_media")
    call("POST", "/jobs", json.dumps(job_request(surprise="x" * 300_000))).problem(413, "too_large")
    assert (
        call("POST", "/jobs", job_request(), headers={"content-type": "application/json; charset=utf-8"}).status == 201
    )


def test_a_base64_body_is_decoded(context: Any) -> None:
    event = request("POST", "/jobs", base64.b64encode(json.dumps(job_request()).encode()).decode())
    event["isBase64Encoded"] = True
    assert Answer(api.handler(event, context)).status == 201
    event["body"] = "%%%"
    Answer(api.handler(event, context)).problem(422, "invalid_request")


@pytest.mark.parametrize("key", ["", "x" * 256, "ü", "a\nb"])
def test_an_invalid_idempotency_key_is_rejected(call: Call, key: str) -> None:
    problem = call("POST", "/jobs", job_request(), headers={"Idempotency-Key": key}).problem(422, "invalid_request")
    assert [error["field"].lower() for error in problem["errors"]] == ["idempotency-key"]
