"""REST API as its caller sees it."""

import base64
import json
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mypy_boto3_s3 import S3Client

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import Job, State
from darkroom.contract.results import Picture, Result
from darkroom.contract.uploads import MAX_UPLOAD_BYTES
from handlers import api
from handlers.http_api.problems import Problem
from handlers.jobs.service import CANCELLED_ERROR
from tests.handlers.calls import Answer, Call, request
from tests.links import unlinked

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]


def wish(photo: dict[str, Any] | None = None, params: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A request for a restyling, with anything else you say."""
    return {
        "kind": "restyle_room",
        "params": {"style": "scandinavian", **(params or {})},
        "uploads": {"photo": {"content_type": "image/jpeg", **(photo or {})}},
        **more,
    }


# Creating.


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


def policy_of(form: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    exact: dict[str, Any] = {}
    for condition in policy["conditions"]:
        if isinstance(condition, dict):
            exact |= condition
        elif condition[0] == "content-length-range":
            exact["range"] = condition[1:]
    return policy, exact


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


# Whose job it is.


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/uploads")])
def test_somebody_elses_job_is_not_there(call: Call, store: JobStore, job_in: JobIn, method: str, path: str) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    foreign = call(method, f"/jobs/{job.job_id}{path}", owner="owner-2").problem(404, "not_found")
    for unknown in ("0" * 32, "short", "0" * 3000, "..%2F.."):
        assert call(method, f"/jobs/{unknown}{path}").problem(404, "not_found")["detail"] == foreign["detail"]
    assert store.get(job.job_id) == job


@pytest.mark.parametrize(("method", "path"), [("GET", "/jobs"), ("POST", "/jobs"), ("GET", f"/jobs/{'0' * 32}")])
def test_nobody_gets_nothing(call: Call, method: str, path: str) -> None:
    call(method, path, wish() if method == "POST" else None, owner=None).problem(401, "unauthorized")


# Looking.


def test_pictures_have_links_that_work_for_an_hour(call: Call, store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.RUNNING)
    picture = Picture(
        name="result", key=f"results/{job.job_id}/result.jpg", content_type="image/jpeg",
        width=4, height=3, size=9, sha256="0" * 64,
    )  # fmt: skip
    result = Result(pictures=[picture], engine=Engine.PREVIEW)
    store.complete(job.job_id, 1, result=result, timeline=[], cost_usd=0)
    (shown,) = call("GET", f"/jobs/{job.job_id}").body["result"]["pictures"]
    url = urlsplit(shown["url"])
    assert (url.netloc, url.path) == ("bucket.s3.us-east-1.amazonaws.com", f"/{picture.key}")
    assert parse_qs(url.query)["X-Amz-Expires"] == ["3600"]


def test_jobs_are_listed_page_by_page(call: Call, store: JobStore) -> None:
    made = [call("POST", "/jobs", wish()).body["job"]["job_id"] for _ in range(5)]
    call("POST", "/jobs", wish(), owner="owner-2")
    call("DELETE", f"/jobs/{made[1]}")

    def pages(**query: Any) -> list[str]:
        seen: list[str] = []
        while True:
            page = call("GET", "/jobs", query=query).body
            seen += [job["job_id"] for job in page["jobs"]]
            if page["cursor"] is None:
                return seen
            query["cursor"] = page["cursor"]

    assert pages() == pages(limit=2) == made[::-1]
    assert pages(status="cancelled") == [made[1]]
    assert pages(kind="upscale") == []
    assert pages(kind="restyle_room", status="awaiting_upload", limit=1) == [made[4], made[3], made[2], made[0]]


def test_a_cursor_never_shows_anybody_elses_jobs(call: Call) -> None:
    for _ in range(3):
        call("POST", "/jobs", wish(), owner="owner-2")
    theirs = call("GET", "/jobs", query={"limit": 1}, owner="owner-2").body["cursor"]
    mine = call("GET", "/jobs", query={"limit": 1, "cursor": theirs})
    assert (mine.status, mine.body["jobs"]) == (200, [])


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "nonsense"},
        {"cursor": ""},
        {"cursor": "ü"},
        {"cursor": base64.urlsafe_b64encode(b'["2026", "x"]').decode()},
        {"cursor": base64.urlsafe_b64encode(b'{"owner": "owner-2"}').decode()},
        {"cursor": base64.urlsafe_b64encode(json.dumps(["", "0" * 32]).encode()).decode()},
        {"cursor": base64.urlsafe_b64encode(b"\xff\xfe").decode()},
        {"cursor": "A" * 500},
        {"limit": 0},
        {"limit": 101},
        {"limit": "many"},
        {"status": "asleep"},
        {"kind": "sculpt"},
    ],
)
def test_listings_that_cannot_be(call: Call, query: dict[str, Any]) -> None:
    problem = call("GET", "/jobs", query=query).problem(422, "invalid_request")
    assert [error["field"] for error in problem["errors"]] == list(query)


# Cancelling, and more time for uploads.


@pytest.mark.parametrize("state", [State.AWAITING_UPLOAD, State.QUEUED, State.DISPATCHED, State.RUNNING])
def test_a_job_is_cancelled_in_any_state(call: Call, job_in: JobIn, state: State) -> None:
    job = job_in(state)
    first, again = (call("DELETE", f"/jobs/{job.job_id}") for _ in range(2))
    assert (first.status, again.status) == (200, 200)
    assert unlinked(first.body) == unlinked(again.body)
    assert (first.body["state"], first.body["error"]["code"], first.body["seq"]) == (
        "cancelled",
        "cancelled",
        job.seq + 1,
    )


def test_what_has_ended_cannot_be_cancelled(call: Call, store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.RUNNING)
    done = store.complete(job.job_id, 1, result=Result(pictures=[], engine=Engine.PREVIEW), timeline=[], cost_usd=0)
    problem = call("DELETE", f"/jobs/{job.job_id}").problem(409, "conflict")
    assert "completed" in problem["detail"]
    assert store.get(job.job_id) == done


def test_fresh_forms_come_with_time_to_use_them(call: Call, store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.AWAITING_UPLOAD, due_at=time.time() + 1)
    answer = call("POST", f"/jobs/{job.job_id}/uploads")
    assert answer.status == 200
    assert answer.body["uploads"]["photo"]["fields"]["key"] == f"uploads/{job.job_id}/photo"
    assert store.expire(job.job_id, CANCELLED_ERROR, now=time.time() + 600) is None


def test_a_job_that_waits_for_no_upload_gets_no_forms(call: Call, job_in: JobIn) -> None:
    job = job_in(State.QUEUED)
    call("POST", f"/jobs/{job.job_id}/uploads").problem(409, "conflict")


# Everything else.


def test_styles_and_configuration(call: Call) -> None:
    found = {style["name"]: style for style in call("GET", "/styles").body["styles"]}
    assert {"modern", "scandinavian", "boho", "industrial", "minimalist"} <= found.keys()
    for style in found.values():
        assert style.keys() == {"name", "title", "description", "palette"}
        assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in style["palette"])
    known = call("GET", "/config", owner=None).body
    assert (known["socket_url"], known["client_id"]) == ("wss://socket.example", "app")
    assert (known["issuer"], known["region"]) == ("https://issuer.example", "us-east-1")
    assert known["limits"]["max_upload_bytes"] == MAX_UPLOAD_BYTES


class FakeSageMaker:
    """Says in what state the endpoint is."""

    status = "InService"

    def describe_endpoint(self, **_call: Any) -> dict[str, Any]:
        return {"EndpointStatus": self.status}


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> FakeSageMaker:
    fake = FakeSageMaker()
    monkeypatch.setattr("cloud.clients.sagemaker", lambda _config: fake)
    return fake


def test_health_when_everything_answers(call: Call, sagemaker: FakeSageMaker) -> None:
    answer = call("GET", "/health")
    assert (answer.status, answer.body["status"]) == (200, "ok")
    assert {name: part["status"] for name, part in answer.body["parts"].items()} == dict.fromkeys(
        ("table", "bucket", "queue", "endpoint"), "ok"
    )


def test_health_names_what_is_down(call: Call, sagemaker: FakeSageMaker, bucket: S3Client) -> None:
    sagemaker.status = "Failed"
    bucket.delete_bucket(Bucket="bucket")
    problem = call("GET", "/health").problem(503, "endpoint_unavailable")
    down = {name for name, part in problem["parts"].items() if part["status"] == "down"}
    assert down == {"bucket", "endpoint"}
    assert problem["parts"]["endpoint"]["reason"] == "Failed"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/nowhere"), ("PUT", "/jobs"), ("GET", "/jobs/a/b")]
)
def test_there_is_nothing_else(call: Call, method: str, path: str) -> None:
    call(method, path).problem(404, "not_found")


def test_our_own_mistakes_tell_nothing_of_the_inside(
    call: Call, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_options: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(JobStore, "create", broken)
    problem = call("POST", "/jobs", wish()).problem(500, "internal")
    assert "secret" not in str(problem)


# Nothing that a caller sends is answered with a 500.

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_nearly = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["restyle_room", "upscale"]) | _json,
        "params": st.fixed_dictionaries(
            {}, optional={"style": st.just("boho") | _json, "seed": _json, "strength": _json, "scale": _json}
        )
        | _json,
        "uploads": st.fixed_dictionaries(
            {},
            optional={
                "photo": st.fixed_dictionaries(
                    {},
                    optional={
                        "content_type": st.just("image/png") | _json,
                        "size": st.integers() | _json,
                        "sha256": st.from_regex(r"\A[0-9a-f]{64}\Z") | _json,
                    },
                )
                | _json
            },
        )
        | _json,
        "engine": _json,
        "allow_preview": st.booleans() | _json,
        "cache": st.booleans() | _json,
    },
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=_json | _nearly | st.text(max_size=50), key=st.none() | st.text(max_size=30))
def test_no_body_breaks_it(call: Call, body: Any, key: str | None) -> None:
    answer = call("POST", "/jobs", body, headers={} if key is None else {"Idempotency-Key": key})
    assert answer.status in (200, 201, 413, 415, 422, 429)
    if answer.status > 201:
        Problem.model_validate(answer.body)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    query=st.dictionaries(
        st.sampled_from(["status", "kind", "cursor", "limit"]), st.text(max_size=20) | st.integers(-3, 200)
    ),
    job_id=st.text(max_size=40) | st.from_regex(r"\A[0-9a-f]{32}\Z"),
)
def test_no_query_and_no_path_break_it(call: Call, query: dict[str, Any], job_id: str) -> None:
    assert call("GET", "/jobs", query=query).status in (200, 422)
    assert call("GET", f"/jobs/{job_id}").status in (200, 404)
