"""The queue between a job that is ready and the endpoint."""

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from cloud.dynamodb.job_record import JobRecord
from darkroom.contract.jobs import MAX_ATTEMPTS, JobId
from darkroom.contract.requests import Kind

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class DispatchMessage(BaseModel):
    """Have the endpoint begin ``attempt`` of a job."""

    job_id: JobId
    attempt: int = Field(ge=1, le=MAX_ATTEMPTS)
    kind: Kind | None = None  # not said in messages that were sent before it was asked for


def message_group_id(owner: str) -> str:
    """The message group of an owner, so that one owner's crowd does not make the others wait.

    A group name holds up to 128 printable ASCII characters; an owner that does not fit is named by its digest.

    >>> message_group_id("auth0|5f7c8ec7c33c6c004bbafe82")
    'auth0|5f7c8ec7c33c6c004bbafe82'
    """
    return owner if re.fullmatch(r"[!-~]{1,128}", owner) else sha256(owner.encode()).hexdigest()


class DeadLetterQueue:
    """What an operator should look at."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, record: JobRecord) -> None:
        """Tell the operator of a job."""
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=record.model_dump_json(include={"job_id", "kind", "attempt", "error", "updated_at"}),
            MessageGroupId=message_group_id(record.owner),
        )


class JobQueue:
    """Sends to the queue of jobs, and to the dead letters what an operator should look at."""

    def __init__(self, client: "SQSClient", url: str, dead_letter_url: str | None = None) -> None:
        self._client = client
        self._url = url
        self._dead_letters = DeadLetterQueue(client, dead_letter_url) if dead_letter_url else None

    def send(self, record: JobRecord, *, delay: int = 0) -> None:
        """Ask for the next attempt of a queued job, ``delay`` seconds from now."""
        message = DispatchMessage(job_id=record.job_id, attempt=record.attempt + 1, kind=record.kind)
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=message.model_dump_json(),
            MessageGroupId=message_group_id(record.owner),
            DelaySeconds=delay,
        )

    def send_to_dead_letters(self, record: JobRecord) -> None:
        """Tell the operator of a job that failed although it could have worked."""
        if self._dead_letters is not None:
            self._dead_letters.send(record)
