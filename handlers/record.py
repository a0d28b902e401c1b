"""A job as the table keeps it: the public job, whose it is, and when somebody must look after it."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from pipeline.jobs import Job

SHARDS = tuple(str(shard) for shard in range(8))
# DynamoDB numbers end at 1E-130; nothing of ours means anything that small.
_SMALLEST = Decimal("1E-100")

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def due_shard(job_id: str) -> str:
    """The partition of the index of due jobs that a job belongs to.

    >>> due_shard("f" + "0" * 31)
    '7'
    """
    return SHARDS[int(job_id[0], 16) % len(SHARDS)]


def timestamp(moment: datetime) -> str:
    """A moment as stored: ISO 8601, always with microseconds, so that text sorts by time."""
    return moment.isoformat(timespec="microseconds")


def _number(text: str) -> Decimal:
    number = Decimal(text)
    return max(number, _SMALLEST) if number > 0 else number


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return value


def to_attribute(value: Any) -> Any:
    """A JSON value as a DynamoDB attribute value."""
    return _serializer.serialize(json.loads(json.dumps(value), parse_float=_number))


def from_attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item, or a stream record's image, as plain JSON values."""
    return {name: _plain(_deserializer.deserialize(value)) for name, value in item.items()}


class JobRecord(Job):
    """One item of the jobs table.

    ``due_at`` (epoch seconds) is when sweep looks after the job; None once it has ended. ``expires_at`` (epoch
    seconds) is when the table forgets it.
    """

    owner: str
    request_digest: str
    due_at: float | None = None
    expires_at: int

    def to_item(self) -> dict[str, Any]:
        """The item in DynamoDB's form; absent values are absent attributes."""
        values = self.model_dump(mode="json", exclude_none=True)
        values["created_at"] = timestamp(self.created_at)
        values["updated_at"] = timestamp(self.updated_at)
        if self.due_at is not None:
            values["due_shard"] = due_shard(self.job_id)
        return {name: to_attribute(value) for name, value in values.items()}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The record of an item or a stream image. Raises ``ValidationError`` when it is none."""
        return cls.model_validate(from_attributes(item))

    def public(self, link: Callable[[str], str]) -> Job:
        """What its owner sees, with ``link`` making a fresh URL from the key of each picture."""
        values = {name: getattr(self, name) for name in Job.model_fields}
        if self.result is not None:
            pictures = [picture.model_copy(update={"url": link(picture.key)}) for picture in self.result.pictures]
            values["result"] = self.result.model_copy(update={"pictures": pictures})
        return Job.model_construct(**values)
