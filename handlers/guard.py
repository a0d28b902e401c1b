"""Spend guard function: every five minutes, counts the day's GPU cost, and stops the endpoint at its limit."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud import clients
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from handlers.endpoint.gpu_spend import GpuSpendStore
from handlers.endpoint.running_videos import RunningVideoStore
from handlers.endpoint.spend_guard import SpendGuard
from handlers.settings.guard import GuardSettings


@cache
def _guard() -> SpendGuard:
    settings = GuardSettings.read()
    dynamodb = clients.dynamodb()
    spend_store = GpuSpendStore(settings.sockets_table, settings.deployment, dynamodb)
    videos = RunningVideoStore(settings.sockets_table, settings.endpoint_name, dynamodb)
    return SpendGuard(settings, spend_store, videos, clients.sagemaker(), clients.application_autoscaling())


@logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: LambdaContext) -> None:
    """Run the scheduled check."""
    _guard().check(time.time())


run_during_init(_guard)
