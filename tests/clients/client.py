"""A caller with a generated client: creates a job, uploads its photo, polls, and prints the job that ended."""

import json
import sys
import time
import uuid
from pathlib import Path

import httpx2
from darkroom_api import AuthenticatedClient
from darkroom_api.api.jobs import create_job, get_job
from darkroom_api.models import Job, JobWithUploads, RestyleRoomRequest, State

ACTIVE = {State.AWAITING_UPLOAD, State.QUEUED, State.DISPATCHED, State.RUNNING}


def main(url: str, token: str, photo: str, body: str) -> Job:
    """Return the job that ended."""
    request = RestyleRoomRequest.from_dict(json.loads(body))
    with AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True) as client:
        created = create_job.sync(client=client, body=request, idempotency_key=uuid.uuid4().hex)
        if not isinstance(created, JobWithUploads):
            raise SystemExit(str(created))
        form = created.uploads["photo"]
        files = {"file": Path(photo).read_bytes()}
        httpx2.post(form.url, data=form.fields.to_dict(), files=files, timeout=60).raise_for_status()
        job: object = created.job
        while isinstance(job, Job) and job.state in ACTIVE:
            time.sleep(0.2)
            job = get_job.sync(created.job.job_id, client=client)
    if not isinstance(job, Job):
        raise SystemExit(str(job))
    return job


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:]).to_dict()))
