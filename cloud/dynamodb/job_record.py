"""Job record: an item of the jobs table, with the public job, its owner and its deadlines."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import ConfigDict, Field

from cloud.dynamodb import attributes
from cloud.dynamodb.lenient_item import read_item
from cloud.lane import Lane
from cloud.s3.keys import parse_avatar_key, upload_key
from darkroom.contract.jobs import Job, State, UploadStatus
from darkroom.contract.open_enum import Open
from darkroom.contract.uploads import PICTURE_TYPES

SHARDS = tuple(str(shard) for shard in range(8))

# Attributes that every version reads as empty, zero or false if they are absent. They are left out, as each write of
# an item above 1,024 bytes costs two units.
OMITTED_IF_EMPTY = frozenset(
    {
        "allow_preview",
        "cache_miss",
        "cached",
        "copied_etags",
        "copied_from",
        "refusals",
        "timeline",
        "use_cache",
    }
)


def due_shard(job_id: str) -> str:
    """Return the index partition (shard) of a hexadecimal id.

    >>> due_shard("f" + "0" * 31)
    '7'
    """
    return SHARDS[int(job_id[0], 16) % len(SHARDS)]


def timestamp(moment: datetime) -> str:
    """Return a time as stored: ISO 8601, always with microseconds, so that text sorts by time."""
    return moment.isoformat(timespec="microseconds")


class StoredUpload(UploadStatus):
    """An upload of a job record. ``etag`` is that of the object that was inspected, to which its readers are pinned.

    It is None before the upload, and in items of earlier versions. Any other object under the key is another file: the
    presigned POST stays valid for some minutes after the upload.
    """

    model_config = ConfigDict(from_attributes=True)

    etag: str | None = None

    def public(self, url: str | None) -> UploadStatus:
        """Return the upload as its owner sees it, with a presigned URL."""
        values = {name: getattr(self, name) for name in UploadStatus.model_fields}
        return UploadStatus.model_construct(**values | {"url": url})


class JobRecord(Job):
    """One item of the jobs table.

    Times are epoch seconds. ``due_at`` is the time at which sweep handles the job, None once it has ended.
    ``expires_at`` is the item's TTL. ``waking_since`` is the start of the cold start that the attempt claimed, None if
    it claimed none. ``started_at`` is the time at which the attempt began to run. ``window_ends`` is the end of the
    rate limit window that the job is counted in, None if it is not counted.

    ``use_cache`` means that the result cache is looked up once every upload is there, because their digests were not
    declared. ``cache_miss`` means that it was looked up in vain when the job was created. ``copied_from`` is role → S3
    key of inputs that are copied, and ``copied_etags`` role → ETag of such an object. For a cached job, these are the
    inputs of the earlier job. ``refusals`` counts the invocations that were refused before they ran, since
    ``refused_since``: by a container of another version, or for want of the endpoint. ``endpoint`` is the name of the
    endpoint that has the attempt, None in items of earlier versions and of other lanes. ``lane`` is where the attempt
    runs; None is the endpoint.

    ``subscribers`` are the job's WebSocket subscriptions: connection id → end of its token, None if it has none.
    ``subscribed_seq`` is ``seq`` when they last changed, None before. Such a change alone leaves ``seq`` as it is.
    """

    uploads: dict[str, StoredUpload]
    owner: str
    request_digest: str
    essential_digest: str | None = None
    due_at: float | None = None
    expires_at: int
    waking_since: float | None = None
    started_at: float | None = None
    use_cache: bool = False
    cache_miss: bool = False
    copied_from: dict[str, str] = Field(default_factory=dict)
    copied_etags: dict[str, str] = Field(default_factory=dict)
    reserved_usd: float | None = None
    window_ends: float | None = None
    endpoint: str | None = None
    lane: Open[Lane] | None = None
    refusals: int = 0
    refused_since: float | None = None
    subscribers: dict[str, int | None] = Field(default_factory=dict)
    subscribed_seq: int | None = None

    def to_item(self) -> dict[str, Any]:
        """Return the item in DynamoDB's form; absent values, and some at their defaults, are absent attributes."""
        omitted = {name for name in OMITTED_IF_EMPTY if not getattr(self, name)}
        values = self.model_dump(mode="json", exclude_none=True, exclude={"ended", "newer_version", *omitted})
        values["created_at"] = timestamp(self.created_at)
        values["updated_at"] = timestamp(self.updated_at)
        if self.due_at is not None:
            values["due_shard"] = due_shard(self.job_id)
        return attributes.to_item(values)

    @classmethod
    def from_item(cls, item: Mapping[str, Mapping[str, Any]]) -> Self:
        """Return the record of an item or a stream image. Raises ``UnreadableItem`` if it is not a job."""
        record = read_item(cls, item)
        # Of a state of a newer version, only this tells whether the job is open.
        ended = record.state.terminal if record.state.known else "due_shard" not in item
        return record.model_copy(update={"ended": ended})

    @property
    def ended_without_result(self) -> bool:
        """True if the job has ended and nothing that it stored as a result is one.

        False in a terminal state of a newer version, which may have a result.
        """
        return self.state in (State.FAILED, State.CANCELLED, State.EXPIRED)

    def input_key(self, role: str) -> str | None:
        """Return the S3 key of the input for a role: the upload, or the source to copy; None if it was never
        uploaded.
        """
        upload = self.uploads.get(role)
        if upload is not None and upload.received:
            return upload_key(self.job_id, role)
        return self.copied_from.get(role)

    def input_etag(self, role: str) -> str | None:
        """Return the ETag of the object under ``input_key``; None if it was not stored."""
        upload = self.uploads.get(role)
        return upload.etag if upload is not None and upload.received else self.copied_etags.get(role)

    def _linked_input_key(self, role: str) -> str | None:
        """Return ``input_key`` of a picture, which has been cleaned of metadata.

        None for recordings, which keep theirs, and for avatars, which are files of the code and not in the bucket.
        """
        key = self.input_key(role)
        if key is None or parse_avatar_key(key) or self.uploads[role].content_type not in PICTURE_TYPES:
            return None
        return key

    def public(self, presign: Callable[[str], str]) -> Job:
        """Return the job as its owner sees it; ``presign`` makes a fresh URL from the key of each file."""
        values = {name: getattr(self, name) for name in Job.model_fields}
        if self.result is not None:
            with_urls = self.result.model_copy(deep=True)
            for file in with_urls.files:
                file.url = presign(file.key)
            values["result"] = with_urls
        values["uploads"] = {
            role: upload.public(presign(key) if (key := self._linked_input_key(role)) else None)
            for role, upload in self.uploads.items()
        }
        if self.preview is not None:
            values["preview"] = self.preview.model_copy(update={"url": presign(self.preview.key)})
        return Job.model_construct(**values)
