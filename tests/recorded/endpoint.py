"""Scenarios of the endpoint's stored state, and of WebSockets that watch jobs."""

from typing import Any

from tests.recorded import samples, today
from tests.recorded.fake_deployment import LEDGER, SOCKETS, FakeDeployment
from tests.recorded.kinds import UPSCALE

# Of rows of the ledger that each job has, so many are recorded.
FEW = 4
OWN = ("cache", "ended")
CACHE = {"cache": "cache_counters", "cache#": "cache_results"}
CONNECTION = "L0SM9cOFvHcCIhw="


def sockets(deployment: FakeDeployment) -> None:
    """Sockets that subscribe in every way, are told of changes, and close; the sockets table meanwhile."""
    deployment.clock.advance(600)
    body = {**UPSCALE.body(), "cache": False}
    job_id: str = deployment.call("POST", "/jobs", body)["job"]["job_id"]
    for kind in ("CONNECT", "DISCONNECT"):
        event: dict[str, Any] = {"requestContext": {"eventType": kind, "connectionId": "other="}}
        answer = today.socket.handler(event, deployment.context)
        deployment.record("socket/messages", kind.lower(), {"event": event, "answer": answer})

    def frame(part: str, text: str, **more: Any) -> None:
        deployment.frame(part, text, connection=CONNECTION, **more)

    frame("subscribe", f'{{"action": "subscribe", "job_id": "{job_id}"}}')
    deployment.record("rows/sockets", "subscription", _subscriptions(deployment))
    frame("subscribe:known", f'{{"action": "subscribe", "job_id": "{job_id}", "after_seq": 1}}')
    deployment.record("rows/sockets", "subscription:after_seq", _subscriptions(deployment))
    deployment.upload(f"uploads/{job_id}/photo", samples.SMALL)
    deployment.received(deployment.queues.url)
    _pushed(deployment, "pushed:queued", job_id)
    frame("ping", '{"action": "ping"}')
    frame("unsubscribe", f'{{"action": "unsubscribe", "job_id": "{job_id}"}}')
    frame("subscribe:of_another", f'{{"action": "subscribe", "job_id": "{job_id}"}}', owner="owner-2")
    frame("invalid:action", '{"action": "shout"}')
    frame("invalid:job_id", '{"action": "subscribe", "job_id": "x"}')
    frame("invalid:json", "hello")
    frame("subscribe:again", f'{{"action": "subscribe", "job_id": "{job_id}"}}')
    deployment.call("DELETE", f"/jobs/{job_id}")
    _pushed(deployment, "pushed:cancelled", job_id)


def _subscriptions(deployment: FakeDeployment) -> list[dict[str, Any]]:
    return [row for row in deployment.rows(SOCKETS) if row["pk"]["S"].startswith("job#")]


def _pushed(deployment: FakeDeployment, part: str, job_id: str) -> None:
    before = len(deployment.sockets.posted)
    deployment.push(job_id)
    came = [{"connection": to, "message": message} for to, message in deployment.sockets.posted[before:]]
    deployment.record("socket/messages", part, {"sent": came})


def cold_starts(deployment: FakeDeployment) -> None:
    """A job wakes an endpoint without instances; the guard counts what it costs, and stops it."""
    deployment.sagemaker.instances = 0
    deployment.clock.advance(600)
    job_id: str = deployment.call("POST", "/jobs", {**UPSCALE.body(), "cache": False})["job"]["job_id"]
    deployment.upload(f"uploads/{job_id}/photo", samples.SMALL)
    invocation = deployment.dispatch("waking")
    deployment.record_row("waking", "dispatched", job_id)
    deployment.record("rows/sockets", "waking:claimed", _row(deployment, "waking#"))
    deployment.clock.advance(240)
    deployment.start(invocation)
    deployment.record_row("waking", "running", job_id)
    deployment.sagemaker.instances = 2
    outcome = deployment.record("outcomes/waking", "outcome", deployment.outcome_of("waking", invocation))
    deployment.finish("waking", invocation, outcome)
    deployment.record_row("waking", "completed", job_id)
    deployment.record("rows/sockets", "waking:measured", _row(deployment, "waking#"))
    for part, seconds in (("guard:first", 1.0), ("guard:counted", 300.0)):
        deployment.clock.advance(seconds)
        today.guard.handler({}, deployment.context)
        deployment.record("rows/sockets", part, _row(deployment, "guard#"))
    deployment.sagemaker.instances = 5000
    deployment.clock.advance(300)
    today.guard.handler({}, deployment.context)
    deployment.record("rows/sockets", "guard:stopped", _row(deployment, "guard#"))
    deployment.record("endpoint/scaling", "stop", deployment.sagemaker.scaled)


def _row(deployment: FakeDeployment, prefix: str) -> dict[str, Any]:
    (row,) = [row for row in deployment.rows(SOCKETS) if row["pk"]["S"].startswith(prefix)]
    return row


def reports(deployment: FakeDeployment) -> None:
    """Reports of an instance."""
    content = {
        "instance_id": "0123456789abcdef0123456789abcdef",
        "reported_at": deployment.clock.moment(),
        "device": "NVIDIA T4",
        "jobs": 1,
        "networks": [{"name": "sd15", "megabytes": 2132.5, "on_device": True}],
        "vram_used_mb": 3211.5,
        "vram_total_mb": 15360.0,
    }
    writer = today.InstanceReports(deployment.ledger)
    writer.write(today.InstanceReport.model_validate(content))
    bare = {
        **content,
        "instance_id": "f" * 32,
        "device": None,
        "networks": [],
        "vram_used_mb": None,
        "vram_total_mb": None,
    }
    writer.write(today.InstanceReport.model_validate(bare))
    deployment.call("GET", "/services", record_as="service/services#get:instances")


def ledger(deployment: FakeDeployment) -> None:
    """Every kind of row of the ledger; of those that each job has, a few."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in deployment.rows(LEDGER):
        prefix, mark, _ = row["pk"]["S"].partition("#")
        rows = found.setdefault(prefix + mark, [])
        if not (mark and prefix in OWN and len(rows) == FEW):
            rows.append(row)
    for prefix, rows in found.items():
        deployment.record(f"rows/ledger/{CACHE.get(prefix, prefix.rstrip('#'))}", "rows", rows)
