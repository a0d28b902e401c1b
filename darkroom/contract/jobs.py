"""Jobs: the state machine of a job, and its public representation.

REST, the WebSocket and ``darkroom run --json`` share this representation. ``darkroom.contract.requests`` defines the
request bodies, ``darkroom.contract.results`` the results.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field, JsonValue

from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorDetail
from darkroom.contract.requests import Kind
from darkroom.contract.results import PreviewPicture, Result, StageTime
from darkroom.contract.uploads import MediaType

MAX_ATTEMPTS = 3
JobId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class State(StrEnum):
    """Where a job stands. The last four are terminal: they never change again."""

    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    DISPATCHED = "dispatched"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def terminal(self) -> bool:
        """True if the job has ended."""
        return not TRANSITIONS[self]


TRANSITIONS: dict[State, frozenset[State]] = {
    # Completed at once: the result cache had the same job's result.
    State.AWAITING_UPLOAD: frozenset(
        {State.QUEUED, State.COMPLETED, State.FAILED, State.CANCELLED, State.EXPIRED},
    ),
    State.QUEUED: frozenset({State.DISPATCHED, State.FAILED, State.CANCELLED, State.EXPIRED}),
    # Back to queued is a retry. Completed without running means that only the container's progress update was lost.
    State.DISPATCHED: frozenset(
        {State.RUNNING, State.QUEUED, State.COMPLETED, State.FAILED, State.CANCELLED},
    ),
    State.RUNNING: frozenset({State.QUEUED, State.COMPLETED, State.FAILED, State.CANCELLED}),
    State.COMPLETED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
    State.EXPIRED: frozenset(),
}


def states_before(target: State) -> frozenset[State]:
    """Return the states with a transition to ``target``.

    >>> sorted(states_before(State.RUNNING))
    [<State.DISPATCHED: 'dispatched'>]
    """
    return frozenset(state for state, targets in TRANSITIONS.items() if target in targets)


class UploadStatus(BaseModel):
    """An upload as it stands: what was declared, then what the header of the received file says."""

    content_type: MediaType
    size: int | None = None
    sha256: str | None = None
    asset_id: str | None = Field(None, description="The asset that was taken in place of an upload.")
    avatar: str | None = Field(None, description="The portrait of ours that was taken in place of an upload.")
    received: bool = False
    width: int | None = Field(None, description="Pixels; null for sound.")
    height: int | None = None
    url: str | None = Field(
        None,
        description="A presigned GET, made anew for every answer, once it is there; uploads are kept for days only.",
    )


class Job(BaseModel):
    """A job as its owner sees it, over REST and WebSocket alike."""

    job_id: JobId
    kind: Kind
    state: State
    seq: int = Field(ge=1, description="Grows by one at every change; say the last one seen to miss nothing.")
    attempt: int = Field(0, ge=0, le=MAX_ATTEMPTS, description="How often the job was given to the endpoint.")
    progress: float = Field(0.0, ge=0, le=1, description="Never falls.")
    stage: str | None = None
    message: str = Field("", description="What is happening, for people.")
    engine: Engine = Field(description="Who is to do the work: as asked for, or as the deployment has it.")
    allow_preview: bool = False
    cached: bool = Field(False, description="The result is that of the same job made before; it cost nothing.")
    params: dict[str, JsonValue] = Field(description="As validated, defaults filled in.")
    uploads: dict[str, UploadStatus]
    preview: PreviewPicture | None = Field(None, description="A live look, while there is one.")
    result: Result | None = None
    error: ErrorDetail | None = None
    timeline: list[StageTime] = []
    cost_usd: float | None = Field(
        None, description="The stages' seconds, those of attempts that failed included, at the instance's hourly price."
    )
    created_at: datetime
    updated_at: datetime
