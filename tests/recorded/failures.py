"""Scenarios of jobs that fail, end early or are retried: every error code of a job."""

from typing import Any

from tests.recorded import samples, today
from tests.recorded.fake_deployment import FakeDeployment, Item
from tests.recorded.kinds import FIND, INPAINT, RESTYLE, SWAP, UPSCALE, VIDEO, Scenario, on

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


def run(deployment: FakeDeployment) -> None:
    """Play all of them."""
    for name, (content_type, data, more) in UPLOADS.items():
        _refused_upload(deployment, name, content_type, data, more)
    for name, scenario in REFUSED.items():
        _refused_job(deployment, name, scenario)
    for name in RAISED:
        _refused_job(deployment, name, on("preview", RESTYLE))
    for name, (reason, answered) in REASONS.items():
        _endpoint_failure(deployment, name, reason, answered)
    _retried(deployment)
    _given_up(deployment)
    _unreachable(deployment)
    _cancelled(deployment)
    _abandoned(deployment)
    _swept(deployment)


def create_job(deployment: FakeDeployment, scenario: Scenario) -> str:
    """Ask for a job; its id."""
    deployment.clock.advance(600)
    body = deployment.call("POST", "/jobs", {**scenario.body(), "cache": False})
    return str(body["job"]["job_id"])


def run_to_endpoint(
    deployment: FakeDeployment, name: str, scenario: Scenario, *, part: str | None = None
) -> tuple[str, Item]:
    """Bring a job to the endpoint, running; its id and invocation."""
    job_id = create_job(deployment, scenario)
    deployment.notice_uploads()
    for role, data in scenario.files.items():
        deployment.upload(f"uploads/{job_id}/{role}", data)
    invocation = deployment.dispatch(ROWS, part=part or name)
    deployment.start(invocation)
    return job_id, invocation


def _record_end(deployment: FakeDeployment, name: str, job_id: str) -> None:
    deployment.record_row(ROWS, name, job_id)
    deployment.end(job_id, part=f"failures:{name}")
    deployment.call("GET", f"/jobs/{job_id}", record_as=f"jobs/failures#{name}")


def _refused_upload(
    deployment: FakeDeployment, name: str, content_type: str, data: bytes, more: dict[str, Any]
) -> None:
    deployment.clock.advance(600)
    photo = {"content_type": content_type, **more}
    body = deployment.call("POST", "/jobs", {"kind": "upscale", "uploads": {"photo": photo}, "cache": False})
    job_id = body["job"]["job_id"]
    deployment.upload(f"uploads/{job_id}/photo", data)
    _record_end(deployment, f"upload:{name}", job_id)


def _refused_job(deployment: FakeDeployment, name: str, scenario: Scenario) -> None:
    job_id, invocation = run_to_endpoint(deployment, name, scenario)
    deployment.report(invocation, preview=name == "rejected_content")
    outcome = deployment.record(f"outcomes/{ROWS}", name, deployment.outcome_of(name, invocation))
    deployment.finish(ROWS, invocation, outcome, part=name)
    if outcome["error"]["retryable"]:
        deployment.record_row(ROWS, f"container:{name}:tried_again", job_id)
        deployment.received(deployment.queues.url)
        deployment.call("DELETE", f"/jobs/{job_id}")
    else:
        _record_end(deployment, f"container:{name}", job_id)


def _endpoint_failure(deployment: FakeDeployment, name: str, reason: str, answered: bool) -> None:
    job_id, invocation = run_to_endpoint(deployment, f"endpoint:{name}", UPSCALE)
    where = f"s3://bucket/outcomes/failures/{job_id}-1-error.out" if answered else None
    deployment.fail(ROWS, invocation, reason, part=f"endpoint:{name}", location=where)
    deployment.record_row(ROWS, f"endpoint:{name}:tried_again", job_id)
    deployment.received(deployment.queues.url)
    deployment.call("DELETE", f"/jobs/{job_id}")


def _retried(deployment: FakeDeployment) -> None:
    """The first attempt is lost after some progress, the second succeeds."""
    job_id, invocation = run_to_endpoint(deployment, "retry", UPSCALE, part="retry:1")
    deployment.report(invocation, preview=True)
    deployment.fail(ROWS, invocation, REASONS["lost"][0], part="retry:1")
    deployment.record_row(ROWS, "retry:queued", job_id)
    again = deployment.dispatch(ROWS, part="retry:2")
    deployment.record_row(ROWS, "retry:dispatched", job_id)
    deployment.start(again)
    deployment.report(again, preview=False)
    deployment.record_row(ROWS, "retry:running", job_id)
    outcome = deployment.record(f"outcomes/{ROWS}", "retry:2", deployment.outcome_of("retry", again))
    deployment.finish(ROWS, again, outcome, part="retry:2")
    _record_end(deployment, "retry:completed", job_id)


