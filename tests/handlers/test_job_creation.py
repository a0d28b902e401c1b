"""Creating a job: its forms, its idempotency key, and what is refused."""

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
from tests.handlers.uploads import policy_of
from tests.handlers.wishes import wish

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]


def test_a_new_job_waits_for_its_photo(call: Call, store: JobStore) -> None:
    answer = call("POST", "/jobs", wish(params={"seed": 7}))
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


def test_the_form_is_good_for_exactly_what_was_declared(call: Call) -> None:
    declared = {"content_type": "image/png", "size": 1234, "sha256": "ab" * 32}
    body = call("POST", "/jobs", wish(declared)).body
    form = body["uploads"]["photo"]
    _, exact = policy_of(form)
    key = f"uploads/{body['job']['job_id']}/photo"
    digest = base64.b64encode(bytes.fromhex("ab" * 32)).decode()
    assert exact["range"] == [1234, 1234]
    for name, value in {"key": key, "Content-Type": "image/png", "x-amz-checksum-sha256": digest}.items():
        assert exact[name] == value
        assert form["fields"][name] == value
    assert form["url"] == "https://bucket.s3.us-east-1.amazonaws.com/"


def test_a_form_without_a_declared_size_has_the_limits(call: Call) -> None:
    form = call("POST", "/jobs", wish()).body["uploads"]["photo"]
    policy, exact = policy_of(form)
    assert exact["range"] == [1, MAX_UPLOAD_BYTES]
    assert "x-amz-checksum-sha256" not in form["fields"]
    signed, said = (datetime.fromisoformat(moment) for moment in (policy["expiration"], form["expires_at"]))
    assert abs(signed - said) < timedelta(minutes=1)


def test_at_an_emulator_the_bucket_is_in_the_path(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:4566")
    assert call("POST", "/jobs", wish()).body["uploads"]["photo"]["url"] == "http://127.0.0.1:4566/bucket"


def test_the_same_key_and_request_are_one_job(call: Call) -> None:
    options = {"headers": {"Idempotency-Key": "mine"}}
    first = call("POST", "/jobs", wish(), **options)
    again = call("POST", "/jobs", wish(), headers={"idempotency-key": "mine"})
    assert (first.status, again.status) == (201, 200)
    assert again.body["job"]["job_id"] == first.body["job"]["job_id"]
    assert again.body["uploads"].keys() == {"photo"}
    call("POST", "/jobs", wish(params={"seed": 1}), **options).problem(422, "idempotency_mismatch")
    other = call("POST", "/jobs", wish(), owner="owner-2", **options)
    assert other.status == 201
    assert other.body["job"]["job_id"] != first.body["job"]["job_id"]
    assert call("POST", "/jobs", wish()).body["job"]["job_id"] != first.body["job"]["job_id"]


def test_a_replay_after_the_upload_has_no_form(call: Call, job_in: JobIn, store: JobStore) -> None:
    made = call("POST", "/jobs", wish(), headers={"Idempotency-Key": "mine"}).body["job"]
    store.queue(made["job_id"], due_at=0)
    again = call("POST", "/jobs", wish(), headers={"Idempotency-Key": "mine"})
    assert (again.status, again.body["uploads"], again.body["job"]["state"]) == (200, {}, "queued")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (wish(params={"style": "baroque"}), "params.style"),
        (wish(params={"seed": -1}), "params.seed"),
        (wish(params={"seed": 2**32}), "params.seed"),
        (wish(params={"strength": 0}), "params.strength"),
        (wish(params={"strength": float("nan")}), "params.strength"),
        (wish(params={"strength": float("inf")}), "params.strength"),
        (wish(params={"room": "dungeon"}), "params.room"),
        (wish(params={"colour": "red"}), "params.colour"),
        (wish(surprise=1), "surprise"),
        (wish(engine="steam"), "engine"),
        (wish({"size": 0}), "uploads.photo.size"),
        (wish({"sha256": "short"}), "uploads.photo.sha256"),
        (wish(uploads={}), "uploads.photo"),
        (wish(uploads={"photo": {"content_type": "image/jpeg"}, "mask": {}}), "uploads.mask"),
        (wish(kind="sculpt"), "kind"),
        ({}, "kind"),
        ("{", "body"),
        ("", "body"),
        (None, "body"),
        ("[]", "body"),
        ([wish()], "body"),
        ("null", "body"),
        ('"\ud800"', "body"),
        ("[" * 100_000, "body"),
    ],
)
def test_a_request_that_is_wrong_is_told_where(call: Call, body: Any, field: str) -> None:
    problem = call("POST", "/jobs", body).problem(422, "invalid_request")
    assert field in [error["field"] for error in problem["errors"]]
    assert all(error["message"] for error in problem["errors"])


def test_the_styles_to_choose_from_are_named(call: Call) -> None:
    problem = call("POST", "/jobs", wish(params={"style": "baroque"})).problem(422, "invalid_request")
    assert "scandinavian" in problem["detail"]


@pytest.mark.parametrize("content_type", ["image/gif", "image/heic", "image/svg+xml", "application/pdf"])
def test_types_that_are_not_accepted(call: Call, content_type: str) -> None:
    call("POST", "/jobs", wish({"content_type": content_type})).problem(415, "unsupported_media")


def test_a_declared_size_beyond_the_limit(call: Call) -> None:
    call("POST", "/jobs", wish({"size": MAX_UPLOAD_BYTES + 1})).problem(413, "too_large")
    call("POST", "/jobs", wish({"size": MAX_UPLOAD_BYTES + 1}, surprise=1)).problem(422, "invalid_request")


def test_bodies_of_another_form(call: Call) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    call("POST", "/jobs", urlencode({"kind": "upscale"}), headers=form).problem(415, "unsupported_media")
    call("POST", "/jobs", json.dumps(wish(surprise="x" * 300_000))).problem(413, "too_large")
    assert call("POST", "/jobs", wish(), headers={"content-type": "application/json; charset=utf-8"}).status == 201


def test_a_body_in_base64(context: Any) -> None:
    event = request("POST", "/jobs", base64.b64encode(json.dumps(wish()).encode()).decode())
    event["isBase64Encoded"] = True
    assert Answer(api.handler(event, context)).status == 201
    event["body"] = "%%%"
    Answer(api.handler(event, context)).problem(422, "invalid_request")


@pytest.mark.parametrize("key", ["", "x" * 256, "ü", "a\nb"])
def test_idempotency_keys_that_are_none(call: Call, key: str) -> None:
    problem = call("POST", "/jobs", wish(), headers={"Idempotency-Key": key}).problem(422, "invalid_request")
    assert [error["field"].lower() for error in problem["errors"]] == ["idempotency-key"]
