"""Push function: sends the newest state of changed jobs to their subscribers, all connections in parallel."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from cloud import clients
from cloud.dynamodb.stream_records import JobChange, latest_changes
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from cloud.s3.presigner import Presigner
from handlers.settings import PushSettings
from handlers.websocket.messages import JobMessage
from handlers.websocket.subscriptions import ConnectionGone, Subscription, Subscriptions, send_to_connection

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

THREADS = 16
# Only final states are retried; any other update is superseded by the next one.
FINAL_STATE_TRIES = 3
FINAL_STATE_SECONDS = 5 * 60


class JobUpdatePusher:
    """Sends job updates to WebSocket connections."""

    def __init__(
        self, subscriptions: Subscriptions, presigner: Presigner, api: "ApiGatewayManagementApiClient"
    ) -> None:
        self._subscriptions = subscriptions
        self._presigner = presigner
        self._api = api
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="push")

    def push(self, batch: list[JobChange]) -> list[str]:
        """Send a batch; return the sequence numbers of final states that were not delivered and should be retried."""
        watched = self._threads.map(self._subscribers, batch)
        tasks: list[tuple[JobChange, Future[bool]]] = []
        for news, subscriptions in zip(batch, watched, strict=True):
            if subscriptions:
                message = JobMessage(job=news.record.public(self._presigner.get))
                tasks += [(news, self._threads.submit(self._deliver, news, message, one)) for one in subscriptions]
        missed = {news.sequence_number for news, task in tasks if not task.result()}
        logger.info("pushed", job_ids=[news.record.job_id for news in batch], sockets=len(tasks), missed=len(missed))
        return sorted(missed, key=int)

    def _subscribers(self, news: JobChange) -> list[Subscription]:
        return [
            subscription
            for subscription in self._subscriptions.of_job(news.record.job_id)
            if subscription.owner == news.record.owner and subscription.after_seq < news.record.seq
        ]

    def _deliver(self, news: JobChange, message: JobMessage, subscription: Subscription) -> bool:
        """Send an update; return False if it should be retried."""
        last = news.record.state.terminal
        for _ in range(FINAL_STATE_TRIES if last else 1):
            try:
                send_to_connection(self._api, subscription.connection_id, message)
                if last:
                    self._subscriptions.remove(subscription.job_id, subscription.connection_id)
            except ConnectionGone:
                self._subscriptions.remove_connection(subscription.connection_id)
                return True
            except (ClientError, BotoCoreError) as error:
                if _too_long(error):
                    logger.warning("job update too long for the WebSocket", job_id=subscription.job_id)
                    return True
                logger.warning(
                    "connection not reached",
                    connection_id=subscription.connection_id,
                    job_id=subscription.job_id,
                    reason=str(error),
                )
            else:
                return True
        return not last or time.time() - news.at > FINAL_STATE_SECONDS


def _too_long(error: ClientError | BotoCoreError) -> bool:
    """Return True for a message over API Gateway's limit of 128 KB, which no retry can deliver."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] == "PayloadTooLargeException"


@cache
def _pusher() -> JobUpdatePusher:
    settings = PushSettings.read()
    return JobUpdatePusher(
        Subscriptions(settings.sockets_table, clients.dynamodb()),
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
