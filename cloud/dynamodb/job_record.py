"""A job as the table keeps it: the public job, whose it is, and when somebody must look after it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import Field

from cloud.dynamodb import attributes
from cloud.s3.keys import parse_avatar_key, upload_key
from darkroom.contract.jobs import Job

SHARDS = tuple(str(shard) for shard in range(8))


def due_shard(job_id: str) -> str:
    """The partition of an index of due rows that a hexadecimal id belongs to.

    >>> due_shard("f" + "0" * 31)
    '7'
    """
    return SHARDS[int(job_id[0], 16) % len(SHARDS)]


def timestamp(moment: datetime) -> str:
    """A moment as stored: ISO 8601, always with microseconds, so that text sorts by time."""
    return moment.isoformat(timespec="microseconds")


class JobRecord(Job):
    """One item of the jobs table.

    Moments are epoch seconds. ``due_at`` is when sweep looks after the job; None once it has ended. ``expires_at`` is
    when the table forgets it. ``waking_since`` is when its attempt began to wait for the first instance of an endpoint
    that had none (None when others had before, or there was one), ``started_at`` when its attempt began to run.
    ``window_ends`` is the end of the rate limit's window that it counts in, None when it does not count.

    ``use_cache`` has the cache asked when every picture is there, whose digests were not known before. ``copied_from``
    is where the pictures lie that nobody uploads (role → key); of a cached job, those of the job made before.
    """

    owner: str
    request_digest: str
    due_at: float | None = None
    expires_at: int
    waking_since: float | None = None
    started_at: float | None = None
    use_cache: bool = False
    copied_from: dict[str, str] = Field(default_factory=dict)
    reserved_usd: float | None = None
    window_ends: float | None = None

    def to_item(self) -> dict[str, Any]:
        """The item in DynamoDB's form; absent values are absent attributes."""
        values = self.model_dump(mode="json", exclude_none=True)
        values["created_at"] = timestamp(self.created_at)
        values["updated_at"] = timestamp(self.updated_at)
        if self.due_at is not None:
            values["due_shard"] = due_shard(self.job_id)
        return attributes.to_item(values)

    @classmethod
    def from_item(cls, item: Mapping[str, Mapping[str, Any]]) -> Self:
        """The record of an item or a stream image. Raises ``ValueError`` when it is none."""
        return cls.model_validate(attributes.from_item(item))

    def input_key(self, role: str) -> str | None:
        """Where the picture lies that the job was given for a role, or would have been; None when it never came."""
        upload = self.uploads.get(role)
        if upload is not None and upload.received:
            return upload_key(self.job_id, role)
        return self.copied_from.get(role)

    def _stored(self, role: str) -> str | None:
        """The same, None for what lies in the code and not in the bucket."""
        key = self.input_key(role)
        return None if key is None or parse_avatar_key(key) else key

    def public(self, link: Callable[[str], str]) -> Job:
        """What its owner sees, with ``link`` making a fresh URL from the key of each file."""
        values = {name: getattr(self, name) for name in Job.model_fields}
        if self.result is not None:
            linked = self.result.model_copy(deep=True)
            for file in linked.files:
                file.url = link(file.key)
            values["result"] = linked
        values["uploads"] = {
            role: upload.model_copy(update={"url": link(key)}) if (key := self._stored(role)) else upload
            for role, upload in self.uploads.items()
        }
        if self.preview is not None:
            values["preview"] = self.preview.model_copy(update={"url": link(self.preview.key)})
        return Job.model_construct(**values)
