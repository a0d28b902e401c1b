"""Job-ended function: updates the ledger once per ended job, deletes unneeded objects and publishes an event."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud import clients
from cloud.dynamodb.ledger import Ledger
from cloud.dynamodb.stream_records import latest_changes
from cloud.job_queue import DeadLetterQueue
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from handlers.jobs.ended_processor import JobEndedProcessor
from handlers.jobs.event_publisher import EventPublisher
from handlers.jobs.objects_cleanup import ObjectsCleanup
from handlers.settings.ended import EndedSettings
from handlers.statistics.daily_counters import count_ended_job


@cache
def _processor() -> JobEndedProcessor:
    settings = EndedSettings.read()
    return JobEndedProcessor(
        Ledger(settings.ledger_table),
        EventPublisher(clients.eventbridge(), settings.event_bus),
        DeadLetterQueue(clients.sqs(), settings.dead_letter_queue_url),
        ObjectsCleanup(clients.s3(), settings.bucket),
        count_ended_job,
        settings.prices,
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Handle a batch of the jobs table's stream, filtered to terminal states; retries start at the first failure."""
    batch = [change for change in latest_changes(event["Records"]) if change.record.ended]
    failed = _processor().process(batch) if batch else None
    logger.info("jobs ended", job_ids=[change.record.job_id for change in batch], failed_from=failed)
    return {"batchItemFailures": [] if failed is None else [{"itemIdentifier": failed}]}


run_during_init(_processor)
