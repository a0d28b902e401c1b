"""Job-ended function: updates the ledger once per ended job, deletes intermediates and publishes an event.

The stream delivers each end at least once. The ledger update is one transaction with a marker of the job, so a
duplicate changes nothing. The event is sent after it, also for duplicates: the first event may not have been accepted,
and consumers of EventBridge must deduplicate anyway.

A record that the ledger rejects permanently would block its shard until it expires from the stream. It is published all
the same, and sent to the dead-letter queue.
"""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from cloud import clients
from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.ledger import ConditionFailed, Ledger, LedgerUpdate, PermanentWriteError
from cloud.dynamodb.stream_records import JobChange, latest_changes
from cloud.job_queue import DeadLetterQueue
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from handlers.jobs.event_publisher import EventPublisher
from handlers.jobs.intermediates_cleanup import IntermediatesCleanup
from handlers.limits.budget import settle_budget
from handlers.settings import EndedSettings
from handlers.statistics import daily_counters

# Longer than a stream's retention (24 hours).
MARKER_SECONDS = 7 * 86400


class JobEndedProcessor:
    """Writes ended jobs to the ledger, deletes their intermediates and publishes their events."""

    def __init__(
        self, ledger: Ledger, publisher: EventPublisher, dead_letters: DeadLetterQueue, cleanup: IntermediatesCleanup
    ) -> None:
        self._ledger = ledger
        self._announcer = publisher
        self._leftovers = cleanup
        self._dead_letters = dead_letters

    def process(self, batch: list[JobChange]) -> str | None:
        """Process a batch in order; return the sequence number to retry from, or None.

        A stream retries from the first failed record, so later records are skipped.
        """
        entered: list[JobChange] = []
        failed: str | None = None
        for news in batch:
            try:
                self._write_ledger(news.record)
                self._leftovers.delete_intermediates(news.record)
            except (ClientError, BotoCoreError) as error:
                logger.warning("ledger update failed", job_id=news.record.job_id, reason=str(error))
                failed = news.sequence_number
                break
            entered.append(news)
        missed = self._announcer.publish([news.record for news in entered])
        for news in entered:
            if news.record.job_id in missed:
                return news.sequence_number
        return failed

    def _write_ledger(self, record: JobRecord) -> None:
        changes = [_once_only_marker(record), daily_counters.count_ended_job(record)]
        settled = settle_budget(record)
        if settled is not None:
            changes.append(settled)
        try:
            self._ledger.transact(changes)
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


@cache
def _processor() -> JobEndedProcessor:
    settings = EndedSettings.read()
    announcer = EventPublisher(clients.eventbridge(), settings.event_bus)
    return JobEndedProcessor(
        Ledger(settings.ledger_table),
        announcer,
        DeadLetterQueue(clients.sqs(), settings.dead_letter_queue_url),
        IntermediatesCleanup(clients.s3(), settings.bucket),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Handle a batch of the jobs table's stream, filtered to terminal states; retries start at the first failure."""
    batch = [news for news in latest_changes(event["Records"]) if news.record.state.terminal]
    failed = _processor().process(batch) if batch else None
    logger.info("jobs ended", job_ids=[news.record.job_id for news in batch], failed_from=failed)
    return {"batchItemFailures": [] if failed is None else [{"itemIdentifier": failed}]}


run_during_init(_processor)
