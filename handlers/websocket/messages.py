"""Messages of the WebSocket API, in both directions."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from darkroom.contract.errors import ErrorCode
from darkroom.contract.jobs import Job, JobId
from darkroom.contract.params import Contract


class Subscribe(Contract):
    """Subscribe to a job. States up to ``after_seq`` are not sent again."""

    action: Literal["subscribe"]
    job_id: JobId
    after_seq: int | None = Field(None, ge=0)


class Unsubscribe(Contract):
    """End a subscription."""

    action: Literal["unsubscribe"]
    job_id: JobId


class Ping(Contract):
    """Keep the connection open: API Gateway closes it after ten idle minutes."""

    action: Literal["ping"]


ClientMessage = Annotated[Subscribe | Unsubscribe | Ping, Field(discriminator="action")]
client_messages: TypeAdapter[Subscribe | Unsubscribe | Ping] = TypeAdapter(ClientMessage)


# Names of what a message may leave out, in the job's JSON. Those of links end in ``.url``.
Omission = Literal[
    "uploads.url",
    "preview.url",
    "result.url",
    "params",
    "result.objects.outlines",
    "timeline",
    "result.objects",
    "uploads",
    "result.notes",
    "result.models",
    "result",
]


class JobMessage(BaseModel):
    """The current state of a job."""

    type: Literal["job"] = "job"
    job: Job
    omitted: list[Omission] = Field(
        [],
        description="Parts of the job that were left out, because the message would be longer than 32 kB: their value "
        "is null or empty. `GET /jobs/{id}` has them. Take a name that you do not know as a reason to send it.",
    )


class Subscribed(BaseModel):
    """Confirmation of a subscription whose client already has the newest state."""

    type: Literal["subscribed"] = "subscribed"
    job_id: str
    seq: int


class Unsubscribed(BaseModel):
    """Confirmation that a subscription ended."""

    type: Literal["unsubscribed"] = "unsubscribed"
    job_id: str


class Pong(BaseModel):
    """The answer to a ping."""

    type: Literal["pong"] = "pong"


class SocketError(BaseModel):
    """Code and message of an error."""

    code: ErrorCode
    message: str


class ErrorMessage(BaseModel):
    """Reply to a refused request."""

    type: Literal["error"] = "error"
    error: SocketError
    job_id: str | None = None
