"""The news that a job has ended, for whatever a customer builds on the bus."""

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
# What EventBridge takes in one call.
MAX_ENTRIES = 10
MAX_BYTES = 250_000
# Events that were not taken are sent again at once, since the stream would bring what came after them again too.
TRIES = 3
TRY_SECONDS = 0.1  # the first pause; it doubles


class EventPublisher:
    """Puts an event on the bus for each job that ended."""

    def __init__(self, events: clients.EventBus, bus: str) -> None:
        self._events = events
        self._bus = bus

    def publish(self, records: Sequence[JobRecord]) -> set[str]:
        """Send an event for each job; returns the ids of those whose event was not taken."""
        missed: set[str] = set()
        for batch in _batches([(record.job_id, self._entry(record)) for record in records]):
            missed |= self._send(batch)
        return missed

    def _send(self, batch: list[tuple[str, dict[str, Any]]]) -> set[str]:
        for attempt in range(TRIES):
            if attempt:
                time.sleep(TRY_SECONDS * 2 ** (attempt - 1))
            batch = self._refused(batch)
            if not batch:
                break
        return {job_id for job_id, _ in batch}

    def _refused(self, batch: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
        """Send once; what was not taken."""
        try:
            answer = self._events.put_events(Entries=[entry for _, entry in batch])
        except (ClientError, BotoCoreError) as error:
            logger.warning("events were not sent", job_ids=[job_id for job_id, _ in batch], reason=str(error))
            return batch
        if not answer.get("FailedEntryCount"):
            return []
        refused = []
        for sent, told in zip(batch, answer["Entries"], strict=True):
            if "ErrorCode" in told:
                logger.warning("event was not taken", job_id=sent[0], reason=told["ErrorCode"])
                refused.append(sent)
        return refused

    def _entry(self, record: JobRecord) -> dict[str, Any]:
        return {
            "Time": record.updated_at,
            "Source": SOURCE,
            "DetailType": f"Job {record.state}",
            "Detail": _detail(record),
            "EventBusName": self._bus,
        }


def _detail(record: JobRecord) -> str:
    """The public job as JSON, without links, and its owner; of a job too long for an event, what tells it apart."""
    public = record.model_dump(mode="json", include=set(Job.model_fields), exclude_none=True)
    detail = json.dumps({"owner": record.owner, **public})
    if len(detail.encode()) <= MAX_BYTES - 1000:
        return detail
    for long in ("params", "result", "uploads", "timeline"):
        public.pop(long, None)
    return json.dumps({"owner": record.owner, "abridged": True, **public})


def _batches(entries: list[tuple[str, dict[str, Any]]]) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """In their order, as many at a time as one call takes."""
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
