"""HTTP API: reading, listing and cancelling jobs, and its errors."""

import base64
import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mypy_boto3_s3 import S3Client

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import State
from darkroom.contract.results import Picture, Result
from darkroom.contract.uploads import MAX_UPLOAD_BYTES
from handlers.http_api.problems import Problem
from handlers.jobs.service import CANCELLED_ERROR
from tests.handlers.calls import Call
from tests.handlers.job_requests import job_request
from tests.links import unlinked

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]


# Ownership.


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/uploads")])
def test_a_job_of_another_owner_is_not_found(
    call: Call, store: JobStore, job_in: JobIn, method: str, path: str
) -> None:
    job = job_in(State.AWAITING_UPLOAD)
    foreign = call(method, f"/jobs/{job.job_id}{path}", owner="owner-2").problem(404, "not_found")
    for unknown in ("0" * 32, "short", "0" * 3000, "..%2F.."):
        assert call(method, f"/jobs/{unknown}{path}").problem(404, "not_found")["detail"] == foreign["detail"]
    assert store.get(job.job_id) == job


@pytest.mark.parametrize(("method", "path"), [("GET", "/jobs"), ("POST", "/jobs"), ("GET", f"/jobs/{'0' * 32}")])
def test_a_request_without_a_token_is_unauthorized(call: Call, method: str, path: str) -> None:
    call(method, path, job_request() if method == "POST" else None, owner=None).problem(401, "unauthorized")


# Reading and listing.


def test_presigned_urls_of_pictures_are_valid_for_an_hour(call: Call, store: JobStore, job_in: JobIn) -> None:
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
    made = [call("POST", "/jobs", job_request()).body["job"]["job_id"] for _ in range(5)]
    call("POST", "/jobs", job_request(), owner="owner-2")
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


def test_a_cursor_of_another_owner_shows_no_jobs(call: Call) -> None:
    for _ in range(3):
        call("POST", "/jobs", job_request(), owner="owner-2")
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
def test_an_invalid_query_of_a_listing_is_rejected(call: Call, query: dict[str, Any]) -> None:
    problem = call("GET", "/jobs", query=query).problem(422, "invalid_request")
    assert [error["field"] for error in problem["errors"]] == list(query)


# Cancelling, and more time for uploads.


@pytest.mark.parametrize("state", [State.AWAITING_UPLOAD, State.QUEUED, State.DISPATCHED, State.RUNNING])
def test_an_unfinished_job_is_cancelled_in_any_state(call: Call, job_in: JobIn, state: State) -> None:
    job = job_in(state)
    first, again = (call("DELETE", f"/jobs/{job.job_id}") for _ in range(2))
    assert (first.status, again.status) == (200, 200)
    assert unlinked(first.body) == unlinked(again.body)
    assert (first.body["state"], first.body["error"]["code"], first.body["seq"]) == (
        "cancelled",
        "cancelled",
        job.seq + 1,
    )


def test_cancelling_a_completed_job_is_a_conflict(call: Call, store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.RUNNING)
    done = store.complete(job.job_id, 1, result=Result(pictures=[], engine=Engine.PREVIEW), timeline=[], cost_usd=0)
    problem = call("DELETE", f"/jobs/{job.job_id}").problem(409, "conflict")
    assert "completed" in problem["detail"]
    assert store.get(job.job_id) == done


def test_renewing_upload_forms_extends_the_deadline(call: Call, store: JobStore, job_in: JobIn) -> None:
    job = job_in(State.AWAITING_UPLOAD, due_at=time.time() + 1)
    answer = call("POST", f"/jobs/{job.job_id}/uploads")
    assert answer.status == 200
    assert answer.body["uploads"]["photo"]["fields"]["key"] == f"uploads/{job.job_id}/photo"
    assert store.expire(job.job_id, CANCELLED_ERROR, now=time.time() + 600) is None


def test_renewing_the_forms_of_a_queued_job_is_a_conflict(call: Call, job_in: JobIn) -> None:
    job = job_in(State.QUEUED)
    refused = call("POST", f"/jobs/{job.job_id}/uploads").problem(409, "conflict")
    assert refused["detail"] == "The job waits for no upload: it is queued."


# Other routes.


def test_styles_and_configuration_are_served(call: Call, sagemaker: "FakeSageMaker") -> None:
    found = {style["name"]: style for style in call("GET", "/styles").body["styles"]}
    assert {"modern", "scandinavian", "boho", "industrial", "minimalist"} <= found.keys()
    for style in found.values():
        assert style.keys() == {"name", "title", "description", "palette", "translations"}
        assert style["translations"]["es"]["title"]
        assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in style["palette"])
    known = call("GET", "/config", owner=None).body
    assert (known["socket_url"], known["client_id"]) == ("wss://socket.example", "app")
    assert (known["issuer"], known["region"]) == ("https://issuer.example", "us-east-1")
    assert known["limits"]["max_upload_bytes"] == MAX_UPLOAD_BYTES
    engines = {each["kind"]: each["engines"] for each in known["kinds"]}
    assert engines["upscale"] == ["models", "preview"]
    assert engines["generate"] == ["models"]
    assert {each["kind"] for each in known["kinds"] if each["makes_video"]} == {"render_video", "render_scenes"}


class FakeSageMaker:
    """Fake of the control plane with a status of the endpoint."""

    status = "InService"

    def describe_endpoint(self, **_call: Any) -> dict[str, Any]:
        return {"EndpointStatus": self.status}


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> FakeSageMaker:
    fake = FakeSageMaker()
    monkeypatch.setattr("cloud.clients.sagemaker", lambda _config: fake)
    return fake


def test_health_is_ok_when_every_component_responds(call: Call, sagemaker: FakeSageMaker) -> None:
    answer = call("GET", "/health")
    assert (answer.status, answer.body["status"]) == (200, "ok")
    assert {name: part["status"] for name, part in answer.body["parts"].items()} == dict.fromkeys(
        ("table", "bucket", "queue", "endpoint"), "ok"
    )


def test_health_names_the_components_that_are_down(call: Call, sagemaker: FakeSageMaker, bucket: S3Client) -> None:
    sagemaker.status = "Failed"
    bucket.delete_bucket(Bucket="bucket")
    problem = call("GET", "/health").problem(503, "endpoint_unavailable")
    down = {name for name, part in problem["parts"].items() if part["status"] == "down"}
    assert down == {"bucket", "endpoint"}
    assert problem["parts"]["endpoint"]["reason"] == "Failed"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/nowhere"), ("PUT", "/jobs"), ("GET", "/jobs/a/b")]
)
def test_an_unknown_route_is_not_found(call: Call, method: str, path: str) -> None:
    call(method, path).problem(404, "not_found")


def test_an_internal_error_reveals_no_details(call: Call, store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_options: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(JobStore, "create", broken)
    problem = call("POST", "/jobs", job_request()).problem(500, "internal")
    assert "secret" not in str(problem)


# No request is answered with a 500.

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
def test_no_body_causes_an_internal_error(call: Call, body: Any, key: str | None) -> None:
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
def test_no_query_and_no_path_cause_an_internal_error(call: Call, query: dict[str, Any], job_id: str) -> None:
    assert call("GET", "/jobs", query=query).status in (200, 422)
    assert call("GET", f"/jobs/{job_id}").status in (200, 404)
