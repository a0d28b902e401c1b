"""Scenarios of the rest of the API: lists, limits, statistics, prompts, and a problem of every error code."""

from typing import Any

from tests.recorded import samples, today
from tests.recorded.kinds import UPSCALE, Scenario
from tests.recorded.world import ADMIN, BUCKET, World

DAY_MICROS = 10_000_000
PNG = {"content_type": "image/png"}


def play(world: World, completed: str) -> None:
    """Play all of it; ``completed`` is a job that ended."""
    _service(world)
    _lists(world)
    _administration(world)
    _problems(world, completed)
    _limits(world)
    codes = {str(code): int(status) for code, status in sorted(today.STATUSES.items())}
    world.keep("api/problem_codes", "status_of_code", codes)
    world.keep("api/problem_codes", "codes", sorted(str(code) for code in today.ErrorCode))


def _service(world: World) -> None:
    for name in ("config", "styles", "avatars", "voices", "health", "limits", "services"):
        world.call("GET", f"/{name}", keep=f"service/{name}#get", owner=None if name == "config" else "owner-1")
    world.call("GET", "/styles", keep="service/styles#get:generate", query={"kind": "generate"})
    prompt = {"prompt": "a cosy sofa", "kind": "restyle_room", "style": "boho"}
    world.call("POST", "/prompts/enhance", prompt, keep="service/prompts#enhance")


def _lists(world: World) -> None:
    page = world.call("GET", "/jobs", keep="jobs/list#first", query={"limit": 2, "kind": "generate"})
    assert page["jobs"]
    query = {"limit": 1, "status": "failed"}
    page = world.call("GET", "/jobs", keep="jobs/list#failed", query=query)
    world.call("GET", "/jobs", keep="jobs/list#next", query={**query, "cursor": page["cursor"]})


def _administration(world: World) -> None:
    day = world.clock.moment().date().isoformat()
    world.call("GET", "/stats", keep="service/stats#get", query={"date": day}, scope=ADMIN)
    world.call("GET", "/cache/stats", keep="service/cache#stats", scope=ADMIN)
    world.call("DELETE", "/cache", keep="service/cache#clear", query={"max_age_days": 1}, scope=ADMIN)


def _problems(world: World, completed: str) -> None:
    """A request for every code of its own."""
    uploads: dict[str, Any] = {"photo": PNG}
    wish = {"kind": "upscale", "uploads": uploads}
    key = {"Idempotency-Key": "used-before"}
    world.call("POST", "/jobs", wish, headers=key, owner="owner-2")
    for code, method, path, body, more in (
        ("invalid_request", "POST", "/jobs", {**wish, "params": {"scale": 9}, "colour": "red"}, {}),
        ("invalid_request:kind", "POST", "/jobs", {"kind": "nonsense"}, {}),
        ("invalid_request:json", "POST", "/jobs", "{", {}),
        ("invalid_request:query", "GET", "/jobs", None, {"query": {"limit": 0, "cursor": "x"}}),
        ("unsupported_media:type", "POST", "/jobs", wish, {"headers": {"content-type": "text/plain"}}),
        ("unauthorized", "GET", "/jobs", None, {"owner": None}),
        ("forbidden", "GET", "/stats", None, {}),
        ("not_found", "GET", f"/jobs/{'0' * 32}", None, {}),
        ("not_found:asset", "GET", f"/assets/{'0' * 32}", None, {}),
        ("not_found:other_owner", "GET", f"/jobs/{completed}", None, {"owner": "owner-2"}),
        ("not_found:route", "GET", "/nothing", None, {}),
        ("conflict", "DELETE", f"/jobs/{completed}", None, {}),
        ("conflict:uploads", "POST", f"/jobs/{completed}/uploads", None, {}),
        ("idempotency_mismatch", "POST", "/jobs", {**wish, "cache": False}, {"headers": key, "owner": "owner-2"}),
        ("unsupported_media", "POST", "/jobs", {**wish, "uploads": {"photo": {"content_type": "image/gif"}}}, {}),
        ("too_large", "POST", "/jobs", {**wish, "uploads": {"photo": {**PNG, "size": 2**30}}}, {}),
        (
            "engine_unavailable",
            "POST",
            "/jobs",
            {"kind": "generate", "params": {"prompt": "a"}, "engine": "preview"},
            {},
        ),
    ):
        world.call(method, path, body, keep=f"problems#{code}", **more)
    _gone(world)
    world.sagemaker.status = "Failed"
    world.call("GET", "/health", keep="problems#endpoint_unavailable")
    world.sagemaker.status = "InService"


def _gone(world: World) -> None:
    """A job whose uploads are not kept any more cannot be made again."""
    world.clock.tick(600)
    plain = Scenario(**(vars(UPSCALE) | {"options": {"cache": False}}))
    job_id = world.call("POST", "/jobs", plain.body())["job"]["job_id"]
    world.upload(f"uploads/{job_id}/photo", samples.SMALL)
    world.received(world.queues.url)
    world.call("DELETE", f"/jobs/{job_id}")
    world.bucket.delete_object(Bucket=BUCKET, Key=f"uploads/{job_id}/photo")
    world.call("POST", f"/jobs/{job_id}/rerun", keep="problems#upload_expired")


def _limits(world: World) -> None:
    """One request too many, and one too dear."""
    wish = {"kind": "upscale", "uploads": {"photo": PNG}}
    for _ in range(7):
        world.call("POST", "/jobs", wish, owner="owner-3")
    world.call("POST", "/jobs", wish, owner="owner-3", keep="problems#rate_limited")
    world.call("GET", "/limits", owner="owner-3", keep="service/limits#get:used")
    world.call("POST", "/jobs", wish, owner="owner-4")
    day = world.clock.moment().date().isoformat()
    spent = today.ConditionalUpdate()
    spent.add("reserved_or_spent", DAY_MICROS)
    world.ledger.update_item("budget#owner-4", day, spent)
    world.call("POST", "/jobs", wish, owner="owner-4", keep="problems#budget_exceeded")
