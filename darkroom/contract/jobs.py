"""Jobs: the state machine of a job, and its public representation.

REST, the WebSocket and ``darkroom run --json`` share this representation. ``darkroom.contract.requests`` defines the
request bodies, ``darkroom.contract.results`` the results.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, JsonValue

from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorDetail
from darkroom.contract.kinds import Kind
from darkroom.contract.open_enum import Open, OpenEnum
from darkroom.contract.results import PreviewPicture, Result, StageTime
from darkroom.contract.uploads import MediaType

MAX_ATTEMPTS = 3
JobId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class State(OpenEnum):
    """State of a job. The last four are terminal: they never change again."""

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
        """True if the job has ended. False for a state of a later version: ``Job.ended`` knows."""
        return self.known and not TRANSITIONS[self]


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
    """An upload: declared values first, values of the received file later.

    A picture is kept without its metadata. `size` and `sha256` stay those of the file as it was sent.
    """

    content_type: Open[MediaType]
    size: int | None = None
    sha256: str | None = None
    asset_id: str | None = Field(None, description="The asset that replaces an upload.")
    avatar: str | None = Field(None, description="The built-in portrait that replaces an upload.")
    received: bool = False
    width: int | None = Field(None, description="Pixels; null for sound.")
    height: int | None = None
    url: str | None = Field(
        None,
        description="Presigned GET of the received picture without its metadata, new in every answer; null for sound. "
        "Uploads are kept for a few days.",
    )


class Job(BaseModel):
    """A job as its owner sees it, over REST and WebSocket alike."""

    job_id: JobId
    kind: Open[Kind]
    state: Open[State]
    ended: bool = Field(
        default_factory=lambda job: isinstance(state := job.get("state"), State) and state.terminal,
        description="True if the job has ended, in whatever state: it never changes again.",
    )
    seq: int = Field(
        ge=1,
        description="Version of the job: grows by one at every change.",
    )
    # The maximum is only declared: a later version may allow more attempts.
    attempt: int = Field(
        0, ge=0, description="Invocations of the endpoint so far.", json_schema_extra={"maximum": MAX_ATTEMPTS}
    )
    progress: float = Field(0.0, ge=0, le=1, description="Never falls.")
    stage: str | None = None
    message: str = Field("", description="Current activity, for people.")
    engine: Open[Engine] = Field(description="Engine that was requested, or the deployment's default.")
    allow_preview: bool = False
    cached: bool = Field(False, description="True if the result comes from the result cache, which costs nothing.")
    params: dict[str, JsonValue] = Field(description="Validated params, with defaults.")
    uploads: Mapping[str, UploadStatus]
    preview: PreviewPicture | None = Field(
        None, description="Progress image, or a draft while the GPU wakes; null while there is none."
    )
    result: Result | None = None
    error: ErrorDetail | None = None
    timeline: list[StageTime] = []
    cost_usd: float | None = Field(
        None, description="The stages' seconds, those of attempts that failed included, at the instance's hourly price."
    )
    created_at: datetime
    updated_at: datetime
    newer_version: bool = Field(
        False,
        description="True if a newer version of the service wrote values into this job that this version does not "
        "know. They are shown as text, or left out.",
    )
