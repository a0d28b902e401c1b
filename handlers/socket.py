"""WebSocket function: handles subscribe, unsubscribe, ping and disconnects."""

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ValidationError

from cloud import clients
from cloud.dynamodb.job_store import JobStore
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from cloud.s3.presigner import Presigner
from darkroom.contract.errors import ErrorCode
from handlers.settings import SocketSettings
from handlers.websocket.messages import (
    ErrorMessage,
    JobMessage,
    Ping,
    Pong,
    SocketError,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    client_messages,
)
from handlers.websocket.subscriptions import ConnectionGone, Subscription, Subscriptions, send_to_connection

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient


class WebSocketSession:
    """Handles the client messages of WebSocket connections."""

    def __init__(
        self,
        store: JobStore,
        subscriptions: Subscriptions,
        presigner: Presigner,
        api: "ApiGatewayManagementApiClient",
    ) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._presigner = presigner
        self._api = api

    def handle_frame(self, connection_id: str, owner: str, body: str) -> None:
        """Execute the message in ``body`` and send the reply."""
        try:
            request = client_messages.validate_json(body)
        except ValidationError as error:
            self._send(connection_id, _refusal(body, error))
            return
        match request:
            case Subscribe():
                self._subscribe(connection_id, owner, request)
            case Unsubscribe():
                self._subscriptions.remove(request.job_id, connection_id)
                self._send(connection_id, Unsubscribed(job_id=request.job_id))
            case Ping():
                self._send(connection_id, Pong())
        logger.info(request.action, connection_id=connection_id, job_id=getattr(request, "job_id", None))

    def disconnect(self, connection_id: str) -> None:
        """Remove the subscriptions of a closed connection."""
        self._subscriptions.remove_connection(connection_id)
        logger.info("disconnected", connection_id=connection_id)

    def _subscribe(self, connection_id: str, owner: str, request: Subscribe) -> None:
        job_id = request.job_id
        # Subscribe before reading the job: a change in between is pushed, an earlier one is in the snapshot. Push
        # sends nothing to connections of another owner.
        known = request.after_seq or 0
        self._subscriptions.add(Subscription(job_id=job_id, connection_id=connection_id, owner=owner, after_seq=known))
        record = self._store.get(job_id)
        if record is None or record.owner != owner:
            self._subscriptions.remove(job_id, connection_id)
            error = SocketError(code=ErrorCode.NOT_FOUND, message="You have no job with this id.")
            self._send(connection_id, ErrorMessage(error=error, job_id=job_id))
            return
        if record.state.terminal:
            self._subscriptions.remove(job_id, connection_id)
        if request.after_seq is not None and record.seq <= request.after_seq:
            self._send(connection_id, Subscribed(job_id=job_id, seq=record.seq))
        else:
            self._send(connection_id, JobMessage(job=record.public(self._presigner.get)))

    def _send(self, connection_id: str, message: BaseModel) -> None:
        try:
            send_to_connection(self._api, connection_id, message)
        except ConnectionGone:
            self.disconnect(connection_id)


def _refusal(body: str, error: ValidationError) -> ErrorMessage:
    try:
        frame = json.loads(body)
    except (ValueError, RecursionError):
        frame = None
    job_id = frame.get("job_id") if isinstance(frame, dict) else None
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return ErrorMessage(
        error=SocketError(
            code=ErrorCode.INVALID_REQUEST, message=f"{where}: {problem['msg']}" if where else problem["msg"]
        ),
        job_id=job_id if isinstance(job_id, str) else None,
    )


@cache
def _session() -> WebSocketSession:
    settings = SocketSettings.read()
    dynamodb = clients.dynamodb()
    return WebSocketSession(
        JobStore(settings.jobs_table, dynamodb),
        Subscriptions(settings.sockets_table, dynamodb),
        Presigner(clients.s3(), settings.bucket, get_seconds=settings.result_seconds),
        clients.apigateway_management(settings.callback_url),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, int]:
    """Handle events of the WebSocket API: ``$connect`` (already authorized), ``$disconnect`` and every message."""
    request = event["requestContext"]
    connection_id = request["connectionId"]
    match request["eventType"]:
        case "CONNECT":
            logger.info("connected", connection_id=connection_id)
        case "DISCONNECT":
            _session().disconnect(connection_id)
        case _:
            _session().handle_frame(connection_id, request["authorizer"]["owner"], event.get("body") or "")
    return {"statusCode": 200}


run_during_init(_session)
