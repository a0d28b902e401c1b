"""Scenarios of jobs that fail, end early or are retried: every error code of a job."""

from typing import Any

from tests.recorded import samples, today
from tests.recorded.kinds import FIND, INPAINT, RESTYLE, SWAP, UPSCALE, VIDEO, Scenario, on
from tests.recorded.world import Item, World

ROWS = "failures"
GIF = b"GIF89a" + bytes(60)
TEXT = b"Dear Darkroom, this is not a file of yours.\n" * 8
# What ``uploaded`` refuses: name → (role's content type, bytes, what is declared besides).
UPLOADS: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "empty_file": ("image/png", b"", {}),
    "unsupported_media": ("image/png", GIF, {}),
    "invalid_image": ("image/png", samples.SMALL[:20], {}),
    "too_large": ("image/png", samples.png(1, 1).replace(bytes((0, 0, 0, 1)) * 2, bytes((0, 0, 78, 32)) * 2, 1), {}),
    "checksum_mismatch": ("image/png", samples.SMALL, {"sha256": "0" * 64}),
}
# What the container refuses by itself, given these files.
REFUSED: dict[str, Scenario] = {
    "no_face": on("preview", SWAP, files={"source": samples.SMALL, "target": samples.FACE_TARGET}),
    "several_faces": on("preview", SWAP, files={"source": samples.FACE_GROUP, "target": samples.FACE_TARGET}),
    "invalid_mask": on("preview", INPAINT, files={"photo": samples.ROOM, "mask": samples.SMALL}),
    "too_long": on("preview", VIDEO, params={"resolution": "360p"}, files={"voice_track": samples.wav(301)}),
    "invalid_audio": on("preview", VIDEO, params={}, files={"voice_track": samples.VOICE[:12] + TEXT}),
    "engine_unavailable": on("models", FIND),
}
# What takes a machine or a network of its own to go wrong: a stage's error, as the container tells it.
RAISED: dict[str, today.DarkroomError] = {
    "rejected_content": today.DarkroomError(today.ErrorCode.REJECTED_CONTENT, "The picture was held back."),
    "out_of_memory": today.DarkroomError(today.ErrorCode.OUT_OF_MEMORY, "The GPU's memory ran out.", retryable=True),
    "internal": today.DarkroomError(today.ErrorCode.INTERNAL, "A stage failed."),
}
# How the endpoint words its failures (``infra.local.endpoint``), and whether the container had answered.
REASONS: dict[str, tuple[str, bool]] = {
    "server_error": ("ClientError: Received server error (500) from model.", True),
    "lost": ("InternalServerError: Lost the connection to the model container.", False),
    "timed_out": ("ClientError: The model timed out: no answer within InvocationTimeoutSeconds.", False),
    "expired": ("ClientError: The request expired: it was in the queue longer than RequestTTLSeconds.", False),
}


def play(world: World) -> None:
    """Play all of them."""
    for name, (content_type, data, more) in UPLOADS.items():
        _refused_upload(world, name, content_type, data, more)
    for name, scenario in REFUSED.items():
        _refused_job(world, name, scenario)
    for name in RAISED:
        _refused_job(world, name, on("preview", RESTYLE))
    for name, (reason, answered) in REASONS.items():
        _endpoint_failure(world, name, reason, answered)
    _retried(world)
    _given_up(world)
    _unreachable(world)
    _cancelled(world)
    _abandoned(world)
    _swept(world)


def begin(world: World, scenario: Scenario) -> str:
    """Ask for a job; its id."""
    world.clock.tick(600)
    body = world.call("POST", "/jobs", {**scenario.body(), "cache": False})
    return str(body["job"]["job_id"])


def bring(world: World, name: str, scenario: Scenario, *, part: str | None = None) -> tuple[str, Item]:
    """Bring a job to the endpoint, running; its id and invocation."""
    job_id = begin(world, scenario)
    world.notice_uploads()
    for role, data in scenario.files.items():
        world.upload(f"uploads/{job_id}/{role}", data)
    invocation = world.dispatch(ROWS, part=part or name)
    world.start(invocation)
    return job_id, invocation


def _keep_end(world: World, name: str, job_id: str) -> None:
    world.keep_row(ROWS, name, job_id)
    world.end(job_id, part=f"failures:{name}")
    world.call("GET", f"/jobs/{job_id}", keep=f"jobs/failures#{name}")


def _refused_upload(world: World, name: str, content_type: str, data: bytes, more: dict[str, Any]) -> None:
    world.clock.tick(600)
    photo = {"content_type": content_type, **more}
    body = world.call("POST", "/jobs", {"kind": "upscale", "uploads": {"photo": photo}, "cache": False})
    job_id = body["job"]["job_id"]
    world.upload(f"uploads/{job_id}/photo", data)
    _keep_end(world, f"upload:{name}", job_id)


def _refused_job(world: World, name: str, scenario: Scenario) -> None:
    job_id, invocation = bring(world, name, scenario)
    world.report(invocation, preview=name == "rejected_content")
    outcome = world.keep(f"outcomes/{ROWS}", name, world.outcome_of(name, invocation))
    world.finish(ROWS, invocation, outcome, part=name)
    if outcome["error"]["retryable"]:
        world.keep_row(ROWS, f"container:{name}:tried_again", job_id)
        world.received(world.queues.url)
        world.call("DELETE", f"/jobs/{job_id}")
    else:
        _keep_end(world, f"container:{name}", job_id)


