"""Scenarios of reuse: the result cache, reruns, the library's assets."""

from tests.recorded import samples, today
from tests.recorded.fake_deployment import ASSETS, BUCKET, FakeDeployment, Item
from tests.recorded.kinds import UPSCALE, Scenario, on

ROWS = "reuse"
PHOTO = on("preview", UPSCALE, params={"scale": 3}, declared=True)


def run(deployment: FakeDeployment) -> None:
    """Play all of them."""
    made = _made(deployment)
    _cached(deployment)
    _rerun(deployment, made)
    _assets(deployment, made)


def engine_digests(deployment: FakeDeployment) -> None:
    """Announce what does each kind on each engine, with the digests that outcomes have: the result cache works then."""
    reports = today.InstanceReports(deployment.ledger)
    for kind in today.Kind:
        for engine in ("models", "preview"):
            reports.write_engine_digest(kind, engine, samples.sha256(f"{engine} engine of 0.1.0".encode()))


def _made(deployment: FakeDeployment) -> str:
    """A job whose result the others take."""
    deployment.clock.advance(600)
    job_id: str = deployment.call("POST", "/jobs", PHOTO.body())["job"]["job_id"]
    deployment.upload(f"uploads/{job_id}/photo", samples.SMALL)
    invocation = deployment.dispatch(ROWS, part="made")
    deployment.start(invocation)
    outcome = deployment.record(f"outcomes/{ROWS}", "made", deployment.outcome_of("made", invocation))
    deployment.finish(ROWS, invocation, outcome, part="made")
    deployment.end(job_id)
    # Where an old recording is played again nobody has made the picture.
    key = f"results/{job_id}/result.jpg"
    deployment.bucket.put_object(Bucket=BUCKET, Key=key, Body=samples.FACE_SOURCE, ContentType="image/jpeg")
    return job_id


def _cached(deployment: FakeDeployment) -> None:
    """The same job again: done at once where the digest was declared, else as soon as the picture is there."""
    deployment.clock.advance(600)
    body = deployment.call("POST", "/jobs", PHOTO.body(), record_as="jobs/reuse#cached_at_once")
    deployment.record_row(ROWS, "cached:at_once", body["job"]["job_id"])
    deployment.end(body["job"]["job_id"], part="reuse:cached_at_once")
    plain = Scenario(**(vars(PHOTO) | {"declared": False}))
    job_id = deployment.call("POST", "/jobs", plain.body())["job"]["job_id"]
    deployment.upload(f"uploads/{job_id}/photo", samples.SMALL)
    deployment.record_row(ROWS, "cached:at_upload", job_id)
    deployment.end(job_id, part="reuse:cached_at_upload")


def _rerun(deployment: FakeDeployment, made: str) -> None:
    """A job that ended, once more with another param; and one whose uploads are given time again."""
    deployment.clock.advance(600)
    body = deployment.call("POST", f"/jobs/{made}/rerun", {"params": {"scale": 2}}, record_as="jobs/reuse#rerun")
    job_id = body["job"]["job_id"]
    deployment.record_row(ROWS, "rerun:awaiting_upload", job_id)
    deployment.notice_uploads("reuse:rerun")
    deployment.record_row(ROWS, "rerun:queued", job_id)
    _do(deployment, job_id, "rerun")
    waiting = deployment.call("POST", "/jobs", {**PHOTO.body(), "cache": False})["job"]["job_id"]
    deployment.clock.advance(60)
    deployment.call("POST", f"/jobs/{waiting}/uploads", record_as="jobs/reuse#uploads_renewed")
    headers = {"Idempotency-Key": "a-key"}
    deployment.call(
        "POST", "/jobs", {**PHOTO.body(), "cache": False}, headers=headers, record_as="jobs/reuse#idempotent"
    )
    deployment.call("POST", "/jobs", {**PHOTO.body(), "cache": False}, headers=headers, record_as="jobs/reuse#replayed")


def _do(deployment: FakeDeployment, job_id: str, part: str) -> None:
    invocation = deployment.dispatch(ROWS, part=part)
    deployment.start(invocation)
    outcome = deployment.record(f"outcomes/{ROWS}", part, deployment.outcome_of(part, invocation))
    deployment.finish(ROWS, invocation, outcome, part=part)
    deployment.record_row(ROWS, f"{part}:completed", job_id)
    deployment.end(job_id, part=f"reuse:{part}")


def _assets(deployment: FakeDeployment, made: str) -> None:
    """Assets in every state and from every source, and a job that starts from one."""
    deployment.clock.advance(600)
    body: Item = {"name": "The room", "upload": {"content_type": "image/png", "size": len(samples.SMALL)}}
    asset_id = _asset(deployment, "upload", body)
    _record_asset(deployment, "awaiting_upload", asset_id)
    deployment.upload(f"assets/{asset_id}", samples.SMALL, record_as="reuse:asset")
    _record_asset(deployment, "ready:upload", asset_id)
    deployment.call("GET", f"/assets/{asset_id}", record_as="assets/assets#get")

    refused = _asset(deployment, "refused", {"upload": {"content_type": "image/png"}})
    deployment.upload(f"assets/{refused}", samples.SMALL[:20])
    _record_asset(deployment, "failed", refused)
    for part, source in (("from_picture", {"job_id": made, "picture": "result"}), ("from_role", {"role": "photo"})):
        _record_asset(deployment, f"ready:{part}", _asset(deployment, part, {"job_id": made, **source}))
        deployment.notice_uploads()
    deployment.call("GET", "/assets", record_as="assets/assets#list", query={"limit": 2})

    source = {"photo": {"asset_id": asset_id}}
    body = deployment.call(
        "POST", "/jobs", {"kind": "upscale", "uploads": source, "cache": False}, record_as="jobs/reuse#from_asset"
    )
    job_id = body["job"]["job_id"]
    deployment.record_row(ROWS, "from_asset:awaiting_upload", job_id)
    deployment.notice_uploads()
    deployment.record_row(ROWS, "from_asset:queued", job_id)
    _do(deployment, job_id, "from_asset")
    deployment.call("DELETE", f"/assets/{refused}", record_as="assets/assets#delete")


def _asset(deployment: FakeDeployment, part: str, body: Item) -> str:
    made = deployment.call("POST", "/assets", body, record_as=f"assets/assets#create:{part}")
    return str(made["asset"]["asset_id"])


def _record_asset(deployment: FakeDeployment, part: str, asset_id: str) -> None:
    deployment.record("rows/assets", part, deployment.row(ASSETS, {"asset_id": {"S": asset_id}}))
