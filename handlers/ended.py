"""What follows a job's end: counted once, its budget settled once, its leftovers deleted, its news sent at least once.

The stream brings each end at least once. Counting is one transaction with a marker of the job, so a second time changes
nothing. The event is sent after it, and again for a job that was counted before: nobody knows whether its first event
was taken, and who listens to a bus must take a job's one end twice anyway.

What the books will never take would hold up everybody else's for as long as the stream remembers: it is announced all
the same, and the operator is told of it.
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

# Longer than a stream remembers.
MARKER_SECONDS = 7 * 86400


class JobEndedProcessor:
    """Enters jobs that ended into the books, and has them announced."""

    def __init__(
        self, ledger: Ledger, publisher: EventPublisher, dead_letters: DeadLetterQueue, cleanup: IntermediatesCleanup
    ) -> None:
        self._ledger = ledger
        self._announcer = publisher
        self._leftovers = cleanup
        self._dead_letters = dead_letters

    def process(self, batch: list[JobChange]) -> str | None:
        """Take a batch in, in its order; returns the sequence number from which on it must come again, if any.

        A stream comes again from the first that failed, so nothing after it is tried.
        """
        entered: list[JobChange] = []
        failed: str | None = None
        for news in batch:
            try:
                self._write_ledger(news.record)
                self._leftovers.delete_intermediates(news.record)
            except (ClientError, BotoCoreError) as error:
                logger.warning("job was not entered", job_id=news.record.job_id, reason=str(error))
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
            logger.info("job was entered before", job_id=record.job_id)
        except PermanentWriteError as error:
            logger.error("job will never be entered", job_id=record.job_id, reason=str(error))
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
    """A batch of the jobs table's stream, filtered to terminal states; from the first that failed it comes again."""
    batch = [news for news in latest_changes(event["Records"]) if news.record.state.terminal]
    failed = _processor().process(batch) if batch else None
    logger.info("jobs ended", job_ids=[news.record.job_id for news in batch], failed_from=failed)
    return {"batchItemFailures": [] if failed is None else [{"itemIdentifier": failed}]}


run_during_init(_processor)
