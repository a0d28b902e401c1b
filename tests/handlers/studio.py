"""Test driver around the functions: a caller, S3 and the endpoint, for jobs from request to result."""

import json
from collections.abc import Callable
from typing import Any

from mypy_boto3_s3 import S3Client

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.ledger import Ledger
from cloud.instance_reports import InstanceReports
from cloud.invocation import Completed, inference_id
from cloud.s3.keys import upload_key
from darkroom.contract.engine import Engine
from darkroom.contract.results import Picture, Result, StageTime
from handlers import finished
from tests.handlers.calls import Answer, Call
from tests.handlers.uploads import Upload, sha256

ENGINE_DIGEST = "engine-1"
TIMES = [StageTime(stage="paint", seconds=36)]  # a hundredth of an hour


class Studio:
    """Makes jobs happen; ``engine`` announces what does the work."""

    def __init__(
        self, call: Call, store: JobStore, ledger: Ledger, bucket: S3Client, context: Any, upload: Upload
    ) -> None:
        self.call = call
        self.store = store
        self.ledger = ledger
        self.bucket = bucket
        self._context = context
        self._upload = upload
        self.engine()

    def engine(self, digest: str = ENGINE_DIGEST, kind: str = "upscale", engine: str = "preview") -> None:
        """Announce what does a kind on an engine."""
        InstanceReports(self.ledger).write_engine_digest(kind, engine, digest)

    def ask(self, photo: bytes | None = None, **more: Any) -> Answer:
        """Ask for an upscaling; with the digest of ``photo`` declared, if that is given."""
        declared = {"content_type": "image/jpeg"} | ({} if photo is None else {"sha256": sha256(photo)})
        options = {name: more.pop(name) for name in ("owner", "headers") if name in more}
        return self.call("POST", "/jobs", {"kind": "upscale", "uploads": {"photo": declared}, **more}, **options)

    def job(self, photo: bytes | None = None, **more: Any) -> JobRecord:
        """The job that was asked for."""
        answer = self.ask(photo, **more)
        assert answer.status == 201, answer.body
        return self.now(answer.body["job"]["job_id"])

    def now(self, job_id: str) -> JobRecord:
        """The job as it is now."""
        record = self.store.get(job_id)
        assert record is not None
        return record

    def upload(self, job: JobRecord, data: bytes | None, role: str = "photo", times: int = 1) -> JobRecord:
        """Put a file where the job waits for it (None: only tell of it), and have S3 say so as often as asked."""
        self._upload(upload_key(job.job_id, role), data, times)
        return self.now(job.job_id)

    def work(
        self,
        job: JobRecord,
        *,
        digest: str | None = ENGINE_DIGEST,
        engine: Engine | None = None,
        notes: tuple[str, ...] = (),
        times: int = 1,
        meanwhile: Callable[[], object] | None = None,
    ) -> JobRecord:
        """Have the endpoint do a queued job, and say so as often as asked; ``meanwhile`` happens before it is done."""
        assert self.store.dispatch(job.job_id, job.attempt + 1, due_at=0) is not None
        if meanwhile is not None:
            meanwhile()
        made = f"results/{job.job_id}/result.jpg"
        self.bucket.put_object(Bucket="bucket", Key=made, Body=b"picture")
        result = Result(
            pictures=[
                Picture(name="result", key=made, content_type="image/jpeg", width=4, height=3, size=7, sha256="0" * 64)
            ],
            engine=engine or job.engine,
            seed=3,
            notes=list(notes),
        )
        inputs = {}
        for role in job.uploads:
            body = self.bucket.get_object(Bucket="bucket", Key=upload_key(job.job_id, role))["Body"].read()
            inputs[role] = sha256(body)
        outcome = Completed(
            job_id=job.job_id,
            attempt=job.attempt + 1,
            result=result,
            timeline=TIMES,
            inputs=inputs,
            engine_digest=digest,
        )
        key = f"outcomes/{job.job_id}.out"
        self.bucket.put_object(Bucket="bucket", Key=key, Body=outcome.model_dump_json().encode())
        told = {
            "inferenceId": inference_id(job.job_id, job.attempt + 1),
            "invocationStatus": "Completed",
            "responseParameters": {"outputLocation": f"s3://bucket/{key}"},
        }
        for _ in range(times):
            finished.handler({"Records": [{"Sns": {"Message": json.dumps(told)}}]}, self._context)
        return self.now(job.job_id)

    def done(self, photo: bytes, **more: Any) -> JobRecord:
        """A job made from beginning to end."""
        return self.work(self.upload(self.job(**more), photo))

    def stats(self) -> dict[str, Any]:
        """What an administrator sees of the result cache."""
        found: dict[str, Any] = self.call("GET", "/cache/stats", scope="darkroom/admin").body
        return found
