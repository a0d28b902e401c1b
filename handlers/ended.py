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
from cloud.dynamodb.conditional_update import Update
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.ledger import AlreadyDone, Change, Impossible, Ledger
from cloud.dynamodb.stream_records import News, newest
from cloud.job_queue import DeadLetters
from cloud.lambda_init import at_start
from cloud.observability import logger
from handlers.jobs.event_publisher import Announcer
from handlers.jobs.intermediates_cleanup import Leftovers
from handlers.limits.budget import settlement
from handlers.settings import EndedSettings
from handlers.statistics import daily_counters

# Longer than a stream remembers.
MARKER_SECONDS = 7 * 86400


class Bookkeeper:
    """Enters jobs that ended into the books, and has them announced."""

    def __init__(self, ledger: Ledger, announcer: Announcer, dead_letters: DeadLetters, leftovers: Leftovers) -> None:
        self._ledger = ledger
        self._announcer = announcer
        self._leftovers = leftovers
        self._dead_letters = dead_letters

    def keep(self, batch: list[News]) -> str | None:
        """Take a batch in, in its order; returns the sequence number from which on it must come again, if any.

        A stream comes again from the first that failed, so nothing after it is tried.
        """
        entered: list[News] = []
        failed: str | None = None
        for news in batch:
            try:
                self._enter(news.record)
                self._leftovers.clear(news.record)
            except (ClientError, BotoCoreError) as error:
                logger.warning("job was not entered", job_id=news.record.job_id, reason=str(error))
                failed = news.sequence_number
                break
            entered.append(news)
        missed = self._announcer.announce([news.record for news in entered])
        for news in entered:
            if news.record.job_id in missed:
                return news.sequence_number
        return failed

    def _enter(self, record: JobRecord) -> None:
        changes = [_marker(record), daily_counters.counted(record)]
        settled = settlement(record)
        if settled is not None:
            changes.append(settled)
        try:
            self._ledger.change_all(changes)
        except AlreadyDone:
            logger.info("job was entered before", job_id=record.job_id)
        except Impossible as error:
            logger.error("job will never be entered", job_id=record.job_id, reason=str(error))
            self._dead_letters.bury(record)


def _marker(record: JobRecord) -> Change:
    update = Update()
    update.require_absent("pk")
    update.set({"expires_at": int(time.time()) + MARKER_SECONDS})
    return Change(f"ended#{record.job_id}", "marker", update)


@cache
def _bookkeeper() -> Bookkeeper:
    settings = EndedSettings.read()
    announcer = Announcer(clients.events(), settings.event_bus)
    return Bookkeeper(
        Ledger(settings.ledger_table),
        announcer,
        DeadLetters(clients.sqs(), settings.dead_letter_queue_url),
        Leftovers(clients.s3(), settings.bucket),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """A batch of the jobs table's stream, filtered to terminal states; from the first that failed it comes again."""
    batch = [news for news in newest(event["Records"]) if news.record.state.terminal]
    failed = _bookkeeper().keep(batch) if batch else None
    logger.info("jobs ended", job_ids=[news.record.job_id for news in batch], failed_from=failed)
    return {"batchItemFailures": [] if failed is None else [{"itemIdentifier": failed}]}


at_start(_bookkeeper)
