"""WebSocket function: handles subscribe, unsubscribe and ping."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud import clients
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from cloud.s3.presigner import Presigner
from handlers.settings.socket import SocketSettings
from handlers.websocket.session import Connection, WebSocketSession
from handlers.websocket.subscriptions import Subscriptions


@cache
def _session() -> WebSocketSession:
    settings = SocketSettings.read()
    return WebSocketSession(
        Subscriptions(settings.jobs_table, clients.dynamodb()),
        Presigner(clients.s3(), settings.bucket, get_seconds=settings.result_seconds),
        clients.apigateway_management(settings.callback_url),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, int]:
    """Handle events of the WebSocket API: ``$connect`` (already authorized) and every message."""
    request = event["requestContext"]
    if request["eventType"] == "MESSAGE":
        _session().handle_frame(Connection.of(request), event.get("body") or "", now=time.time())
    else:
        logger.info(request["eventType"].lower(), connection_id=request["connectionId"])
    return {"statusCode": 200}


run_during_init(_session)
