"""Sweep function: every minute, handles overdue jobs, deleted endpoints and late cold starts."""

import time
from functools import cache
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sagemaker import SageMakerClient


@cache
def _settings() -> SweepSettings:
    return SweepSettings.read()


@cache
def _dynamodb() -> "DynamoDBClient":
    return clients.dynamodb()


@cache
def _store() -> JobStore:
    return JobStore(_settings().jobs_table, _dynamodb())


@cache
def _queue() -> JobQueue:
    return JobQueue(clients.sqs(), _settings().queue_url, _settings().dead_letter_queue_url)


@cache
def _sagemaker() -> "SageMakerClient":
    return clients.sagemaker(clients.FAIL_FAST_CONFIG)


@cache
def _sweeper() -> Sweeper:
    settings, store, queue = _settings(), _store(), _queue()
    return Sweeper(settings, store, RetryPolicy(settings, store, queue), queue)


@cache
def _endpoint_sweeper() -> EndpointSweeper:
    settings, store = _settings(), _store()
    return EndpointSweeper(
        settings,
        store,
        RetryPolicy(settings, store, _queue()),
        EndpointHistoryStore(settings.sockets_table, settings.deployment, _dynamodb()),
        ColdStartStore(settings.sockets_table, settings.endpoint_name, _dynamodb()),
        _sagemaker,
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
