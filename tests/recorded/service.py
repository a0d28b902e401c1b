"""Scenarios of the rest of the API: lists, limits, statistics, prompts, and a problem of every error code."""

from typing import Any

from tests.recorded import samples, today
from tests.recorded.fake_deployment import ADMIN, BUCKET, FakeDeployment
from tests.recorded.kinds import UPSCALE, Scenario

DAY_MICROS = 10_000_000
PNG = {"content_type": "image/png"}


def run(deployment: FakeDeployment, completed: str) -> None:
    """Play all of it; ``completed`` is a job that ended."""
    _service(deployment)
    _lists(deployment)
    _administration(deployment)
    _problems(deployment, completed)
    _limits(deployment)
    codes = {str(code): int(status) for code, status in sorted(today.STATUSES.items())}
    deployment.record("api/problem_codes", "status_of_code", codes)
    deployment.record("api/problem_codes", "codes", sorted(str(code) for code in today.ErrorCode))


def _service(deployment: FakeDeployment) -> None:
    for name in ("config", "styles", "avatars", "voices", "health", "limits", "services"):
        deployment.call(
            "GET", f"/{name}", record_as=f"service/{name}#get", owner=None if name == "config" else "owner-1"
        )
    deployment.call("GET", "/styles", record_as="service/styles#get:generate", query={"kind": "generate"})
    prompt = {"prompt": "a cosy sofa", "kind": "restyle_room", "style": "boho"}
    deployment.call("POST", "/prompts/enhance", prompt, record_as="service/prompts#enhance")


def _lists(deployment: FakeDeployment) -> None:
    page = deployment.call("GET", "/jobs", record_as="jobs/list#first", query={"limit": 2, "kind": "generate"})
    assert page["jobs"]
    query = {"limit": 1, "status": "failed"}
    page = deployment.call("GET", "/jobs", record_as="jobs/list#failed", query=query)
    deployment.call("GET", "/jobs", record_as="jobs/list#next", query={**query, "cursor": page["cursor"]})


def _administration(deployment: FakeDeployment) -> None:
    day = deployment.clock.moment().date().isoformat()
    deployment.call("GET", "/stats", record_as="service/stats#get", query={"date": day}, scope=ADMIN)
    deployment.call("GET", "/cache/stats", record_as="service/cache#stats", scope=ADMIN)
    deployment.call("DELETE", "/cache", record_as="service/cache#clear", query={"max_age_days": 1}, scope=ADMIN)


def _problems(deployment: FakeDeployment, completed: str) -> None:
    """A request for every code of its own."""
    uploads: dict[str, Any] = {"photo": PNG}
    body = {"kind": "upscale", "uploads": uploads}
    key = {"Idempotency-Key": "used-before"}
    deployment.call("POST", "/jobs", body, headers=key, owner="owner-2")
    for code, method, path, content, more in (
        ("invalid_request", "POST", "/jobs", {**body, "params": {"scale": 9}, "colour": "red"}, {}),
        ("invalid_request:kind", "POST", "/jobs", {"kind": "nonsense"}, {}),
        ("invalid_request:json", "POST", "/jobs", "{", {}),
        ("invalid_request:query", "GET", "/jobs", None, {"query": {"limit": 0, "cursor": "x"}}),
        ("unsupported_media:type", "POST", "/jobs", body, {"headers": {"content-type": "text/plain"}}),
        ("unauthorized", "GET", "/jobs", None, {"owner": None}),
        ("forbidden", "GET", "/stats", None, {}),
        ("not_found", "GET", f"/jobs/{'0' * 32}", None, {}),
        ("not_found:asset", "GET", f"/assets/{'0' * 32}", None, {}),
        ("not_found:other_owner", "GET", f"/jobs/{completed}", None, {"owner": "owner-2"}),
        ("not_found:route", "GET", "/nothing", None, {}),
        ("conflict", "DELETE", f"/jobs/{completed}", None, {}),
        ("conflict:uploads", "POST", f"/jobs/{completed}/uploads", None, {}),
        ("idempotency_mismatch", "POST", "/jobs", {**body, "cache": False}, {"headers": key, "owner": "owner-2"}),
        ("unsupported_media", "POST", "/jobs", {**body, "uploads": {"photo": {"content_type": "image/gif"}}}, {}),
        ("too_large", "POST", "/jobs", {**body, "uploads": {"photo": {**PNG, "size": 2**30}}}, {}),
        (
            "engine_unavailable",
            "POST",
            "/jobs",
            {"kind": "generate", "params": {"prompt": "a"}, "engine": "preview"},
            {},
        ),
    ):
        deployment.call(method, path, content, record_as=f"problems#{code}", **more)
    _gone(deployment)
    deployment.sagemaker.status = "Failed"
    deployment.call("GET", "/health", record_as="problems#endpoint_unavailable")
    deployment.sagemaker.status = "InService"


def _gone(deployment: FakeDeployment) -> None:
    """A job whose uploads are not kept any more cannot be made again."""
    deployment.clock.advance(600)
    plain = Scenario(**(vars(UPSCALE) | {"options": {"cache": False}}))
    job_id = deployment.call("POST", "/jobs", plain.body())["job"]["job_id"]
    deployment.upload(f"uploads/{job_id}/photo", samples.png(90, 60))  # of no other job, whose result it could take
    deployment.received(deployment.queues.url)
    deployment.call("DELETE", f"/jobs/{job_id}")
    deployment.bucket.delete_object(Bucket=BUCKET, Key=f"uploads/{job_id}/photo")
    deployment.call("POST", f"/jobs/{job_id}/rerun", record_as="problems#upload_expired")


def _limits(deployment: FakeDeployment) -> None:
    """One request too many, and one too dear."""
    body = {"kind": "upscale", "uploads": {"photo": PNG}}
    for _ in range(7):
        deployment.call("POST", "/jobs", body, owner="owner-3")
    deployment.call("POST", "/jobs", body, owner="owner-3", record_as="problems#rate_limited")
    deployment.call("GET", "/limits", owner="owner-3", record_as="service/limits#get:used")
    deployment.call("POST", "/jobs", body, owner="owner-4")
    day = deployment.clock.moment().date().isoformat()
    spent = today.ConditionalUpdate()
    spent.add("reserved_or_spent", DAY_MICROS)
    deployment.ledger.update_item("budget#owner-4", day, spent)
    deployment.call("POST", "/jobs", body, owner="owner-4", record_as="problems#budget_exceeded")
