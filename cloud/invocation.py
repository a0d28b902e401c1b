"""Invocation protocol between control plane and container: the endpoint's input and output objects."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue

from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorDetail
from darkroom.contract.jobs import JobId
from darkroom.contract.kinds import Kind
from darkroom.contract.results import Result, StageTime


class Invocation(BaseModel):
    """Input of the endpoint: everything the container needs for one attempt."""

    job_id: JobId
    attempt: int = Field(ge=1)
    kind: Kind
    engine: Engine
    allow_preview: bool = False
    params: dict[str, JsonValue]
    uploads: dict[str, str] = Field(description="Role → S3 key.")
    progress: float = Field(0.0, ge=0, le=1, description="Progress of earlier attempts; progress never falls.")
    deadline: datetime


class Completed(BaseModel):
    """Outcome of a completed attempt; its files are in the bucket."""

    status: Literal["completed"] = "completed"
    job_id: JobId
    attempt: int
    result: Result
    timeline: list[StageTime]
    inputs: dict[str, str] = Field({}, description="Role → SHA-256 (hex) of the input file.")
    engine_digest: str | None = Field(None, description="Digest of the engine's code and models.")


class Failed(BaseModel):
    """Outcome of a failed attempt; ``error.retryable`` is True if a retry can succeed."""

    status: Literal["failed"] = "failed"
    job_id: JobId
    attempt: int
    error: ErrorDetail
    timeline: list[StageTime] = []


class Abandoned(BaseModel):
    """Outcome of an attempt that stopped because the job was cancelled or given to another attempt."""

    status: Literal["abandoned"] = "abandoned"
    job_id: JobId
    attempt: int


Outcome = Annotated[Completed | Failed | Abandoned, Field(discriminator="status")]


def inference_id(job_id: str, attempt: int) -> str:
    """Return SageMaker's inference id for one attempt.

    >>> inference_id("0" * 32, 2)
    '00000000000000000000000000000000-2'
    """
    return f"{job_id}-{attempt}"


def parse_inference_id(value: str) -> tuple[str, int]:
    """Return job and attempt of an inference id. Raises ``ValueError`` if it is invalid.

    >>> parse_inference_id("00000000000000000000000000000000-2")
    ('00000000000000000000000000000000', 2)
    """
    job_id, separator, attempt = value.rpartition("-")
    if not separator or len(job_id) != 32 or not attempt.isdigit():
        raise ValueError(f"not an inference id of a Darkroom job: {value!r}")
    return job_id, int(attempt)
