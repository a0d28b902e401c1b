"""Jobs of the contract, as a service that tests script would send them."""

import hashlib
from datetime import timedelta
from typing import Any

from darkroom.contract.jobs import Job
from tests.darkroom.responses import START

NAMES = ("result", "thumbnail")
RESULT = b"\xff\xd8\xff a picture " * 5000


def job(seq: int = 1, state: str = "awaiting_upload", **fields: Any) -> Job:
    """A job of the contract; ``fields`` replace what is usual."""
    document: dict[str, Any] = {
        "job_id": "a" * 32,
        "kind": "restyle_room",
        "state": state,
        "seq": seq,
        "engine": "preview",
        "params": {"style": "modern"},
        "uploads": {"photo": {"content_type": "image/jpeg"}},
        "created_at": START,
        "updated_at": START + timedelta(seconds=seq),
    }
    return Job.model_validate({**document, **fields})


def completed(
    seq: int,
    url: str | None,
    *,
    data: bytes = RESULT,
    content_type: str = "image/jpeg",
    count: int = 1,
    **fields: Any,
) -> Job:
    """A job with ``count`` results that are to be had at ``url``, and a thumbnail of each."""
    names = [f"{name}-{number}" if number > 1 else name for number in range(1, count + 1) for name in NAMES]
    pictures = [
        {
            "name": name,
            "key": f"results/a/{name}.jpg",
            "content_type": content_type,
            "width": 4,
            "height": 3,
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "url": url,
        }
        for name in names
    ]
    result = {"pictures": pictures, "engine": "preview", "seed": 42, "notes": ["Only regraded."]}
    timeline = [{"stage": "load", "seconds": 0.1}]
    return job(seq, "completed", **{"progress": 1, "result": result, "timeline": timeline, **fields})


def failed(seq: int, code: str, message: str) -> Job:
    """A job that failed."""
    return job(seq, "failed", error={"code": code, "message": message})


def job_message(of: Job) -> dict[str, Any]:
    """The WebSocket message of a job."""
    return {"type": "job", "job": of.model_dump(mode="json"), "omitted": []}


def shortened_message(of: Job) -> dict[str, Any]:
    """The WebSocket message of a job that is too long for one: without links, params and the result's objects."""
    job = of.model_copy(deep=True)
    job.params = {}
    for upload in job.uploads.values():
        upload.url = None
    omitted = ["uploads.url", "params"]
    if job.result is not None:
        for file in job.result.files:
            file.url = None
        job.result.objects = []
        omitted += ["result.url", "result.objects"]
    return job_message(job) | {"omitted": omitted}
