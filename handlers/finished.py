"""Outcome function: applies the notices of finished invocations, of both lanes, to their jobs."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud import clients
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.ledger import Ledger
from cloud.invocation import parse_inference_id
from cloud.job_queue import DeadLetterQueue, JobQueue
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from handlers.endpoint.cold_start import ColdStartStore
from handlers.endpoint.function_failure import NoAttemptFailed, read_notice
from handlers.endpoint.outcome_processor import OutcomeProcessor
from handlers.endpoint.running_videos import RunningVideoStore
from handlers.jobs.result_cache import ResultCache
from handlers.jobs.retry import RetryPolicy
from handlers.settings.finished import FinishedSettings


@cache
def _processor() -> OutcomeProcessor:
    settings = FinishedSettings.read()
    dynamodb = clients.dynamodb()
    store = JobStore(settings.jobs_table, dynamodb)
    queue = JobQueue(clients.sqs(), settings.queue_url, settings.dead_letter_queue_url)
    cold_starts = ColdStartStore(settings.sockets_table, settings.endpoint_name, dynamodb)
    result_cache = ResultCache(Ledger(settings.ledger_table, dynamodb), cache_days=settings.cache_days)
    videos = RunningVideoStore(settings.sockets_table, settings.endpoint_name, dynamodb)
    retry = RetryPolicy(settings, store, queue)
    return OutcomeProcessor(settings, store, result_cache, retry, cold_starts, videos, clients.s3())


@cache
def _dead_letters() -> DeadLetterQueue:
    return DeadLetterQueue(clients.sqs(), FinishedSettings.read().dead_letter_queue_url)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """Handle SNS notifications. Those that name no attempt go to the dead-letter queue; other failures are retried.

    The failure of a draft or a warm-up is only logged.
    """
    for record in event["Records"]:
        message = record["Sns"]["Message"]
        try:
            notice = read_notice(message)
            parse_inference_id(notice.inference_id)
        except NoAttemptFailed as error:
            logger.warning("event failed that is no attempt", kind=error.event, job_id=error.job_id, reason=str(error))
            continue
        except ValueError as error:
            logger.error("notification cannot be read", reason=str(error))
            _dead_letters().send_unreadable(message, reason=str(error))
            continue
        _processor().process(notice)


run_during_init(_processor)
