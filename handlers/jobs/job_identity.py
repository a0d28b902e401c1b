"""Identity of a job about to be created: its id, and what tells a repeated request from another one."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Self
from uuid import UUID, uuid4, uuid5

from pydantic import BaseModel

from cloud.dynamodb.job_record import JobRecord

# Names of jobs made with an idempotency key. Changing it would make replays look like new jobs.
IDEMPOTENCY_NAMESPACE = UUID("6f0dbb0e-6c0f-5f0e-9a3e-6a4b3d1c7a52")


@dataclass(frozen=True)
class JobIdentity:
    """Id of a job about to be created, and digests of its request: of all fields, and without those at their defaults.

    The second one stays the same in later versions, which have more fields.
    """

    owner: str
    job_id: str
    digest: str
    essential_digest: str
    may_exist: bool

    @classmethod
    def of(cls, owner: str, request: BaseModel, idempotency_key: str | None, *, prefix: str = "") -> Self:
        """Return the identity of a request's job: a new one without a key, else always the same one."""
        digest, essential_digest = (
            sha256((prefix + text).encode()).hexdigest()
            for text in (request.model_dump_json(), request.model_dump_json(exclude_defaults=True))
        )
        may_exist = idempotency_key is not None
        job_id = uuid5(IDEMPOTENCY_NAMESPACE, f"{owner}\n{idempotency_key}") if may_exist else uuid4()
        return cls(owner, job_id.hex, digest, essential_digest, may_exist)

    def is_of(self, record: JobRecord) -> bool:
        """Return True if the job was created by an equal request, perhaps to another version."""
        return self.digest == record.request_digest or self.essential_digest == record.essential_digest
