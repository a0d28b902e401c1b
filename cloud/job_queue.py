"""Job queue: SQS messages that dispatch jobs to the endpoint, and the dead-letter queue."""

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from cloud.dynamodb.job_record import JobRecord
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import JobId
from darkroom.contract.kinds import Kind
from darkroom.contract.open_enum import Open

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


# A quarter of an SQS message, since JSON may write a character as several.
UNREADABLE_CHARACTERS = 64_000


class DispatchMessage(BaseModel):
    """Request to start ``attempt`` of a job."""

    job_id: JobId
    attempt: int = Field(ge=1)  # a newer version may allow more than this one
    # Absent in messages sent by older versions.
    kind: Open[Kind] | None = None
    engine: Open[Engine] | None = None


def message_group_id(owner: str) -> str:
    """Return the SQS message group of an owner, so that one owner's backlog does not delay the others.

    A group id has up to 128 printable ASCII characters; other owners are replaced by their digest.

    >>> message_group_id("auth0|5f7c8ec7c33c6c004bbafe82")
    'auth0|5f7c8ec7c33c6c004bbafe82'
    """
    return owner if re.fullmatch(r"[!-~]{1,128}", owner) else sha256(owner.encode()).hexdigest()


class DeadLetterQueue:
    """Queue of failed jobs for the operator."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, record: JobRecord) -> None:
        """Send a summary of a job."""
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=record.model_dump_json(include={"job_id", "kind", "attempt", "error", "updated_at"}),
            MessageGroupId=message_group_id(record.owner),
        )

    def send_unreadable(self, notice: str, *, reason: str) -> None:
        """Send the text of a notice that names no job, at most its first ``UNREADABLE_CHARACTERS`` characters."""
        body = {"notice": notice[:UNREADABLE_CHARACTERS], "reason": reason[:UNREADABLE_CHARACTERS]}
        self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(body, ensure_ascii=False))


class JobQueue:
    """Sends jobs to the dispatch queue, and failed ones to the dead-letter queue."""

    def __init__(self, client: "SQSClient", url: str, dead_letter_url: str | None = None) -> None:
        self._client = client
        self._url = url
        self._dead_letters = DeadLetterQueue(client, dead_letter_url) if dead_letter_url else None

    def send(self, record: JobRecord, *, delay: int = 0) -> None:
        """Request the next attempt of a queued job, ``delay`` seconds from now."""
        message = DispatchMessage(
            job_id=record.job_id, attempt=record.attempt + 1, kind=record.kind, engine=record.engine
        )
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=message.model_dump_json(),
            MessageGroupId=message_group_id(record.owner),
            DelaySeconds=delay,
        )

    def send_to_dead_letters(self, record: JobRecord) -> None:
        """Send a job that failed with a retryable error to the dead-letter queue."""
        if self._dead_letters is not None:
            self._dead_letters.send(record)
