"""Job driver: plays caller, S3 and endpoint around the functions, from a job's request to its result."""

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


class JobDriver:
    """Drives jobs through the functions."""

    def __init__(
        self, call: Call, store: JobStore, ledger: Ledger, bucket: S3Client, context: Any, upload: Upload
    ) -> None:
        self.call = call
        self.store = store
        self.ledger = ledger
        self.bucket = bucket
        self._context = context
        self._upload = upload
        self.set_engine_digest()

    def set_engine_digest(self, digest: str = ENGINE_DIGEST, kind: str = "upscale", engine: str = "preview") -> None:
        """Write the digest of a kind on an engine, as the container does."""
        InstanceReports(self.ledger).write_engine_digest(kind, engine, digest)

    def submit(self, photo: bytes | None = None, **more: Any) -> Answer:
        """Request an upscaling, with the digest of ``photo`` declared, if given."""
        declared = {"content_type": "image/jpeg"} | ({} if photo is None else {"sha256": sha256(photo)})
        options = {name: more.pop(name) for name in ("owner", "headers") if name in more}
        return self.call("POST", "/jobs", {"kind": "upscale", "uploads": {"photo": declared}, **more}, **options)

    def create(self, photo: bytes | None = None, **more: Any) -> JobRecord:
        """Request a job; return its record."""
        answer = self.submit(photo, **more)
        assert answer.status == 201, answer.body
        return self.get(answer.body["job"]["job_id"])

    def get(self, job_id: str) -> JobRecord:
        """Return the job's current record."""
        record = self.store.get(job_id)
        assert record is not None
        return record

    def upload(self, job: JobRecord, data: bytes | None, role: str = "photo", times: int = 1) -> JobRecord:
        """Upload a file of a job (None: no file), and deliver S3's event ``times`` times."""
        self._upload(upload_key(job.job_id, role), data, times)
        return self.get(job.job_id)

    def run(
        self,
        job: JobRecord,
        *,
        digest: str | None = ENGINE_DIGEST,
        engine: Engine | None = None,
        notes: tuple[str, ...] = (),
        times: int = 1,
        meanwhile: Callable[[], object] | None = None,
    ) -> JobRecord:
        """Complete a queued job as the endpoint does, with ``times`` notices; ``meanwhile`` is called before."""
        assert self.store.dispatch(job.job_id, job.attempt + 1, due_at=0) is not None
        if meanwhile is not None:
            meanwhile()
        result_key = f"results/{job.job_id}/result.jpg"
        self.bucket.put_object(Bucket="bucket", Key=result_key, Body=b"picture")
        result = Result(
            pictures=[
                Picture(
                    name="result", key=result_key, content_type="image/jpeg", width=4, height=3, size=7, sha256="0" * 64
                )
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
        notice = {
            "inferenceId": inference_id(job.job_id, job.attempt + 1),
            "invocationStatus": "Completed",
            "responseParameters": {"outputLocation": f"s3://bucket/{key}"},
        }
        for _ in range(times):
            finished.handler({"Records": [{"Sns": {"Message": json.dumps(notice)}}]}, self._context)
        return self.get(job.job_id)

    def run_to_completion(self, photo: bytes, **more: Any) -> JobRecord:
        """Return a job that was requested, uploaded and completed."""
        return self.run(self.upload(self.create(**more), photo))

    def stats(self) -> dict[str, Any]:
        """Return the statistics of the result cache."""
        found: dict[str, Any] = self.call("GET", "/cache/stats", scope="darkroom/admin").body
        return found