def _endpoint_failure(world: World, name: str, reason: str, answered: bool) -> None:
    job_id, invocation = bring(world, f"endpoint:{name}", UPSCALE)
    where = f"s3://bucket/outcomes/failures/{job_id}-1-error.out" if answered else None
    world.fail(ROWS, invocation, reason, part=f"endpoint:{name}", location=where)
    world.keep_row(ROWS, f"endpoint:{name}:tried_again", job_id)
    world.received(world.queues.url)
    world.call("DELETE", f"/jobs/{job_id}")


def _retried(world: World) -> None:
    """The first attempt is lost after some progress, the second succeeds."""
    job_id, invocation = bring(world, "retry", UPSCALE, part="retry:1")
    world.report(invocation, preview=True)
    world.fail(ROWS, invocation, REASONS["lost"][0], part="retry:1")
    world.keep_row(ROWS, "retry:queued", job_id)
    again = world.dispatch(ROWS, part="retry:2")
    world.keep_row(ROWS, "retry:dispatched", job_id)
    world.start(again)
    world.report(again, preview=False)
    world.keep_row(ROWS, "retry:running", job_id)
    outcome = world.keep(f"outcomes/{ROWS}", "retry:2", world.outcome_of("retry", again))
    world.finish(ROWS, again, outcome, part="retry:2")
    _keep_end(world, "retry:completed", job_id)


def _given_up(world: World) -> None:
    """Three attempts fail: the operator is told by the dead letters."""
    job_id, invocation = bring(world, "given_up", UPSCALE, part="given_up:1")
    for number in (1, 2, 3):
        world.fail(ROWS, invocation, REASONS["lost"][0], part=f"given_up:{number}")
        if number < 3:
            invocation = world.dispatch(ROWS, part=f"given_up:{number + 1}")
            world.start(invocation)
    _keep_end(world, "given_up:container_failed", job_id)
    world.keep("queues/dead_letters", "given_up", world.received(world.queues.dead_letter_url))


def _unreachable(world: World) -> None:
    """The endpoint does not answer, three times."""
    job_id = begin(world, UPSCALE)
    world.upload(f"uploads/{job_id}/photo", samples.SMALL)
    world.sagemaker.reachable = False
    for number in (1, 2, 3):
        world.dispatch(ROWS, part=f"unreachable:{number}")
        if number == 1:
            world.keep_row(ROWS, "unreachable:tried_again", job_id)
    world.sagemaker.reachable = True
    _keep_end(world, "unreachable:endpoint_unavailable", job_id)
    world.keep("queues/dead_letters", "unreachable", world.received(world.queues.dead_letter_url))


def _cancelled(world: World) -> None:
    """Its owner cancels a job in each state in which it is not over."""
    for state in ("awaiting_upload", "queued", "dispatched", "running"):
        job_id = begin(world, UPSCALE)
        if state != "awaiting_upload":
            world.upload(f"uploads/{job_id}/photo", samples.SMALL)
        if state in ("dispatched", "running"):
            invocation = world.dispatch(ROWS, part=f"cancelled:{state}")
            if state == "running":
                world.start(invocation)
                world.report(invocation, preview=True)
        world.received(world.queues.url)
        world.call("DELETE", f"/jobs/{job_id}", keep=f"jobs/cancel#{state}")
        _keep_end(world, f"cancelled:{state}", job_id)


def _abandoned(world: World) -> None:
    """The container finds that the job is not its own any more."""
    job_id, invocation = bring(world, "abandoned", UPSCALE)
    world.call("DELETE", f"/jobs/{job_id}")
    outcome = world.keep(f"outcomes/{ROWS}", "abandoned", world.outcome_of("abandoned", invocation))
    world.finish(ROWS, invocation, outcome, part="abandoned")
    _keep_end(world, "abandoned", job_id)


def _swept(world: World) -> None:
    """What the sweep ends, or puts into the queue once more."""
    late = begin(world, UPSCALE)
    world.clock.tick(2000)
    today.sweep.handler({}, world.context)
    _keep_end(world, "swept:expired", late)

    stalled, _ = bring(world, "stalled", UPSCALE)
    world.clock.tick(5000)
    today.sweep.handler({}, world.context)
    world.keep_row(ROWS, "swept:stalled:tried_again", stalled)
    world.received(world.queues.url)
    world.call("DELETE", f"/jobs/{stalled}")

    waiting = begin(world, UPSCALE)
    world.upload(f"uploads/{waiting}/photo", samples.SMALL)
    world.received(world.queues.url)
    world.clock.tick(150)
    today.sweep.handler({}, world.context)
    world.keep("queues/jobs", "swept:sent_again", world.received(world.queues.url))
    world.clock.tick(6 * 3600 + 100)
    today.sweep.handler({}, world.context)
    _keep_end(world, "swept:timed_out", waiting)
    world.keep("queues/dead_letters", "swept", world.received(world.queues.dead_letter_url))
