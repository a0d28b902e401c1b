"""Invocation protocol between control plane and container: the input and output of both lanes."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, JsonValue, ValidationError

from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorDetail
from darkroom.contract.jobs import JobId
from darkroom.contract.kinds import KINDS, Kind
from darkroom.contract.open_enum import Open
from darkroom.contract.results import Result, StageTime

# Time allowed for the notice of an outcome to arrive, before sweep treats the attempt as lost.
NOTICE_SECONDS = 60
# Longest body of InvokeEndpointAsync, by AWS's service model. A larger input is an object in S3, on both lanes: Lambda
# takes twice as much for an asynchronous invocation, and its event also goes into the record of a failure.
MAX_INLINE_BYTES = 128_000


class Invocation(BaseModel):
    """Input of the endpoint: everything the container needs for one attempt."""

    job_id: JobId
    attempt: int = Field(ge=1)
    kind: Open[Kind]
    engine: Open[Engine]
    allow_preview: bool = False
    params: dict[str, JsonValue]
    uploads: dict[str, str] = Field(description="Role → S3 key.")
    etags: dict[str, str] = Field({}, description="Role → ETag of the upload that was inspected.")
    progress: float = Field(0.0, ge=0, le=1, description="Progress of earlier attempts; progress never falls.")
    deadline: datetime
    time_limit_seconds: float | None = Field(
        None, gt=0, description="Time limit of the attempt once it runs; absent in invocations of older versions."
    )


def container_params(kind: Kind, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params that a container is sent: those that differ from their defaults, and not ``REQUEST_ONLY``.

    A container of an earlier version may not know the others. The defaults of a released version never change, so the
    container fills in the same ones. Params that this version cannot read are returned as they are.

    >>> container_params(Kind.UPSCALE, {"scale": 3.0, "content": "photo", "format": "jpeg"})
    {'scale': 3.0}
    >>> container_params(Kind.RENDER_VIDEO, {"script": "Hello.", "consent": True})
    {'script': 'Hello.'}
    """
    if not kind.known:
        return dict(params)
    model = KINDS[kind].params
    sent = {name: value for name, value in params.items() if name not in model.REQUEST_ONLY}
    try:
        return model.model_validate(sent).model_dump(mode="json", exclude_defaults=True)
    except ValidationError:
        return sent


# Inference id of an event that only starts a process of the cpu lane's function.
WARM = "warm"


class FunctionInvocation(BaseModel):
    """Event of the cpu lane's function: an invocation, or the S3 URI at which it is stored.

    ``inference_id`` names the attempt, as SageMaker's does. The invocation is read by the function, which answers for
    one that it cannot read.
    """

    inference_id: str
    invocation: dict[str, JsonValue] | None = None
    input_location: str | None = None


class DraftInvocation(BaseModel):
    """Event of the cpu lane's function: an invocation of the GPU lane, of which the function makes a draft.

    It names no attempt where attempts do, so its failure is never taken for that of one.
    """

    draft: dict[str, JsonValue]


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


def inference_id(job_id: str, attempt: int, refusals: int = 0) -> str:
    """Return SageMaker's inference id for one attempt, after a number of refusals by containers of another version.

    >>> inference_id("0" * 32, 2), inference_id("0" * 32, 1, 3)
    ('00000000000000000000000000000000-2', '00000000000000000000000000000000-1.3')
    """
    return f"{job_id}-{attempt}.{refusals}" if refusals else f"{job_id}-{attempt}"


def parse_inference_id(value: str) -> tuple[str, int, int]:
    """Return job, attempt and refusals of an inference id. Raises ``ValueError`` if it is invalid.

    >>> parse_inference_id("00000000000000000000000000000000-2")
    ('00000000000000000000000000000000', 2, 0)
    """
    match = re.fullmatch(r"(.{32})-([0-9]+)(?:\.([0-9]+))?", value, re.ASCII)
    if match is None:
        raise ValueError(f"not an inference id of a Darkroom job: {value!r}")
    return match[1], int(match[2]), int(match[3] or 0)
