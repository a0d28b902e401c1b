"""Scenarios of the endpoint's stored state, and of WebSockets that watch jobs."""

from typing import Any

from tests.recorded import samples, today
from tests.recorded.kinds import UPSCALE
from tests.recorded.world import LEDGER, SOCKETS, World

# Of rows of the ledger that each job has, so many are recorded.
FEW = 4
OWN = ("cache", "ended")
CACHE = {"cache": "cache_counters", "cache#": "cache_results"}
CONNECTION = "L0SM9cOFvHcCIhw="


def sockets(world: World) -> None:
    """Sockets that subscribe in every way, are told of changes, and close; the sockets table meanwhile."""
    world.clock.tick(600)
    wish = {**UPSCALE.body(), "cache": False}
    job_id: str = world.call("POST", "/jobs", wish)["job"]["job_id"]
    for kind in ("CONNECT", "DISCONNECT"):
        event: dict[str, Any] = {"requestContext": {"eventType": kind, "connectionId": "other="}}
        answer = today.socket.handler(event, world.context)
        world.keep("socket/messages", kind.lower(), {"event": event, "answer": answer})

    def frame(part: str, text: str, **more: Any) -> None:
        world.frame(part, text, connection=CONNECTION, **more)

    frame("subscribe", f'{{"action": "subscribe", "job_id": "{job_id}"}}')
    world.keep("rows/sockets", "subscription", _subscriptions(world))
    frame("subscribe:known", f'{{"action": "subscribe", "job_id": "{job_id}", "after_seq": 1}}')
    world.keep("rows/sockets", "subscription:after_seq", _subscriptions(world))
    world.upload(f"uploads/{job_id}/photo", samples.SMALL)
    world.received(world.queues.url)
    _pushed(world, "pushed:queued", job_id)
    frame("ping", '{"action": "ping"}')
    frame("unsubscribe", f'{{"action": "unsubscribe", "job_id": "{job_id}"}}')
    frame("subscribe:of_another", f'{{"action": "subscribe", "job_id": "{job_id}"}}', owner="owner-2")
    frame("invalid:action", '{"action": "shout"}')
    frame("invalid:job_id", '{"action": "subscribe", "job_id": "x"}')
    frame("invalid:json", "hello")
    frame("subscribe:again", f'{{"action": "subscribe", "job_id": "{job_id}"}}')
    world.call("DELETE", f"/jobs/{job_id}")
    _pushed(world, "pushed:cancelled", job_id)


def _subscriptions(world: World) -> list[dict[str, Any]]:
    return [row for row in world.rows(SOCKETS) if row["pk"]["S"].startswith("job#")]


def _pushed(world: World, part: str, job_id: str) -> None:
    before = len(world.sockets.posted)
    world.push(job_id)
    came = [{"connection": to, "message": message} for to, message in world.sockets.posted[before:]]
    world.keep("socket/messages", part, {"sent": came})


def waking(world: World) -> None:
    """A job wakes an endpoint without instances; the guard counts what it costs, and stops it."""
    world.sagemaker.instances = 0
    world.clock.tick(600)
    job_id: str = world.call("POST", "/jobs", {**UPSCALE.body(), "cache": False})["job"]["job_id"]
    world.upload(f"uploads/{job_id}/photo", samples.SMALL)
    invocation = world.dispatch("waking")
    world.keep_row("waking", "dispatched", job_id)
    world.keep("rows/sockets", "waking:claimed", _row(world, "waking#"))
    world.clock.tick(240)
    world.start(invocation)
    world.keep_row("waking", "running", job_id)
    world.sagemaker.instances = 2
    outcome = world.keep("outcomes/waking", "outcome", world.outcome_of("waking", invocation))
    world.finish("waking", invocation, outcome)
    world.keep_row("waking", "completed", job_id)
    world.keep("rows/sockets", "waking:measured", _row(world, "waking#"))
    for part, seconds in (("guard:first", 1.0), ("guard:counted", 300.0)):
        world.clock.tick(seconds)
        today.guard.handler({}, world.context)
        world.keep("rows/sockets", part, _row(world, "guard#"))
    world.sagemaker.instances = 5000
    world.clock.tick(300)
    today.guard.handler({}, world.context)
    world.keep("rows/sockets", "guard:stopped", _row(world, "guard#"))
    world.keep("endpoint/scaling", "stop", world.sagemaker.scaled)


def _row(world: World, prefix: str) -> dict[str, Any]:
    (row,) = [row for row in world.rows(SOCKETS) if row["pk"]["S"].startswith(prefix)]
    return row


def reports(world: World) -> None:
    """What an instance says of itself."""
    told = {
        "instance_id": "0123456789abcdef0123456789abcdef",
        "reported_at": world.clock.moment(),
        "device": "NVIDIA T4",
        "jobs": 1,
        "networks": [{"name": "sd15", "megabytes": 2132.5, "on_device": True}],
        "vram_used_mb": 3211.5,
        "vram_total_mb": 15360.0,
    }
    writer = today.InstanceReports(world.ledger)
    writer.write(today.InstanceReport.model_validate(told))
    bare = {
        **told,
        "instance_id": "f" * 32,
        "device": None,
        "networks": [],
        "vram_used_mb": None,
        "vram_total_mb": None,
    }
    writer.write(today.InstanceReport.model_validate(bare))
    world.call("GET", "/services", keep="service/services#get:instances")


def ledger(world: World) -> None:
    """Every kind of row of the ledger; of those that each job has, a few."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in world.rows(LEDGER):
        prefix, mark, _ = row["pk"]["S"].partition("#")
        rows = found.setdefault(prefix + mark, [])
        if not (mark and prefix in OWN and len(rows) == FEW):
            rows.append(row)
    for prefix, rows in found.items():
        world.keep(f"rows/ledger/{CACHE.get(prefix, prefix.rstrip('#'))}", "rows", rows)
