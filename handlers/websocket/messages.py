"""What travels over the WebSocket, in both directions."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from darkroom.contract.errors import ErrorCode
from darkroom.contract.jobs import Job, JobId
from darkroom.contract.params import Contract


class Subscribe(Contract):
    """Watch a job. With ``after_seq``, what is known up to there is not sent again."""

    action: Literal["subscribe"]
    job_id: JobId
    after_seq: int | None = Field(None, ge=0)


class Unsubscribe(Contract):
    """Watch a job no longer."""

    action: Literal["unsubscribe"]
    job_id: JobId


class Ping(Contract):
    """Keep the socket open: API Gateway closes one that is silent for ten minutes."""

    action: Literal["ping"]


ClientMessage = Annotated[Subscribe | Unsubscribe | Ping, Field(discriminator="action")]
client_messages: TypeAdapter[Subscribe | Unsubscribe | Ping] = TypeAdapter(ClientMessage)


class JobMessage(BaseModel):
    """A job as it is now."""

    type: Literal["job"] = "job"
    job: Job


class Subscribed(BaseModel):
    """The job is watched, and the caller knows its newest state."""

    type: Literal["subscribed"] = "subscribed"
    job_id: str
    seq: int


class Unsubscribed(BaseModel):
    """The job is watched no longer."""

    type: Literal["unsubscribed"] = "unsubscribed"
    job_id: str


class Pong(BaseModel):
    """The answer to a ping."""

    type: Literal["pong"] = "pong"


class SocketError(BaseModel):
    """Why a request was refused."""

    code: ErrorCode
    message: str


class ErrorMessage(BaseModel):
    """A request was refused."""

    type: Literal["error"] = "error"
    error: SocketError
    job_id: str | None = None
