"""Sweep function: every minute, ends or resends overdue jobs and closes connections whose token has expired."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud import clients
from cloud.dynamodb.job_store import JobStore
from cloud.job_queue import JobQueue
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from handlers.jobs.retry import RetryPolicy
from handlers.jobs.sweeper import Sweeper
from handlers.settings import SweepSettings
from handlers.websocket.subscriptions import Subscriptions


@cache
def _sweeper() -> Sweeper:
    settings = SweepSettings.read()
    dynamodb = clients.dynamodb()
    store = JobStore(settings.jobs_table, dynamodb)
    queue = JobQueue(clients.sqs(), settings.queue_url, settings.dead_letter_queue_url)
    subscriptions = Subscriptions(settings.sockets_table, dynamodb)
    api = clients.apigateway_management(settings.callback_url)
    return Sweeper(settings, store, RetryPolicy(settings, store, queue), queue, subscriptions, api)


@logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: LambdaContext) -> None:
    """Run the scheduled sweep."""
    _sweeper().sweep(time.time())


run_during_init(_sweeper)
