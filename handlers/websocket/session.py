"""WebSocket session: executes the messages of a connection's client, and ends its subscriptions when it closes."""

import json
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from cloud.dynamodb.job_store import JobStore
from cloud.observability import logger
from cloud.s3.presigner import Presigner
from darkroom.contract.errors import ErrorCode
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
            self._send(connection_id, _error_message(body, error))
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
        after_seq = request.after_seq or 0
        self._subscriptions.add(
            Subscription(job_id=job_id, connection_id=connection_id, owner=owner, after_seq=after_seq)
        )
        record = self._store.get(job_id)
        if record is None or record.owner != owner:
            self._subscriptions.remove(job_id, connection_id)
            error = SocketError(code=ErrorCode.NOT_FOUND, message="You have no job with this id.")
            self._send(connection_id, ErrorMessage(error=error, job_id=job_id))
            return
        if record.ended:
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


def _error_message(body: str, error: ValidationError) -> ErrorMessage:
    try:
        frame = json.loads(body)
    except (ValueError, RecursionError):
        frame = None
    job_id = frame.get("job_id") if isinstance(frame, dict) else None
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(part) for part in problem["loc"])
    return ErrorMessage(
        error=SocketError(
            code=ErrorCode.INVALID_REQUEST, message=f"{path}: {problem['msg']}" if path else problem["msg"]
        ),
        job_id=job_id if isinstance(job_id, str) else None,
    )
