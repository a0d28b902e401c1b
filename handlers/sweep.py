"""Sweep function: every minute, handles overdue jobs, deleted endpoints, late cold starts and expired connections."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud import clients
from cloud.dynamodb.job_store import JobStore
from cloud.job_queue import JobQueue
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from handlers.endpoint.cold_start import ColdStartStore
from handlers.endpoint.endpoint_history import EndpointHistoryStore
from handlers.endpoint.endpoint_sweeper import EndpointSweeper
from handlers.jobs.retry import RetryPolicy
from handlers.jobs.sweeper import Sweeper
from handlers.settings.sweep import SweepSettings
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


@cache
def _endpoint_sweeper() -> EndpointSweeper:
    settings = SweepSettings.read()
    dynamodb = clients.dynamodb()
    store = JobStore(settings.jobs_table, dynamodb)
    queue = JobQueue(clients.sqs(), settings.queue_url, settings.dead_letter_queue_url)
    return EndpointSweeper(
        settings,
        store,
        RetryPolicy(settings, store, queue),
        EndpointHistoryStore(settings.sockets_table, settings.deployment, dynamodb),
        ColdStartStore(settings.sockets_table, settings.endpoint_name, dynamodb),
        clients.sagemaker(clients.FAIL_FAST_CONFIG),
    )


@logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: LambdaContext) -> None:
    """Run the scheduled sweep. An error of one part does not stop the other."""
    now = time.time()
    try:
        _sweeper().sweep(now)
    finally:
        _endpoint_sweeper().sweep(now)


run_during_init(_sweeper)
run_during_init(_endpoint_sweeper)
