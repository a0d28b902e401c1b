"""Event publisher: one EventBridge event per ended job."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cloud import clients
from cloud.dynamodb.job_record import JobRecord
from cloud.observability import logger
from darkroom.contract.jobs import Job

SOURCE = "darkroom"
# EventBridge's limits of one PutEvents call.
MAX_ENTRIES = 10
MAX_BYTES = 250_000
# Rejected events are retried here first: a retry of the stream would also repeat every later record.
TRIES = 3
TRY_SECONDS = 0.1  # the first pause; it doubles


class EventPublisher:
    """Publishes an event for each ended job on the event bus."""

    def __init__(self, events: clients.EventBus, bus: str) -> None:
        self._events = events
        self._bus = bus

    def publish(self, records: Sequence[JobRecord]) -> set[str]:
        """Publish an event for each job; return the ids of the jobs whose events were rejected."""
        rejected: set[str] = set()
        for batch in _batches([(record.job_id, self._entry(record)) for record in records]):
            rejected |= self._send(batch)
        return rejected

    def _send(self, batch: list[tuple[str, dict[str, Any]]]) -> set[str]:
        for attempt in range(TRIES):
            if attempt:
                time.sleep(TRY_SECONDS * 2 ** (attempt - 1))
            batch = self._put(batch)
            if not batch:
                break
        return {job_id for job_id, _ in batch}

    def _put(self, batch: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
        """Send a batch once; return the rejected entries."""
        try:
            response = self._events.put_events(Entries=[entry for _, entry in batch])
        except (ClientError, BotoCoreError) as error:
            logger.warning("events not sent", job_ids=[job_id for job_id, _ in batch], reason=str(error))
            return batch
        if not response.get("FailedEntryCount"):
            return []
        rejected = []
        for entry, result in zip(batch, response["Entries"], strict=True):
            if "ErrorCode" in result:
                logger.warning("event rejected", job_id=entry[0], reason=result["ErrorCode"])
                rejected.append(entry)
        return rejected

    def _entry(self, record: JobRecord) -> dict[str, Any]:
        return {
            "Time": record.updated_at,
            "Source": SOURCE,
            "DetailType": f"Job {record.state}",
            "Detail": _detail(record),
            "EventBusName": self._bus,
        }


def _detail(record: JobRecord) -> str:
    """Return owner and public job as JSON, without URLs; only the short fields if that is too long for an event."""
    public = record.model_dump(mode="json", include=set(Job.model_fields), exclude_none=True)
    detail = json.dumps({"owner": record.owner, **public})
    if len(detail.encode()) <= MAX_BYTES - 1000:
        return detail
    for name in ("params", "result", "uploads", "timeline"):
        public.pop(name, None)
    return json.dumps({"owner": record.owner, "abridged": True, **public})


def _batches(entries: list[tuple[str, dict[str, Any]]]) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Yield the entries in order, in batches within the limits of one call."""
    batch: list[tuple[str, dict[str, Any]]] = []
    size = 0
    for job_id, entry in entries:
        length = len(entry["Detail"].encode()) + 200
        if batch and (len(batch) == MAX_ENTRIES or size + length > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((job_id, entry))
        size += length
    if batch:
        yield batch
