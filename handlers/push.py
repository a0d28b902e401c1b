"""Push function: sends the newest state of changed jobs to their subscribers, all connections in parallel."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud import clients
from cloud.dynamodb.stream_records import latest_changes
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from cloud.s3.presigner import Presigner
from handlers.settings.push import PushSettings
from handlers.websocket.pusher import JobUpdatePusher
from handlers.websocket.subscriptions import Subscriptions


@cache
def _pusher() -> JobUpdatePusher:
    settings = PushSettings.read()
    return JobUpdatePusher(
        Subscriptions(settings.jobs_table, clients.dynamodb()),
        Presigner(clients.s3(), settings.bucket, get_seconds=settings.result_seconds),
        clients.apigateway_management(settings.callback_url),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Handle a batch of the jobs table's stream; undelivered final states are reported for a retry."""
    batch = latest_changes(event["Records"])
    if not batch:
        logger.info("no job updates")
        return {"batchItemFailures": []}
    return {"batchItemFailures": [{"itemIdentifier": number} for number in _pusher().push(batch)]}


run_during_init(_pusher)
