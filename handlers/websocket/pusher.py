"""Job update pusher: sends the newest state of changed jobs to their subscribers, all connections in parallel."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cloud.dynamodb.stream_records import JobChange
from cloud.observability import logger
from cloud.s3.presigner import Presigner
from handlers.websocket.connections import ConnectionGone, close_expired_connection, send_to_connection
from handlers.websocket.message_size import job_message
from handlers.websocket.messages import JobMessage
from handlers.websocket.subscriptions import Subscription, Subscriptions, subscriptions_to_notify

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

THREADS = 16
# Only final states are retried; any other update is superseded by the next one.
FINAL_STATE_TRIES = 3
# The event source drops older records first (MAX_RECORD_AGE_SECONDS in infra/constructs/websocket.py).
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
        tasks: list[tuple[JobChange, Future[bool]]] = []
        for change in batch:
            if subscriptions := subscriptions_to_notify(change.record):
                message = job_message(change.record.public(self._presigner.get))
                tasks += [(change, self._threads.submit(self._deliver, change, message, one)) for one in subscriptions]
        undelivered = {change.sequence_number for change, task in tasks if not task.result()}
        logger.info(
            "pushed", job_ids=[change.record.job_id for change in batch], sockets=len(tasks), missed=len(undelivered)
        )
        return sorted(undelivered, key=int)

    def _deliver(self, change: JobChange, message: JobMessage, subscription: Subscription) -> bool:
        """Send an update, or close a connection whose token has expired; return False if it should be retried."""
        final = change.record.ended
        for _ in range(FINAL_STATE_TRIES if final else 1):
            try:
                self._send(message, subscription)
            except ConnectionGone:
                if not final:
                    self._remove(change.record.job_id, subscription.connection_id)
                return True
            except (ClientError, BotoCoreError) as error:
                if _too_long(error):
                    logger.warning("job update too long for the WebSocket", job_id=change.record.job_id)
                    return True
                logger.warning(
                    "connection not reached",
                    connection_id=subscription.connection_id,
                    job_id=change.record.job_id,
                    reason=str(error),
                )
            else:
                return True
        return not final or time.time() - change.at > FINAL_STATE_SECONDS

    def _remove(self, job_id: str, connection_id: str) -> None:
        """Remove the subscription of a closed connection. If that fails, the next change tries again."""
        try:
            self._subscriptions.remove(job_id, connection_id)
        except (ClientError, BotoCoreError) as error:
            logger.warning("subscription not removed", job_id=job_id, reason=str(error))

    def _send(self, message: JobMessage, subscription: Subscription) -> None:
        """Send a message. Close a connection whose token has expired, and raise ``ConnectionGone``.

        Its client connects again, and its new subscription brings what it has not seen.
        """
        if subscription.is_expired(time.time()):
            close_expired_connection(self._api, subscription.connection_id)
            raise ConnectionGone(subscription.connection_id)
        send_to_connection(self._api, subscription.connection_id, message)


def _too_long(error: ClientError | BotoCoreError) -> bool:
    """Return True for a message over API Gateway's limit of 128 KB, which no retry can deliver."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] == "PayloadTooLargeException"
