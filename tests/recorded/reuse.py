"""Scenarios of reuse: the result cache, reruns, the library's assets."""

from tests.recorded import samples, today
from tests.recorded.kinds import UPSCALE, Scenario, on
from tests.recorded.world import ASSETS, BUCKET, Item, World

ROWS = "reuse"
PHOTO = on("preview", UPSCALE, params={"scale": 3}, declared=True)


def play(world: World) -> None:
    """Play all of them."""
    made = _made(world)
    _cached(world)
    _rerun(world, made)
    _assets(world, made)


def engine_digests(world: World) -> None:
    """Announce what does each kind on each engine, with the digests that outcomes have: the result cache works then."""
    reports = today.InstanceReports(world.ledger)
    for kind in today.Kind:
        for engine in ("models", "preview"):
            reports.write_engine_digest(kind, engine, samples.sha256(f"{engine} engine of 0.1.0".encode()))


def _made(world: World) -> str:
    """A job whose result the others take."""
    world.clock.tick(600)
    job_id: str = world.call("POST", "/jobs", PHOTO.body())["job"]["job_id"]
    world.upload(f"uploads/{job_id}/photo", samples.SMALL)
    invocation = world.dispatch(ROWS, part="made")
    world.start(invocation)
    outcome = world.keep(f"outcomes/{ROWS}", "made", world.outcome_of("made", invocation))
    world.finish(ROWS, invocation, outcome, part="made")
    world.end(job_id)
    # Where an old recording is played again nobody has made the picture.
    key = f"results/{job_id}/result.jpg"
    world.bucket.put_object(Bucket=BUCKET, Key=key, Body=samples.FACE_SOURCE, ContentType="image/jpeg")
    return job_id


def _cached(world: World) -> None:
    """The same job again: done at once where the digest was declared, else as soon as the picture is there."""
    world.clock.tick(600)
    body = world.call("POST", "/jobs", PHOTO.body(), keep="jobs/reuse#cached_at_once")
    world.keep_row(ROWS, "cached:at_once", body["job"]["job_id"])
    world.end(body["job"]["job_id"], part="reuse:cached_at_once")
    plain = Scenario(**(vars(PHOTO) | {"declared": False}))
    job_id = world.call("POST", "/jobs", plain.body())["job"]["job_id"]
    world.upload(f"uploads/{job_id}/photo", samples.SMALL)
    world.keep_row(ROWS, "cached:at_upload", job_id)
    world.end(job_id, part="reuse:cached_at_upload")


def _rerun(world: World, made: str) -> None:
    """A job that ended, once more with another param; and one whose uploads are given time again."""
    world.clock.tick(600)
    body = world.call("POST", f"/jobs/{made}/rerun", {"params": {"scale": 2}}, keep="jobs/reuse#rerun")
    job_id = body["job"]["job_id"]
    world.keep_row(ROWS, "rerun:awaiting_upload", job_id)
    world.notice_uploads("reuse:rerun")
    world.keep_row(ROWS, "rerun:queued", job_id)
    _do(world, job_id, "rerun")
    waiting = world.call("POST", "/jobs", {**PHOTO.body(), "cache": False})["job"]["job_id"]
    world.clock.tick(60)
    world.call("POST", f"/jobs/{waiting}/uploads", keep="jobs/reuse#uploads_renewed")
    headers = {"Idempotency-Key": "a-key"}
    world.call("POST", "/jobs", {**PHOTO.body(), "cache": False}, headers=headers, keep="jobs/reuse#idempotent")
    world.call("POST", "/jobs", {**PHOTO.body(), "cache": False}, headers=headers, keep="jobs/reuse#replayed")


def _do(world: World, job_id: str, part: str) -> None:
    invocation = world.dispatch(ROWS, part=part)
    world.start(invocation)
    outcome = world.keep(f"outcomes/{ROWS}", part, world.outcome_of(part, invocation))
    world.finish(ROWS, invocation, outcome, part=part)
    world.keep_row(ROWS, f"{part}:completed", job_id)
    world.end(job_id, part=f"reuse:{part}")


def _assets(world: World, made: str) -> None:
    """Assets in every state and from every source, and a job that starts from one."""
    world.clock.tick(600)
    wish: Item = {"name": "The room", "upload": {"content_type": "image/png", "size": len(samples.SMALL)}}
    asset_id = _asset(world, "upload", wish)
    _keep_asset(world, "awaiting_upload", asset_id)
    world.upload(f"assets/{asset_id}", samples.SMALL, keep="reuse:asset")
    _keep_asset(world, "ready:upload", asset_id)
    world.call("GET", f"/assets/{asset_id}", keep="assets/assets#get")

    refused = _asset(world, "refused", {"upload": {"content_type": "image/png"}})
    world.upload(f"assets/{refused}", samples.SMALL[:20])
    _keep_asset(world, "failed", refused)
    for part, wish in (("from_picture", {"job_id": made, "picture": "result"}), ("from_role", {"role": "photo"})):
        _keep_asset(world, f"ready:{part}", _asset(world, part, {"job_id": made, **wish}))
        world.notice_uploads()
    world.call("GET", "/assets", keep="assets/assets#list", query={"limit": 2})

    source = {"photo": {"asset_id": asset_id}}
    body = world.call(
        "POST", "/jobs", {"kind": "upscale", "uploads": source, "cache": False}, keep="jobs/reuse#from_asset"
    )
    job_id = body["job"]["job_id"]
    world.keep_row(ROWS, "from_asset:awaiting_upload", job_id)
    world.notice_uploads()
    world.keep_row(ROWS, "from_asset:queued", job_id)
    _do(world, job_id, "from_asset")
    world.call("DELETE", f"/assets/{refused}", keep="assets/assets#delete")


def _asset(world: World, part: str, body: Item) -> str:
    made = world.call("POST", "/assets", body, keep=f"assets/assets#create:{part}")
    return str(made["asset"]["asset_id"])


def _keep_asset(world: World, part: str, asset_id: str) -> None:
    world.keep("rows/assets", part, world.row(ASSETS, {"asset_id": {"S": asset_id}}))
