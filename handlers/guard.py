"""Spend guard function: counts the day's GPU cost every five minutes and stops the endpoint at its limit."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud import clients
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from handlers.endpoint.gpu_spend import GpuSpendStore
from handlers.endpoint.spend_guard import SpendGuard
from handlers.settings.guard import GuardSettings


@cache
def _guard() -> SpendGuard:
    settings = GuardSettings.read()
    spend_store = GpuSpendStore(settings.sockets_table, settings.deployment, clients.dynamodb())
    return SpendGuard(settings, spend_store, clients.sagemaker(), clients.application_autoscaling())


@logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: LambdaContext) -> None:
    """Run the scheduled check."""
    _guard().check(time.time())


run_during_init(_guard)
