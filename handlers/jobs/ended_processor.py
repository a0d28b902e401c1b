"""Job-ended processor: updates the ledger once per ended job, deletes unneeded objects and publishes an event.

The stream delivers each end at least once. The ledger update is one transaction with a marker of the job, so a
duplicate changes nothing. The event is sent after it, also for duplicates: the first event may not have been accepted,
and consumers of EventBridge must deduplicate anyway.

A record that the ledger rejects permanently would block its shard until it expires from the stream. It is published all
the same, and sent to the dead-letter queue.
"""

import time
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.ledger import Ledger, LedgerUpdate
from cloud.dynamodb.stream_records import JobChange
from cloud.dynamodb.transaction import ConditionFailed, PermanentWriteError
from cloud.job_queue import DeadLetterQueue
from cloud.lane import LanePrices
from cloud.observability import logger
from handlers.jobs.event_publisher import EventPublisher
from handlers.jobs.objects_cleanup import ObjectsCleanup
from handlers.limits.budget import settle_budget

# Longer than a stream's retention (24 hours).
MARKER_SECONDS = 7 * 86400


class JobEndedProcessor:
    """Writes ended jobs to the ledger, deletes their unneeded objects and publishes their events.

    ``count_ended_job`` returns the ledger update that counts a job in the daily statistics. ``prices`` are those of
    both lanes.
    """

    def __init__(
        self,
        ledger: Ledger,
        publisher: EventPublisher,
        dead_letters: DeadLetterQueue,
        cleanup: ObjectsCleanup,
        count_ended_job: Callable[[JobRecord], LedgerUpdate],
        prices: LanePrices,
    ) -> None:
        self._ledger = ledger
        self._publisher = publisher
        self._dead_letters = dead_letters
        self._cleanup = cleanup
        self._count_ended_job = count_ended_job
        self._prices = prices

    def process(self, batch: list[JobChange]) -> str | None:
        """Process a batch in order; return the sequence number to retry from, or None.

        A stream retries from the first failed record, so later records are skipped.
        """
        written: list[JobChange] = []
        failed: str | None = None
        for change in batch:
            try:
                self._write_ledger(change.record)
                self._cleanup.delete_unneeded(change.record)
            except (ClientError, BotoCoreError) as error:
                logger.warning("ledger update failed", job_id=change.record.job_id, reason=str(error))
                failed = change.sequence_number
                break
            written.append(change)
        rejected = self._publisher.publish([change.record for change in written])
        for change in written:
            if change.record.job_id in rejected:
                return change.sequence_number
        return failed

    def _write_ledger(self, record: JobRecord) -> None:
        updates = [_once_only_marker(record), self._count_ended_job(record)]
        settled = settle_budget(record, self._prices)
        if settled is not None:
            updates.append(settled)
        try:
            self._ledger.transact(updates)
        except ConditionFailed:
            logger.info("ended job is a duplicate", job_id=record.job_id)
        except PermanentWriteError as error:
            logger.error("ledger update can never succeed", job_id=record.job_id, reason=str(error))
            self._dead_letters.send(record)


def _once_only_marker(record: JobRecord) -> LedgerUpdate:
    update = ConditionalUpdate()
    update.require_absent("pk")
    update.set({"expires_at": int(time.time()) + MARKER_SECONDS})
    return LedgerUpdate(f"ended#{record.job_id}", "marker", update)