def _given_up(deployment: FakeDeployment) -> None:
    """Three attempts fail: the operator is told by the dead letters."""
    job_id, invocation = run_to_endpoint(deployment, "given_up", UPSCALE, part="given_up:1")
    for number in (1, 2, 3):
        deployment.fail(ROWS, invocation, REASONS["lost"][0], part=f"given_up:{number}")
        if number < 3:
            invocation = deployment.dispatch(ROWS, part=f"given_up:{number + 1}")
            deployment.start(invocation)
    _record_end(deployment, "given_up:container_failed", job_id)
    deployment.record("queues/dead_letters", "given_up", deployment.received(deployment.queues.dead_letter_url))


def _unreachable(deployment: FakeDeployment) -> None:
    """The endpoint does not answer, three times."""
    job_id = create_job(deployment, UPSCALE)
    deployment.upload(f"uploads/{job_id}/photo", samples.SMALL)
    deployment.sagemaker.reachable = False
    for number in (1, 2, 3):
        deployment.dispatch(ROWS, part=f"unreachable:{number}")
        if number == 1:
            deployment.record_row(ROWS, "unreachable:tried_again", job_id)
    deployment.sagemaker.reachable = True
    _record_end(deployment, "unreachable:endpoint_unavailable", job_id)
    deployment.record("queues/dead_letters", "unreachable", deployment.received(deployment.queues.dead_letter_url))


def _cancelled(deployment: FakeDeployment) -> None:
    """Its owner cancels a job in each state in which it is not over."""
    for state in ("awaiting_upload", "queued", "dispatched", "running"):
        job_id = create_job(deployment, UPSCALE)
        if state != "awaiting_upload":
            deployment.upload(f"uploads/{job_id}/photo", samples.SMALL)
        if state in ("dispatched", "running"):
            invocation = deployment.dispatch(ROWS, part=f"cancelled:{state}")
            if state == "running":
                deployment.start(invocation)
                deployment.report(invocation, preview=True)
        deployment.received(deployment.queues.url)
        deployment.call("DELETE", f"/jobs/{job_id}", record_as=f"jobs/cancel#{state}")
        _record_end(deployment, f"cancelled:{state}", job_id)


def _abandoned(deployment: FakeDeployment) -> None:
    """The container finds that the job is not its own any more."""
    job_id, invocation = run_to_endpoint(deployment, "abandoned", UPSCALE)
    deployment.call("DELETE", f"/jobs/{job_id}")
    outcome = deployment.record(f"outcomes/{ROWS}", "abandoned", deployment.outcome_of("abandoned", invocation))
    deployment.finish(ROWS, invocation, outcome, part="abandoned")
    _record_end(deployment, "abandoned", job_id)


def _swept(deployment: FakeDeployment) -> None:
    """Jobs that the sweep ends or queues again."""
    late = create_job(deployment, UPSCALE)
    deployment.clock.advance(2000)
    today.sweep.handler({}, deployment.context)
    _record_end(deployment, "swept:expired", late)

    stalled, _ = run_to_endpoint(deployment, "stalled", UPSCALE)
    deployment.clock.advance(5000)
    today.sweep.handler({}, deployment.context)
    deployment.record_row(ROWS, "swept:stalled:tried_again", stalled)
    deployment.received(deployment.queues.url)
    deployment.call("DELETE", f"/jobs/{stalled}")

    waiting = create_job(deployment, UPSCALE)
    deployment.upload(f"uploads/{waiting}/photo", samples.SMALL)
    deployment.received(deployment.queues.url)
    deployment.clock.advance(150)
    today.sweep.handler({}, deployment.context)
    deployment.record("queues/jobs", "swept:sent_again", deployment.received(deployment.queues.url))
    deployment.clock.advance(6 * 3600 + 100)
    today.sweep.handler({}, deployment.context)
    _record_end(deployment, "swept:timed_out", waiting)
    deployment.record("queues/dead_letters", "swept", deployment.received(deployment.queues.dead_letter_url))
